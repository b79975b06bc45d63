//! The pools of a copy, their machines, and what is under way.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{condition, moment, text};
use crate::sim::autoscaler::Backoff;
use crate::sim::operations::Operation;
use crate::sim::pools::{Instance, Pool, Stage};
use crate::sim::pullers::PULLER;
use crate::sim::shape::Shape;
use crate::sim::state::{Pulling, State, Todo, later, millis};
use crate::world::snapshot;

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

/// A node as a machine of its pool, by its name.
fn machine(node: &Value) -> (String, Instance) {
    let ready = condition(node, "Ready");
    let stage = match ready.map(|one| text(one, "/status")) {
        Some("True") => Stage::Ready,
        _ => Stage::Registered,
    };
    let instance = Instance {
        zone: text(node, ZONE).to_owned(),
        stage,
        unneeded_ms: None,
    };
    (text(node, "/metadata/name").to_owned(), instance)
}

impl State {
    pub(super) fn copy_pools(&mut self, seen: &snapshot::Gke, at: Timestamp) {
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
            if let Some(origin) = self.origin.as_mut().filter(|_| nodes.is_empty()) {
                origin.unknown.push(format!(
                    "what room a machine of {} has: there is none to look at, and it is taken for an n1-highmem-8",
                    found.name
                ));
            }
            let waits = groups.values().find_map(|url| wanted.get(url)?.1.clone());
            let pool = Pool {
                name: found.name.clone(),
                purpose: purpose.or_else(of_node).unwrap_or_default(),
                autoscaling: found.autoscaling.clone().unwrap_or_default(),
                instances: nodes.iter().map(machine).collect(),
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

    pub(super) fn copy_operations(&mut self, seen: &snapshot::Gke, at: Timestamp) {
        for report in &seen.operations {
            let ends = self.soon(at, GOES_ON);
            let operation = report.name.clone();
            self.operations.push(Operation::of_somebody(report.clone()));
            self.plan(ends, Todo::Finish { operation });
        }
    }

    /// Image pullers that were under way go on.
    pub(super) fn copy_pulls(&mut self, at: Timestamp) {
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
