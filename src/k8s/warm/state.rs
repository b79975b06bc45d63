//! What is known of a pool during a wait, and what it amounts to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::super::error::Error;
use super::super::follow::{Far, Followed};
use super::super::node::Node;
use super::super::puller::{Puller, PullerPod};
use super::super::watch::Update;
use super::super::why::{About, Explanation};
use super::pulls::{Hold, Pulls};
use super::{Proof, Want};
use crate::event::{Item, Phase};

/// A node that takes longer than this to become ready is in trouble.
const REGISTERING: Duration = Duration::from_mins(5);

/// Events from so long before the wait still explain it: the request came first.
const BEFORE: Duration = Duration::from_mins(10);

/// One thing heard from a watch.
pub(super) enum Heard {
    Nodes(Update<Node>),
    Pods(Option<Arc<str>>, Update<PullerPod>),
    Events(Update<Explanation>),
}

/// What is known.
pub(super) struct State {
    want: Want,
    /// Events older than this explain nothing.
    since: Timestamp,
    nodes: BTreeMap<String, Node>,
    pulls: Pulls,
    why: BTreeMap<About, (Timestamp, String)>,
    /// First lists that have not come yet: of nodes, and of pods in these namespaces.
    nodes_listed: bool,
    expected: BTreeSet<Option<String>>,
}

/// What it amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// How many nodes count, of as many as are wanted.
    pub(super) done: u32,
    pub(super) items: Vec<Item>,
    pub(super) why: Option<String>,
    pub(super) proofs: Vec<Proof>,
}

impl Followed for State {
    type Heard = Heard;

    fn listed(&self) -> bool {
        self.nodes_listed && self.expected.is_empty()
    }

    fn hear(&mut self, heard: Heard, now: Timestamp) -> Result<(), Error> {
        match heard {
            Heard::Nodes(Update::Failed(failure)) | Heard::Pods(_, Update::Failed(failure)) => {
                return Err(failure);
            }
            Heard::Nodes(update) => self.nodes(update),
            Heard::Pods(namespace, update) => self.pods(namespace.as_deref(), update, now),
            Heard::Events(Update::All(events)) => {
                for event in events {
                    self.explained(event);
                }
            }
            Heard::Events(Update::Put(event)) => self.explained(event),
            // Events expire; and a wait that may not read them is only less talkative.
            Heard::Events(Update::Gone(_) | Update::Failed(_)) => {}
        }
        Ok(())
    }

    fn far(&self, now: Timestamp) -> Far {
        let view = self.view(now);
        Far {
            done: view.done.into(),
            of: self.want.nodes.into(),
            items: view.items,
            why: view.why,
        }
    }

    // An image that cannot be had has to be looked at again.
    fn alarm(&self, now: Timestamp) -> Option<Duration> {
        self.pulls.alarm(now, |name| self.counts(name))
    }

    fn failure(&self, now: Timestamp) -> Option<Error> {
        self.pulls.failure(now, |name| self.counts(name))
    }
}

impl State {
    pub(super) fn new(want: &Want, now: Timestamp) -> Self {
        Self {
            want: want.clone(),
            since: now - BEFORE,
            nodes: BTreeMap::new(),
            pulls: Pulls::default(),
            why: BTreeMap::new(),
            nodes_listed: false,
            expected: BTreeSet::new(),
        }
    }

    pub(super) fn pool(&self) -> &str {
        &self.want.pool
    }

    /// Chooses the pullers that count.
    pub(super) fn choose(&mut self, pullers: Vec<Puller>, watch: &[String]) {
        self.pulls = Pulls::new(pullers, watch, self.want.image.clone());
    }

    /// Whether a puller that counts may have pods there.
    pub(super) fn pulls_in(&self, namespace: Option<&str>) -> bool {
        self.pulls.in_namespace(namespace)
    }

    /// Nothing can be said before pods have been listed there.
    pub(super) fn expect(&mut self, namespace: Option<&str>) {
        self.expected.insert(namespace.map(str::to_owned));
    }

