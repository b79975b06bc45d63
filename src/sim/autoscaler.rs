//! The cluster autoscaler: takes away nodes nobody needs, and says what it sees.
//!
//! It never brings a pool up to its minimum by itself: a higher minimum only keeps nodes from being
//! taken away. What it adds is in [`super::scale_up`].

mod missing;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::budgets::{allowance, is_about};
use super::drains::By;
use super::objects::{controller, is_of_node, set, text};
use super::pools::{Pool, Stage};
use super::state::{State, Todo, later, millis, moment};
use status::{STATUS, candidates};

/// How long a node must be unneeded before it goes.
const UNNEEDED: u64 = 600_000;
/// How often it looks.
const SCAN: u64 = 10_000;
/// How long it tries to evict the pods of a node.
pub(super) const EVICTION: u64 = 120_000;
pub(super) const SOURCE: &str = "cluster-autoscaler";
/// Its marks on nodes: one that may go soon, and one that goes.
const CANDIDATE: &str = "DeletionCandidateOfClusterAutoscaler";
const LEAVING: &str = "ToBeDeletedByClusterAutoscaler";
/// Says that a node must stay, and whether a pod may be moved.
const KEEP: &str = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
const SAFE: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
/// For how long the autoscaler lets a pool be, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Backoff {
    pub(super) until_ms: u64,
    pub(super) code: String,
    pub(super) why: String,
    /// It does not take nodes away either.
    pub(super) idle: bool,
}

impl Backoff {
    pub(super) fn lasts(&self, at: Timestamp) -> bool {
        millis(at) < self.until_ms
    }
}

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(name)?.as_str()
}

fn above(count: usize, minimum: i32) -> bool {
    usize::try_from(minimum).is_ok_and(|minimum| count > minimum)
}

/// The zones of a pool that may be smaller.
fn spare(pool: &Pool) -> BTreeSet<String> {
    let limits = &pool.autoscaling;
    let total =
        limits.total_max_node_count != 0 && above(pool.total(), limits.total_min_node_count);
    let zones = pool
        .groups
        .keys()
        .filter(|zone| match limits.total_max_node_count {
            0 => above(pool.target(zone), limits.min_node_count),
            _ => total,
        });
    zones.filter(|_| limits.enabled).cloned().collect()
}

impl State {
    /// Looks at every node again: who might go is marked, and looked at once more when it has been
    /// unneeded for long enough.
    pub(super) fn survey(&mut self, at: Timestamp) {
        let spare: BTreeMap<&str, BTreeSet<String>> = (self.pools.values())
            .map(|pool| (pool.name.as_str(), spare(pool)))
            .collect();
        let held = if spare.values().all(BTreeSet::is_empty) {
            BTreeSet::new()
        } else {
            self.held()
        };
        let mut changed = Vec::new();
        for pool in self.pools.values() {
            let zones = spare.get(pool.name.as_str());
            if zones.is_none_or(BTreeSet::is_empty) && candidates(pool, None) == 0 {
                continue;
            }
            for (name, instance) in &pool.instances {
                let unneeded = instance.stage == Stage::Ready
                    && zones.is_some_and(|zones| zones.contains(&instance.zone))
                    && !held.contains(name)
                    && (self.store.get("Node", None, name))
                        .is_none_or(|node| annotation(node, KEEP) != Some("true"));
                if unneeded != instance.unneeded_ms.is_some() {
                    changed.push((name.clone(), unneeded));
                }
            }
        }
        for (node, unneeded) in &changed {
            self.mark(node, unneeded.then(|| millis(at)));
            if *unneeded {
                let node = node.clone();
                self.plan(later(at, UNNEEDED), Todo::Consider { node });
            }
        }
        if !changed.is_empty() {
            self.publish_autoscaler(at);
        }
    }

    /// Notes since when a node is unneeded, and taints it accordingly.
    fn mark(&mut self, node: &str, since: Option<u64>) {
        let instances = self.pools.values_mut();
        if let Some(i) = instances
            .into_iter()
            .find_map(|p| p.instances.get_mut(node))
        {
            i.unneeded_ms = since;
        }
        let value = since.map(|since| moment(since).as_second().to_string());
        self.taint(node, (CANDIDATE, "PreferNoSchedule"), value);
    }

