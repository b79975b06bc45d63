//! Emptying a node before its machine goes: its pods are evicted, as often as it takes.
//!
//! GKE respects budgets for an hour and then goes on by force, and gives each pod its own grace, an
//! hour at most; the autoscaler of this version gives ten minutes, and gives up where a budget is
//! in the way.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::apiserver::{end, evicted};
use super::autoscaler;
use super::objects::{is_of_node, set, text};
use super::pools::Stage;
use super::state::{State, Todo, later, millis};

/// From an empty node to a machine that is gone, in milliseconds: least and most.
const SHUTDOWN: (u64, u64) = (45_000, 90_000);
/// How often a drain tries again.
const AGAIN: u64 = 5_000;
/// How long GKE respects budgets.
const PATIENCE: u64 = 3_600_000;

/// Who empties a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum By {
    /// A resize.
    Gke,
    /// The cluster autoscaler.
    Autoscaler,
}

impl By {
    /// The longest grace a pod is given, in seconds.
    fn grace(self) -> u64 {
        match self {
            Self::Gke => 3_600,
            Self::Autoscaler => 600,
        }
    }
}

/// A node that is being emptied.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Drain {
    by: By,
    began_ms: u64,
    shutdown_ms: u64,
}

impl State {
    /// Begins to empty a node; its machine goes when it is empty.
    pub(super) fn drain(&mut self, node: &str, by: By, at: Timestamp) {
        self.set_stage(node, Stage::Leaving);
        if by == By::Gke {
            // The autoscaler only taints.
            self.store.edit("Node", None, node, |node| {
                set(node, "/spec/unschedulable", json!(true));
            });
            self.sync_cordon(node, at);
        }
        let drain = Drain {
            by,
            began_ms: millis(at),
            shutdown_ms: self.chance.between(SHUTDOWN),
        };
        self.drains.insert(node.to_owned(), drain);
        self.drain_on(node, at);
    }

    /// One more try at the pods of a node.
    pub(super) fn drain_on(&mut self, node: &str, at: Timestamp) {
        let Some(drain) = self.drains.get(node).cloned() else {
            return;
        };
        let waited = millis(at) - drain.began_ms;
        let pods: Vec<(String, String, bool, u64)> = (self.pods_on(node))
            .filter(|pod| !is_of_node(pod))
            .map(|pod| {
                let of = |pointer| text(pod, pointer).to_owned();
                let grace = pod.pointer("/spec/terminationGracePeriodSeconds");
                let grace = grace.and_then(Value::as_u64).unwrap_or(30);
                let ends = !text(pod, "/metadata/deletionTimestamp").is_empty();
                (of("/metadata/namespace"), of("/metadata/name"), ends, grace)
            })
            .collect();
        let node = node.to_owned();
        if pods.is_empty() {
            self.drains.remove(&node);
            return self.plan(later(at, drain.shutdown_ms), Todo::Remove { node });
        }
        let mut refused = false;
        for (namespace, name, _, grace) in pods.iter().filter(|(_, _, ends, _)| !ends) {
            let pod = (namespace.as_str(), name.as_str());
            let grace = Some(drain.by.grace().min(*grace));
            let goes = if drain.by == By::Gke && waited >= PATIENCE {
                end(&mut self.store, pod, grace, at).is_some()
            } else {
                evicted(&mut self.store, pod, grace, at)
            };
            if goes && drain.by == By::Autoscaler {
                let what = ("Normal", "ScaleDown", autoscaler::SOURCE);
                let message = "deleting pod for node scale down";
                self.event(("Pod", Some(namespace), name), what, message, at);
            }
            refused |= !goes;
        }
        if refused && drain.by == By::Autoscaler && waited >= autoscaler::EVICTION {
            self.drains.remove(&node);
            return self.abort_drain(&node, at);
        }
        self.plan(later(at, AGAIN), Todo::Drain { node });
    }
}
