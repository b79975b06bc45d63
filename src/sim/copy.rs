//! A copy of a target: the practice world filled from a look at one.
//!
//! What it cannot stand in for it says ([`State::beyond`]), instead of making it up.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::autoscaler::Backoff;
use super::chance::Chance;
use super::fault::{Fault, When};
use super::fetch::full;
use super::images::Image;
use super::layout::Layout;
use super::operations::Operation;
use super::people::{CULL_EVERY, Person, key, since_epoch};
use super::pools::{Instance, Pool, Stage};
use super::pullers::{NOTEBOOK_BYTES, PULLER};
use super::scenario::plan_faults;
use super::shape::Shape;
use super::state::{Pulling, State, Todo, later, millis};
use super::{Error, Setup};
use crate::error;
use crate::world::Target;
use crate::world::snapshot::{self, Exchange, FORMAT, Part, Snapshot};

/// Somebody was active so recently, in minutes, that they are taken to be at work.
const AT_WORK: i64 = 10;
/// How long people work of whom nobody knows more, in milliseconds.
const WORKDAY: u64 = 8 * 3_600_000;
/// A node that has not been ready for so long, in minutes, will not be.
const LOST: i64 = 15;
/// How long an operation goes on of which nobody knows more, in milliseconds.
const GOES_ON: (u64, u64) = (60_000, 300_000);
/// For how long the autoscaler lets a group be that it has backed off from, in milliseconds.
const BACKOFF: u64 = 300_000;
/// How long image pullers need, in milliseconds; those under way have done some of it.
const PULL: u64 = 1_150_000;
const PULL_LEFT: u64 = 60_000;

const POOL: &str = "/metadata/labels/cloud.google.com~1gke-nodepool";
const ZONE: &str = "/metadata/labels/topology.kubernetes.io~1zone";
const PURPOSE: &str = "hub.jupyter.org/node-purpose";

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
    let mut state = State::empty(Chance::new(setup.seed));
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
    let since = i64::try_from(millis(at)).unwrap_or(i64::MAX);
    let later_on = |fault: &Fault| Fault {
        when: match fault.when {
            When::After(after) => When::After(after.saturating_add(since)),
            point @ When::Point(_) => point,
        },
        ..fault.clone()
    };
    let faults: Vec<Fault> = setup.faults.iter().map(later_on).collect();
    plan_faults(&mut state, &faults);
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

/// The zone of an instance group's address.
fn zone_of(url: &str) -> Option<&str> {
    url.split_once("/zones/")?.1.split('/').next()
}

/// How many machines the autoscaler wants in each instance group, and what it says it waits for.
fn groups(state: &State) -> BTreeMap<String, (usize, Option<(String, String)>)> {
    let map = state.store.get(
        "ConfigMap",
        Some("kube-system"),
        "cluster-autoscaler-status",
    );
    let status = map.map_or("", |map| text(map, "/data/status"));
    let read: Value = serde_yaml::from_str(status).unwrap_or_default();
    let rows = read.get("nodeGroups").and_then(Value::as_array);
    rows.into_iter()
        .flatten()
        .map(|row| {
            let wanted = row
                .pointer("/health/cloudProviderTarget")
                .and_then(Value::as_u64);
            let backs_off = text(row, "/scaleUp/status") == "Backoff";
            let of = |key: &str| text(row, &format!("/scaleUp/backoffInfo/{key}")).to_owned();
            let why = backs_off.then(|| (of("errorCode"), of("errorMessage")));
            let wanted = wanted.and_then(|wanted| usize::try_from(wanted).ok());
            (text(row, "/name").to_owned(), (wanted.unwrap_or(0), why))
        })
        .collect()
}