    /// Gives a node a taint with this value, or takes it from it.
    fn taint(&mut self, node: &str, (key, effect): (&str, &str), value: Option<String>) {
        self.store.edit("Node", None, node, |node| {
            let old = node.pointer("/spec/taints").and_then(Value::as_array);
            let mut taints = old.cloned().unwrap_or_default();
            taints.retain(|taint| text(taint, "/key") != key);
            taints.extend(value.map(|v| json!({"key": key, "value": v, "effect": effect})));
            set(node, "/spec/taints", json!(taints));
        });
    }

    /// The nodes with a pod that must stay: one that nothing would start again (everybody's
    /// server is one), one that says so, one of `kube-system` without a budget, or more pods than
    /// their budget lets go.
    fn held(&self) -> BTreeSet<String> {
        let budgets: Vec<&Value> = self.store.list("PodDisruptionBudget").collect();
        let mut held = BTreeSet::new();
        let mut asked: BTreeMap<(&str, usize), i64> = BTreeMap::new();
        for pod in self.store.list("Pod") {
            let node = text(pod, "/spec/nodeName");
            let over = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
            if node.is_empty() || over || is_of_node(pod) {
                continue;
            }
            let mut without = true;
            let ours = budgets
                .iter()
                .zip(0..)
                .filter(|(budget, _)| is_about(budget, pod));
            for (budget, number) in ours {
                without = false;
                let count = asked.entry((node, number)).or_default();
                *count += 1;
                if *count > allowance(budget) {
                    held.insert(node.to_owned());
                }
            }
            let keeps = match annotation(pod, SAFE) {
                Some("true") => false,
                Some("false") => true,
                _ => {
                    let system = text(pod, "/metadata/namespace") == "kube-system";
                    controller(pod).is_none() || (system && without)
                }
            };
            if keeps {
                held.insert(node.to_owned());
            }
        }
        held
    }

    /// Takes a node away that has been unneeded for long enough.
    pub(super) fn consider(&mut self, node: &str, at: Timestamp) {
        let Some((pool, instance)) = self.home(node) else {
            return;
        };
        let due = instance.unneeded_ms.map(|since| since + UNNEEDED);
        if instance.stage != Stage::Ready || due.is_none_or(|due| due > millis(at)) {
            return;
        }
        let backoff = pool.backoff.as_ref().filter(|b| b.idle && b.lasts(at));
        if let Some(backoff) = backoff {
            let (then, why) = (moment(backoff.until_ms + SCAN), backoff.why.clone());
            let message = format!("failed to delete empty node: {why}");
            self.node_event(node, ("Warning", "ScaleDownFailed", SOURCE), &message, at);
            let node = node.to_owned();
            return self.plan(then, Todo::Consider { node });
        }
        let moved: Vec<String> = (self.pods_on(node))
            .filter(|pod| !is_of_node(pod))
            .map(|pod| text(pod, "/metadata/name").to_owned())
            .collect();
        let (reason, message) = match moved.as_slice() {
            [] => (
                "ScaleDownEmpty",
                format!("Scale-down: removing empty node \"{node}\""),
            ),
            pods => (
                "ScaleDown",
                format!(
                    "Scale-down: removing node {node}, utilization: {{0 0 0 cpu 0}}, pods to \
                     reschedule: {}",
                    pods.join(",")
                ),
            ),
        };
        self.group_event(("Normal", reason), &message, at);
        self.mark(node, None);
        let value = at.as_second().to_string();
        self.taint(node, (LEAVING, "NoSchedule"), Some(value));
        let what = ("Normal", "ScaleDown", SOURCE);
        self.node_event(
            node,
            what,
            "marked the node as toBeDeleted/unschedulable",
            at,
        );
        self.drain(node, By::Autoscaler, at);
        self.publish_autoscaler(at);
    }

    /// A node that could not be emptied stays.
    pub(super) fn abort_drain(&mut self, node: &str, at: Timestamp) {
        self.set_stage(node, Stage::Ready);
        self.taint(node, (LEAVING, "NoSchedule"), None);
        let message = "failed to drain the node, aborting ScaleDown";
        self.node_event(node, ("Warning", "ScaleDownFailed", SOURCE), message, at);
        self.publish_autoscaler(at);
    }

    fn group_event(&mut self, (severity, reason): (&str, &str), message: &str, at: Timestamp) {
        let about = ("ConfigMap", Some("kube-system"), STATUS);
        self.event(about, (severity, reason, SOURCE), message, at);
    }
}