    pub(super) fn nodes(&mut self, update: Update<Node>) {
        let mut put = |node: Node| self.nodes.insert(node.name.clone(), node);
        match update {
            Update::All(nodes) => {
                self.nodes = nodes.into_iter().map(|n| (n.name.clone(), n)).collect();
                self.nodes_listed = true;
            }
            Update::Put(node) => drop(put(node)),
            Update::Gone(node) => drop(self.nodes.remove(&node.name)),
            Update::Failed(_) => {}
        }
    }

    pub(super) fn pods(
        &mut self,
        namespace: Option<&str>,
        update: Update<PullerPod>,
        now: Timestamp,
    ) {
        if matches!(update, Update::All(_)) {
            self.expected.remove(&namespace.map(str::to_owned));
        }
        self.pulls.hear(namespace, update, now);
    }

    fn explained(&mut self, event: Explanation) {
        let (Some(about), Some(at)) = (event.about, event.at) else {
            return;
        };
        if at >= self.since && self.why.get(&about).is_none_or(|(known, _)| *known <= at) {
            self.why.insert(about, (at, event.text));
        }
    }

    /// What all this amounts to.
    pub(super) fn view(&self, now: Timestamp) -> View {
        let mut proofs = Vec::new();
        let mut items = Vec::new();
        for node in self.nodes.values() {
            let (phase, note) = match self.stand(node, now) {
                Ok(proof) => {
                    let note = proof.by.clone();
                    proofs.push(proof);
                    (Phase::Ready, note)
                }
                Err(missing) => missing,
            };
            items.push(Item {
                name: node.name.clone(),
                phase,
                note,
            });
        }
        let coming = self.nodes.values().filter(|node| !node.cordoned).count();
        let wanted = usize::try_from(self.want.nodes).unwrap_or(usize::MAX);
        items.extend((coming + 1..=wanted).map(|number| Item {
            name: format!("node {number}"),
            phase: Phase::Booting,
            note: "not there yet".to_owned(),
        }));
        View {
            done: u32::try_from(proofs.len()).map_or(self.want.nodes, |n| n.min(self.want.nodes)),
            why: self.why(coming < wanted, &proofs),
            items,
            proofs,
        }
    }

    /// Why a node counts, or where it is.
    fn stand(&self, node: &Node, now: Timestamp) -> Result<Proof, (Phase, String)> {
        if node.cordoned {
            return Err((Phase::Trouble, "cordoned".to_owned()));
        }
        if let Some(why) = &node.why {
            let reason = why.split(": ").next().unwrap_or(why).to_owned();
            let age = node
                .created
                .and_then(|created| Duration::try_from(now.duration_since(created)).ok());
            return Err(if age.is_some_and(|age| age > REGISTERING) {
                (Phase::Trouble, reason)
            } else {
                (Phase::Registering, reason)
            });
        }
        match self.pulls.hold(node) {
            Hold::Proved { images, by } => Ok(Proof {
                node: node.name.clone(),
                images,
                by,
            }),
            Hold::Failing(how) => Err((Phase::Trouble, how)),
            Hold::Pulling(far) => Err((Phase::Pulling, far)),
        }
    }

    /// The newest event that explains what is still missing, else a node's own condition.
    fn why(&self, nodes_missing: bool, proofs: &[Proof]) -> Option<String> {
        let proved = |name: &str| proofs.iter().any(|proof| proof.node == name);
        let missing = |name: &str| self.nodes.contains_key(name) && !proved(name);
        let explains = |about: &About| match about {
            About::ScaleUp => nodes_missing,
            About::Node(name) => missing(name),
            About::Pod(namespace, name) => self.pulls.node_of(namespace, name).is_some_and(missing),
        };
        self.why
            .iter()
            .filter(|(about, _)| explains(about))
            .map(|(_, said)| said)
            .max()
            .map(|(_, text)| text.clone())
            .or_else(|| {
                let mut waiting = self.nodes.values().filter(|node| !node.cordoned);
                waiting.find_map(|node| node.why.clone())
            })
    }

    /// Whether this node would be one of those wanted, once it holds the image.
    fn counts(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name).filter(|node| !node.cordoned)
    }

    /// What was not checked of these nodes, and why.
    pub(super) fn unchecked(&self, proofs: &[Proof]) -> Option<String> {
        self.pulls.unchecked(proofs)
    }
}
