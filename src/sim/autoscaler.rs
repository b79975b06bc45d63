//! The cluster autoscaler: takes away nodes nobody needs, and says what it sees. How it adds nodes
//! for servers that wait is in [`scale_up`](super::scale_up).
//!
//! It never brings a pool up to its minimum by itself: a higher minimum only keeps nodes from being
//! taken away.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::{set, stamp, text};
use super::pools::{Pool, Stage};
use super::state::{State, Todo, later};

/// How long a node must be unneeded before it goes.
const UNNEEDED: u64 = 600_000;
const SOURCE: &str = "cluster-autoscaler";
/// What it writes its status into.
const STATUS: &str = "cluster-autoscaler-status";
const UPDATED: &str = "cluster-autoscaler.kubernetes.io/last-updated";

impl State {
    /// The pool's limits changed: its nodes are looked at again.
    pub(super) fn reconsider(&mut self, pool: &str, at: Timestamp) {
        let nodes: Vec<String> = (self.pools.get(pool).into_iter())
            .flat_map(|pool| pool.instances.keys().cloned())
            .collect();
        for node in nodes {
            self.consider_later(&node, at);
        }
    }

    pub(super) fn consider_later(&mut self, node: &str, at: Timestamp) {
        let node = node.to_owned();
        self.plan(later(at, UNNEEDED), Todo::Consider { node });
    }

    /// Takes a node away if nobody is on it and the pool may be smaller.
    pub(super) fn consider(&mut self, node: &str, at: Timestamp) {
        let ready = self.home(node).filter(|(_, i)| i.stage == Stage::Ready);
        let Some((pool, instance)) = ready else {
            return;
        };
        let limits = &pool.autoscaling;
        let spare = match limits.total_max_node_count {
            0 => above(pool.target(&instance.zone), limits.min_node_count),
            _ => above(pool.total(), limits.total_min_node_count),
        };
        if !limits.enabled || !spare {
            return;
        }
        let people = |pod: &Value| text(pod, "/metadata/labels/component") == "singleuser-server";
        if self.pods_on(node).any(people) {
            // Looked at again when one of them leaves.
            return;
        }
        if self.backs_off(at) || self.is_held(node) {
            return self.consider_later(node, at);
        }
        let taint = json!({"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule",
            "value": at.as_second().to_string()});
        self.store.edit("Node", None, node, |node| {
            if let Some(Value::Array(taints)) = node.pointer_mut("/spec/taints") {
                taints.push(taint);
            }
        });
        let what = ("Normal", "ScaleDown", SOURCE);
        let message = "marked the node as toBeDeleted/unschedulable";
        self.event(("Node", None, node), what, message, at);
        let what = ("Normal", "ScaleDownEmpty", SOURCE);
        let message = format!("Scale-down: removing empty node \"{node}\"");
        self.event(
            ("ConfigMap", Some("kube-system"), STATUS),
            what,
            &message,
            at,
        );
        self.drain(node, at);
        self.publish_autoscaler(at);
    }

    /// Writes the status that people read instead of its logs.
    pub(super) fn publish_autoscaler(&mut self, at: Timestamp) {
        let backs_off = self.backs_off(at);
        let pools = self.pools.values().filter(|pool| pool.autoscaling.enabled);
        let groups: String = pools
            .flat_map(|pool| {
                pool.groups
                    .keys()
                    .map(|zone| group(pool, zone, backs_off, at))
            })
            .collect();
        let all: Vec<&str> = self
            .pools
            .values()
            .flat_map(|p| p.groups.keys().map(String::as_str))
            .collect();
        let counts = counts(self.pools.values(), &all, "    ");
        let now = stamp(at);
        let status = format!(
            "time: {now}\nautoscalerStatus: Running\nclusterWide:\n  health:\n    status: Healthy\n\
             {counts}    lastProbeTime: \"{now}\"\n  scaleUp:\n    status: NoActivity\n  \
             scaleDown:\n    status: NoCandidates\nnodeGroups:\n{groups}"
        );
        let there = self
            .store
            .edit("ConfigMap", Some("kube-system"), STATUS, |map| {
                set(map, "/data/status", json!(status));
                set(map, "/metadata/annotations", json!({UPDATED: now}));
            });
        if !there {
            let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"status": status},
                "metadata": {"namespace": "kube-system", "name": STATUS,
                    "annotations": {UPDATED: now}}});
            self.store.put(map, at);
        }
    }
}

fn above(count: usize, minimum: i32) -> bool {
    usize::try_from(minimum).is_ok_and(|minimum| count > minimum)
}

/// How many nodes of these zones are how far, as YAML.
fn counts<'a>(pools: impl Iterator<Item = &'a Pool>, zones: &[&str], indent: &str) -> String {
    let (mut ready, mut starting, mut leaving, mut unregistered) = (0, 0, 0, 0);
    for instance in pools.flat_map(|pool| pool.instances.values()) {
        if zones.contains(&instance.zone.as_str()) {
            match instance.stage {
                Stage::Ready => ready += 1,
                Stage::Registered => starting += 1,
                Stage::Leaving => leaving += 1,
                Stage::Booting | Stage::Stuck => unregistered += 1,
            }
        }
    }
    let total = ready + starting + leaving;
    format!(
        "{indent}nodeCounts:\n{indent}  registered:\n{indent}    total: {total}\n{indent}    \
         ready: {ready}\n{indent}    notStarted: {starting}\n{indent}    beingDeleted: {leaving}\n\
         {indent}  unregistered: {unregistered}\n"
    )
}

/// One zone's instance group of a pool, as YAML.
fn group(pool: &Pool, zone: &str, backs_off: bool, at: Timestamp) -> String {
    let limits = &pool.autoscaling;
    let (min, max) = match limits.total_max_node_count {
        0 => (limits.min_node_count, limits.max_node_count),
        max => (limits.total_min_node_count, max),
    };
    let in_zone = |stage| (pool.instances.values()).any(|i| i.zone == zone && i.stage == stage);
    let scale_up = if in_zone(Stage::Stuck) && pool.condition.is_some() {
        "Backoff\n    backoffInfo:\n      errorCode: GCE_STOCKOUT\n      errorMessage: \
         The zone does not have enough resources available to fulfill the request"
    } else if backs_off {
        "Backoff\n    backoffInfo:\n      errorCode: QUOTA_EXCEEDED\n      errorMessage: \
         Instance group quota exceeded"
    } else if in_zone(Stage::Booting) {
        "InProgress"
    } else {
        "NoActivity"
    };
    let counts = counts(std::iter::once(pool), &[zone], "    ");
    format!(
        "- name: {url}\n  health:\n    status: Healthy\n{counts}    cloudProviderTarget: {target}\n    \
         minSize: {min}\n    maxSize: {max}\n    lastProbeTime: \"{now}\"\n  scaleUp:\n    \
         status: {scale_up}\n  scaleDown:\n    status: NoCandidates\n",
        url = pool.group_url(zone),
        target = pool.target(zone),
        now = stamp(at),
    )
}
