//! The status that the autoscaler publishes: what people read instead of its logs.

use jiff::Timestamp;
use serde_json::json;

use super::Backoff;
use super::missing::SHORT;
use crate::sim::objects::{set, stamp};
use crate::sim::pools::{Pool, Stage};
use crate::sim::state::State;

/// What it writes its status into.
pub(super) const STATUS: &str = "cluster-autoscaler-status";
const UPDATED: &str = "cluster-autoscaler.kubernetes.io/last-updated";

impl State {
    /// Writes the status that people read instead of its logs.
    pub(in crate::sim) fn publish_autoscaler(&mut self, at: Timestamp) {
        let pools = self.pools.values().filter(|pool| pool.autoscaling.enabled);
        let groups: String = pools
            .flat_map(|pool| pool.groups.keys().map(|zone| group(pool, zone, at)))
            .collect();
        let all: Vec<&str> = self
            .pools
            .values()
            .flat_map(|p| p.groups.keys().map(String::as_str))
            .collect();
        let counts = counts(self.pools.values(), &all, "    ");
        let now = stamp(at);
        let all: usize = self.pools.values().map(|pool| candidates(pool, None)).sum();
        let scale_down = scale_down(all, "    ");
        let status = format!(
            "time: {now}\nautoscalerStatus: Running\nclusterWide:\n  health:\n    status: Healthy\n\
             {counts}    lastProbeTime: \"{now}\"\n  scaleUp:\n    status: NoActivity\n  \
             scaleDown:\n{scale_down}nodeGroups:\n{groups}"
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

/// How many nodes of a pool, or of one of its zones, may go soon.
pub(super) fn candidates(pool: &Pool, zone: Option<&str>) -> usize {
    let instances = pool.instances.values();
    let here = instances.filter(|i| zone.is_none_or(|zone| i.zone == zone));
    here.filter(|i| i.unneeded_ms.is_some()).count()
}

fn scale_down(candidates: usize, indent: &str) -> String {
    match candidates {
        0 => format!("{indent}status: NoCandidates\n"),
        count => format!("{indent}status: CandidatesPresent\n{indent}candidates: {count}\n"),
    }
}

fn backs_off((code, why): (&str, &str)) -> String {
    format!("Backoff\n    backoffInfo:\n      errorCode: {code}\n      errorMessage: {why}")
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
fn group(pool: &Pool, zone: &str, at: Timestamp) -> String {
    let limits = &pool.autoscaling;
    let (min, max) = match limits.total_max_node_count {
        0 => (limits.min_node_count, limits.max_node_count),
        max => (limits.total_min_node_count, max),
    };
    let in_zone = |stage| (pool.instances.values()).any(|i| i.zone == zone && i.stage == stage);
    let backoff = pool.backoff.as_ref().filter(|backoff| backoff.lasts(at));
    let scale_up = if in_zone(Stage::Stuck) && pool.condition.is_some() {
        backs_off(SHORT)
    } else if let Some(Backoff { code, why, .. }) = backoff {
        backs_off((code, why))
    } else if in_zone(Stage::Booting) {
        "InProgress".to_owned()
    } else {
        "NoActivity".to_owned()
    };
    let scale_down = scale_down(candidates(pool, Some(zone)), "    ");
    let counts = counts(std::iter::once(pool), &[zone], "    ");
    format!(
        "- name: {url}\n  health:\n    status: Healthy\n{counts}    cloudProviderTarget: {target}\n    \
         minSize: {min}\n    maxSize: {max}\n    lastProbeTime: \"{now}\"\n  scaleUp:\n    \
         status: {scale_up}\n  scaleDown:\n{scale_down}",
        url = pool.group_url(zone),
        target = pool.target(zone),
        now = stamp(at),
    )
}
