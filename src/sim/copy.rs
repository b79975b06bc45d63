//! A copy of a target: the practice world filled from a look at one.
//!
//! What it cannot stand in for it says ([`State::beyond`]), instead of making it up.

mod people;
mod pools;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chance::Chance;
use super::fetch::full;
use super::images::Image;
use super::layout::Layout;
use super::pools::Pool;
use super::pullers::{NOTEBOOK_BYTES, PULLER};
use super::scenario::plan_faults;
use super::state::State;
use super::{Error, Setup};
use crate::error;
use crate::world::Target;
use crate::world::snapshot::{self, Exchange, FORMAT, Part, Snapshot};

/// Where a copy comes from, and what is known beyond what the world is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) target: Target,
    /// What whoever opens a door meets there: nobody looked, or nobody could.
    pub(super) shut: BTreeMap<String, Shut>,
    /// Paths of Kubernetes that we may not read.
    pub(super) refused: BTreeMap<String, error::Error>,
    /// What registries answered.
    pub(super) web: Vec<Exchange>,
    pub(super) images: BTreeMap<String, snapshot::Image>,
    /// Permissions that are missing.
    pub(super) denied: BTreeMap<String, error::Error>,
    /// When it was looked at.
    pub(super) taken: Timestamp,
    /// What nobody could find out.
    pub(super) unknown: Vec<String>,
    /// What it was like, in words.
    pub(super) facts: BTreeMap<String, String>,
    /// Everybody with a server then.
    pub(super) people: Vec<String>,
    /// How many machines there were.
    pub(super) machines: usize,
    /// The first thing that was wanted of the copy and that it cannot know.
    pub(super) beyond: Option<String>,
}

/// Why a door does not open.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shut {
    /// Nobody looked behind it.
    Unseen,
    /// There is nothing behind it.
    Absent,
    /// It could not be looked at.
    Failed(error::Error),
}

/// What a copy was taken from, and what has become of it.
#[derive(Debug, Clone, Default)]
pub struct Copied {
    /// When the target was looked at.
    pub taken: Timestamp,
    /// How many people had a server.
    pub people: u64,
    /// How many of them have none any more.
    pub affected: u64,
    /// How many machines there are more.
    pub more_nodes: u32,
    /// What nobody could find out.
    pub unknown: Vec<String>,
    /// What the target was like, in words.
    pub facts: BTreeMap<String, String>,
}

/// The text at a pointer.
fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    super::objects::text(object, pointer)
}

fn moment(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer).parse().ok()
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|one| text(one, "/type") == kind)
}

/// A world that is a copy of what was seen.
pub(super) fn build(seen: &Snapshot, setup: &Setup) -> Result<State, Error> {
    if seen.format != FORMAT {
        return Err(Error::OtherFormat {
            found: seen.format,
            known: FORMAT,
        });
    }
    let at = seen.taken;
    let mut state = State::empty(Chance::new(setup.seed), at);
    state.layout = layout(seen);
    state.origin = Some(Box::new(origin(seen)));
    state.desk.clear();
    for object in seen.objects.seen().into_iter().flat_map(|seen| &seen.all) {
        state.store.put(object.clone(), at);
    }
    if let Some(gke) = seen.gke.seen() {
        state.copy_pools(gke, at);
        state.copy_operations(gke, at);
    }
    state.copy_people(seen, at);
    state.copy_pulls(at);
    if let Some(hub) = seen.hub.seen() {
        state.hub.copy(hub);
    }
    if let Some(github) = seen.github.seen() {
        state.github.copy(&state.layout.list, github);
    }
    state.survey(at);
    plan_faults(&mut state, &setup.faults);
    state.pods_seen = state.store.version();
    state.mind_pods(at);
    state.advance(at);
    let (people, machines) = (state.people.keys().cloned().collect(), state.machines());
    if let Some(origin) = &mut state.origin {
        (origin.people, origin.machines) = (people, machines);
    }
    Ok(state)
}

fn origin(seen: &Snapshot) -> Origin {
    fn shut<T>(part: &Part<T>) -> Option<Shut> {
        match part {
            Part::Unseen => Some(Shut::Unseen),
            Part::Absent => Some(Shut::Absent),
            Part::Failed(error) => Some(Shut::Failed(error.clone())),
            Part::Seen(_) => None,
        }
    }
    let doors = [
        ("gke", shut(&seen.gke)),
        ("k8s", shut(&seen.objects)),
        ("hub", shut(&seen.hub)),
        ("github", shut(&seen.github)),
    ];
    let shut = doors
        .into_iter()
        .filter_map(|(door, shut)| Some((door.to_owned(), shut?)));
    Origin {
        target: seen.target.clone(),
        shut: shut.collect(),
        refused: seen
            .objects
            .seen()
            .map(|seen| seen.refused.clone())
            .unwrap_or_default(),
        web: seen.web.clone(),
        images: seen.images.clone(),
        denied: seen.denied.clone(),
        taken: seen.taken,
        unknown: seen.unknown.clone(),
        facts: seen.facts(),
        people: Vec::new(),
        machines: 0,
        beyond: None,
    }
}

