//! How far each node's pull is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::super::error::Error;
use super::super::follow::{Far, Followed};
use super::super::object::PodObject;
use super::super::watch::Update;
use crate::event::{Item, Phase};

/// So long may a pull fail for reasons that pass: registries hiccup, and kubelets try again.
const PATIENCE: Duration = Duration::from_mins(3);
/// What registries and kubelets say of what will not pass.
const FINAL: [&str; 6] = [
    "not found",
    "manifest unknown",
    "denied",
    "unauthorized",
    "no match for platform",
    "invalid reference",
];

/// One of the pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pull {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) node: String,
    pub(super) image: String,
    stand: Stand,
}

/// How it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stand {
    Pulling,
    Failing {
        reason: String,
        message: String,
    },
    /// The node does not take it.
    Refused(String),
    /// Its container began or ended, well or not: the image is there.
    There,
}

impl From<PodObject> for Pull {
    fn from(object: PodObject) -> Self {
        let status = object.status.unwrap_or_default();
        let container = status.container_statuses.first();
        let waiting = container.and_then(|container| container.state.waiting.as_ref());
        let stand = match (container, waiting) {
            (Some(_), None) => Stand::There,
            (Some(_), Some(waiting)) => match waiting.reason.as_str() {
                "ErrImagePull"
                | "ImagePullBackOff"
                | "InvalidImageName"
                | "ErrImageNeverPull"
                | "RegistryUnavailable"
                | "ImageInspectError" => Stand::Failing {
                    reason: waiting.reason.clone(),
                    message: waiting.message.clone(),
                },
                "" | "ContainerCreating" | "PodInitializing" => Stand::Pulling,
                // It crashes, or cannot be started: but it is there.
                _ => Stand::There,
            },
            (None, _) if status.phase == "Failed" => Stand::Refused(status.reason),
            (None, _) => Stand::Pulling,
        };
        let image = object.spec.containers.into_iter().next();
        let meta = object.metadata;
        Self {
            namespace: meta.namespace.unwrap_or_default(),
            name: meta.name.unwrap_or_default(),
            node: object.spec.node_name,
            image: image.map_or_else(String::new, |container| container.image),
            stand,
        }
    }
}

/// What is known of all of them.
pub(super) struct State {
    image: String,
    nodes: BTreeSet<String>,
    pods: BTreeMap<String, Pull>,
    failing: BTreeMap<String, (Timestamp, String, Pull)>,
    /// What each node was last known to have.
    there: BTreeSet<String>,
    listed: bool,
}

impl State {
    pub(super) fn new(image: &str, nodes: impl Iterator<Item = String>) -> Self {
        Self {
            image: image.to_owned(),
            nodes: nodes.collect(),
            pods: BTreeMap::new(),
            failing: BTreeMap::new(),
            there: BTreeSet::new(),
            listed: false,
        }
    }

    pub(super) fn nodes(&self) -> Vec<String> {
        self.nodes.iter().cloned().collect()
    }

    fn put(&mut self, pod: Pull, now: Timestamp) {
        if pod.image != self.image || !self.nodes.contains(&pod.node) {
            return;
        }
        match &pod.stand {
            Stand::There => {
                self.there.insert(pod.node.clone());
            }
            Stand::Failing { message, .. } => {
                let first = (now, message.clone(), pod.clone());
                let known = self.failing.entry(pod.node.clone()).or_insert(first);
                // `Back-off` says only that it failed before.
                if !message.starts_with("Back-off") {
                    known.1.clone_from(message);
                }
            }
            Stand::Pulling | Stand::Refused(_) => drop(self.failing.remove(&pod.node)),
        }
        self.pods.insert(pod.node.clone(), pod);
    }

    /// The nodes that did not take the pod, and why.
    pub(super) fn refused(&self) -> Option<(BTreeSet<String>, String)> {
        let refused = self.pods.values().filter_map(|pod| match &pod.stand {
            Stand::Refused(why) if !self.there.contains(&pod.node) => Some((&pod.node, why)),
            _ => None,
        });
        let refused: Vec<(&String, &String)> = refused.collect();
        let told: Vec<String> = (refused.iter())
            .map(|(node, why)| format!("{node} took no pod ({why})"))
            .collect();
        let nodes = refused.into_iter().map(|(node, _)| node.clone()).collect();
        (!told.is_empty()).then(|| (nodes, told.join("; ")))
    }

    pub(super) fn timed_out(&self, limit: Duration) -> Error {
        let missing = self.nodes.iter().filter(|node| !self.is_done(node));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Error::TimedOut {
            what: self.image.clone(),
            done: count(self.nodes.len() - missing.len()),
            of: count(self.nodes.len()),
            limit,
            missing: missing.join(", "),
            hint: "`runbook run pods --all` shows what the nodes are doing; run it again to go on"
                .to_owned(),
        }
    }

    fn is_done(&self, node: &str) -> bool {
        let refused = matches!(
            self.pods.get(node).map(|pod| &pod.stand),
            Some(Stand::Refused(_))
        );
        refused || self.there.contains(node)
    }
}

impl Followed for State {
    type Heard = Update<Pull>;

    fn hear(&mut self, heard: Update<Pull>, now: Timestamp) -> Result<(), Error> {
        match heard {
            Update::All(pods) => {
                self.listed = true;
                for pod in pods {
                    self.put(pod, now);
                }
            }
            Update::Put(pod) => self.put(pod, now),
            Update::Gone(pod) => drop(self.pods.remove(&pod.node)),
            Update::Failed(failure) => return Err(failure),
        }
        Ok(())
    }

    fn listed(&self) -> bool {
        self.listed
    }

    fn far(&self, _: Timestamp) -> Far {
        let items = self.nodes.iter().map(|node| {
            let (phase, note) = match self.pods.get(node).map(|pod| &pod.stand) {
                _ if self.there.contains(node) => (Phase::Ready, "holds it".to_owned()),
                Some(Stand::Failing { reason, .. }) => (Phase::Trouble, reason.clone()),
                Some(Stand::Refused(why)) => (Phase::Trouble, format!("not tried: {why}")),
                _ => (Phase::Pulling, "pulling".to_owned()),
            };
            let name = node.clone();
            Item { name, phase, note }
        });
        let done = self.nodes.iter().filter(|node| self.is_done(node)).count();
        Far {
            done: u64::try_from(done).unwrap_or(u64::MAX),
            of: u64::try_from(self.nodes.len()).unwrap_or(u64::MAX),
            items: items.collect(),
            why: self.failing.values().next().map(|(_, why, _)| why.clone()),
        }
    }

    fn alarm(&self, now: Timestamp) -> Option<Duration> {
        let first = self.failing.values().map(|(since, ..)| since).min()?;
        let left = PATIENCE.saturating_sub(since(*first, now));
        Some(left)
    }

    fn failure(&self, now: Timestamp) -> Option<Error> {
        let hopeless = |(began, why, pod): &&(Timestamp, String, Pull)| {
            let why = why.to_lowercase();
            let malformed =
                matches!(&pod.stand, Stand::Failing { reason, .. } if reason == "InvalidImageName");
            malformed
                || FINAL.iter().any(|known| why.contains(known))
                || since(*began, now) >= PATIENCE
        };
        let (_, why, pod) = self.failing.values().find(hopeless)?;
        Some(Error::Image {
            image: self.image.clone(),
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            reason: match &pod.stand {
                Stand::Failing { reason, .. } => reason.clone(),
                _ => "ErrImagePull".to_owned(),
            },
            message: why.clone(),
        })
    }
}

fn since(began: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(began)).unwrap_or_default()
}