impl State {
    /// How many machines all pools aim at.
    fn machines(&self) -> usize {
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

    fn copy_pools(&mut self, seen: &snapshot::Gke, at: Timestamp) {
        let wanted = groups(self);
        for found in &seen.pools {
            let addresses = found.instance_group_urls.iter();
            let groups: BTreeMap<String, String> = addresses
                .filter_map(|url| {
                    let address = url.replace("/instanceGroupManagers/", "/instanceGroups/");
                    Some((zone_of(url)?.to_owned(), address))
                })
                .collect();
            let nodes: Vec<Value> = (self.store.list("Node"))
                .filter(|node| text(node, POOL) == found.name)
                .cloned()
                .collect();
            let labels = found.config.as_ref().map(|config| &config.labels);
            let purpose = labels.and_then(|labels| labels.get(PURPOSE)).cloned();
            let of_node = || {
                let label = nodes.first()?.pointer("/metadata/labels")?.get(PURPOSE)?;
                label.as_str().map(str::to_owned)
            };
            let instances = nodes.iter().map(|node| {
                let ready = condition(node, "Ready");
                let stage = match ready.map(|one| text(one, "/status")) {
                    Some("True") => Stage::Ready,
                    _ => Stage::Registered,
                };
                let zone = text(node, ZONE).to_owned();
                let instance = Instance {
                    zone,
                    stage,
                    unneeded_ms: None,
                };
                (text(node, "/metadata/name").to_owned(), instance)
            });
            let waits = groups.values().find_map(|url| wanted.get(url)?.1.clone());
            let pool = Pool {
                name: found.name.clone(),
                purpose: purpose.or_else(of_node).unwrap_or_default(),
                autoscaling: found.autoscaling.clone().unwrap_or_default(),
                instances: instances.collect(),
                condition: found.conditions.first().cloned(),
                backoff: waits.map(|(code, why)| Backoff {
                    until_ms: millis(at) + BACKOFF,
                    code,
                    why,
                    idle: true,
                }),
                shape: Some(Shape {
                    pool: found.clone(),
                    node: nodes.first().cloned(),
                }),
                groups,
            };
            let short = pool.groups.iter().flat_map(|(zone, url)| {
                let missing = wanted.get(url).map_or(0, |(wanted, _)| *wanted);
                let missing = missing.saturating_sub(pool.target(zone));
                std::iter::repeat_n(zone.clone(), missing)
            });
            let short: Vec<String> = short.collect();
            let name = pool.name.clone();
            self.pools.insert(name.clone(), pool);
            for zone in short {
                self.boot(&name, &zone, at);
            }
            for node in nodes {
                self.finish_node(&node, at);
            }
        }
    }

    /// A node that is on its way gets there; one that was lost does not.
    fn finish_node(&mut self, node: &Value, at: Timestamp) {
        let ready = condition(node, "Ready");
        let is_ready = ready.is_some_and(|one| text(one, "/status") == "True");
        let since = ready.and_then(|one| moment(one, "/lastTransitionTime"));
        let lost =
            since.is_some_and(|since| at.duration_since(since) > SignedDuration::from_mins(LOST));
        if is_ready || lost {
            return;
        }
        let name = text(node, "/metadata/name").to_owned();
        let connects = self.soon(at, (18_000, 36_000));
        self.plan(connects, Todo::Connect { node: name.clone() });
        self.plan(later(connects, 4_000), Todo::MakeReady { node: name });
    }

    fn copy_operations(&mut self, seen: &snapshot::Gke, at: Timestamp) {
        for report in &seen.operations {
            let ends = self.soon(at, GOES_ON);
            let operation = report.name.clone();
            self.operations.push(Operation::of_somebody(report.clone()));
            self.plan(ends, Todo::Finish { operation });
        }
    }

    fn copy_people(&mut self, seen: &Snapshot, at: Timestamp) {
        let active = seen.hub.seen().map(|hub| &hub.active);
        let servers: Vec<Value> = (self.store.list("Pod"))
            .filter(|pod| text(pod, "/metadata/labels/component") == super::people::SERVER)
            .filter(|pod| !["Succeeded", "Failed"].contains(&text(pod, "/status/phase")))
            .cloned()
            .collect();
        for server in servers {
            let user = text(&server, "/metadata/annotations/hub.jupyter.org~1username").to_owned();
            let started = moment(&server, "/metadata/creationTimestamp").unwrap_or(at);
            let last = active.and_then(|active| active.get(&user)).copied();
            let idle =
                last.filter(|last| at.duration_since(*last) > SignedDuration::from_mins(AT_WORK));
            let (namespace, pod) = (
                text(&server, "/metadata/namespace"),
                text(&server, "/metadata/name"),
            );
            let person = Person {
                namespace: namespace.to_owned(),
                user,
                pod: pod.to_owned(),
                image: text(&server, "/spec/containers/0/image").to_owned(),
                node: text(&server, "/spec/nodeName").to_owned(),
                started_ms: since_epoch(started),
                works_until_ms: since_epoch(idle.unwrap_or(later(at, WORKDAY))),
            };
            if text(&server, "/status/phase") == "Pending" && !person.node.is_empty() {
                let starts = self.soon(at, (2_000, 6_000));
                let (namespace, pod) = (person.namespace.clone(), person.pod.clone());
                self.plan(starts, Todo::StartPod { namespace, pod });
            }
            self.people.insert(key(namespace, pod), person);
        }
        let untold = self
            .people
            .values()
            .any(|person| !active.is_some_and(|active| active.contains_key(&person.user)));
        if untold && let Some(origin) = &mut self.origin {
            let at_work = "when people were last active: they are taken to be at work";
            origin.unknown.push(at_work.to_owned());
        }
        if !self.people.is_empty() {
            self.plan(later(at, CULL_EVERY), Todo::Cull);
            if let Some(origin) = &mut self.origin {
                let culls = "whether the hub stops servers that were idle for an hour: taken as yes, as z2jh does";
                origin.unknown.push(culls.to_owned());
            }
        }
    }

    /// Image pullers that were under way go on.
    fn copy_pulls(&mut self, at: Timestamp) {
        let mut steps: BTreeMap<String, (u64, Pulling)> = BTreeMap::new();
        for pod in self.store.list("Pod") {
            let is_puller = text(pod, "/metadata/labels/component") == PULLER;
            let ready = condition(pod, "Ready").is_some_and(|one| text(one, "/status") == "True");
            if !is_puller || ready {
                continue;
            }
            let inits = pod
                .pointer("/status/initContainerStatuses")
                .and_then(Value::as_array);
            let stuck = inits.into_iter().flatten().any(|one| {
                ["ErrImagePull", "ImagePullBackOff"].contains(&text(one, "/state/waiting/reason"))
            });
            let began = moment(pod, "/status/startTime").unwrap_or(at);
            let went = millis(at).saturating_sub(millis(began));
            let left = PULL.saturating_sub(went).max(PULL_LEFT);
            let step = if stuck {
                (0, Pulling::Failing { tries: 1 })
            } else {
                (
                    left,
                    Pulling::Done {
                        took_ms: went + left,
                    },
                )
            };
            steps.insert(text(pod, "/spec/nodeName").to_owned(), step);
        }
        for (node, (left, step)) in steps {
            self.plan(later(at, left), Todo::Pull { node, step });
        }
    }
}