fn layout(seen: &Snapshot) -> Layout {
    let target = &seen.target;
    let objects = || seen.objects.seen().into_iter().flat_map(|seen| &seen.all);
    let pullers = || {
        objects().filter(|one| {
            text(one, "/kind") == "DaemonSet" && text(one, "/metadata/labels/component") == PULLER
        })
    };
    let mut hubs: Vec<String> = target.hub_namespace.iter().cloned().collect();
    let others = pullers().map(|one| text(one, "/metadata/namespace").to_owned());
    for namespace in others.chain(target.watch.iter().cloned()) {
        if !hubs.contains(&namespace) {
            hubs.push(namespace);
        }
    }
    let usual = Layout::default();
    let home = hubs.first().cloned().unwrap_or_default();
    let notebook = pullers()
        .find(|one| text(one, "/metadata/namespace") == home)
        .and_then(|one| {
            one.pointer("/spec/template/spec/initContainers")?
                .as_array()?
                .last()
        })
        .map(|container| text(container, "/image").to_owned());
    Layout {
        cluster: target.cluster.clone(),
        hubs,
        notebook: notebook.unwrap_or(usual.notebook),
        list: target.allow_list.clone().unwrap_or(usual.list),
        checker: target.check_user.clone(),
        version: seen
            .gke
            .seen()
            .map_or(usual.version, |gke| gke.version.clone()),
        copy_of: Some(target.name.clone()),
    }
}

impl State {
    /// How many machines all pools aim at.
    pub(super) fn machines(&self) -> usize {
        self.pools.values().map(Pool::total).sum()
    }

    /// What a copy was taken from, and what has become of it; nothing where it is none.
    pub(super) fn copied(&self) -> Copied {
        let Some(origin) = &self.origin else {
            return Copied::default();
        };
        let lost = origin
            .people
            .iter()
            .filter(|key| !self.people.contains_key(*key));
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let more = self.machines().saturating_sub(origin.machines);
        Copied {
            taken: origin.taken,
            people: number(origin.people.len()),
            affected: number(lost.count()),
            more_nodes: u32::try_from(more).unwrap_or(u32::MAX),
            unknown: origin.unknown.clone(),
            facts: origin.facts.clone(),
        }
    }

    /// Notes the first thing that a copy was asked for and cannot know.
    pub(super) fn beyond(&mut self, what: impl Into<String>) {
        if let Some(origin) = &mut self.origin {
            origin.beyond.get_or_insert_with(|| what.into());
        }
    }

    /// An image, as far as this world knows it; none when there is no such image.
    pub(super) fn image(&mut self, name: &str) -> Option<Image> {
        self.looked_up(name).unwrap_or_else(|unknown| {
            self.beyond(unknown);
            None
        })
    }

    /// The same.
    ///
    /// # Errors
    /// What a copy cannot know.
    pub(super) fn looked_up(&self, name: &str) -> Result<Option<Image>, String> {
        let Some(origin) = &self.origin else {
            return Ok(super::images::find(name).copied());
        };
        let wanted = full(name);
        let mut asked = origin.images.iter();
        let asked = asked
            .find(|(asked, _)| full(asked) == wanted)
            .map(|(_, image)| image);
        let exists = match asked {
            Some(image) => image.exists,
            None => self.is_held(&wanted).then_some(true),
        };
        let seen = asked.cloned().unwrap_or_default();
        let here = |architecture: &String| architecture == "amd64";
        match exists {
            Some(false) => Ok(None),
            Some(true) => Ok(Some(Image {
                name: "",
                bytes: seen.bytes.unwrap_or(NOTEBOOK_BYTES),
                architectures: match seen.architectures.as_slice() {
                    some @ [_, ..] if !some.iter().any(here) => &["arm64"],
                    _ => &["amd64"],
                },
                serves: true,
            })),
            None => Err(format!(
                "whether there is an image {name}: its registry was not asked, or does not tell"
            )),
        }
    }

    /// Whether some node holds an image.
    fn is_held(&self, wanted: &str) -> bool {
        let nodes = self.store.list("Node");
        let images = nodes.filter_map(|node| node.pointer("/status/images")?.as_array());
        let names = images
            .flatten()
            .filter_map(|image| image.pointer("/names")?.as_array());
        let mut names = names.flatten().filter_map(Value::as_str);
        names.any(|name| full(name) == wanted)
    }
}
