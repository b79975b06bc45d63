//! Node pools and their machines: growing, shrinking, and what that does to the cluster.

use std::collections::{BTreeMap, BTreeSet};

use google_cloud_container_v1::model::{NodePoolAutoscaling, StatusCondition};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::autoscaler::Backoff;
use super::drains::By;
use super::fault::Trouble;
use super::shape::Shape;
use super::state::{State, Todo, later};

/// How long things take, in milliseconds: least and most.
const BOOT: (u64, u64) = (70_000, 110_000);
const NETWORK: (u64, u64) = (18_000, 36_000);
const POSTING: u64 = 4_000;
const SETTLE: (u64, u64) = (5_000, 20_000);
const RETRIES: u64 = 35 * 60_000 + 4_033;
const IP_RETRIES: (u64, u64) = (240_000, 360_000);

/// A node pool, as GKE keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pool {
    pub(super) name: String,
    /// `core` or `user`: the label hubs select by.
    pub(super) purpose: String,
    /// Its zones, each with the address of its instance group.
    pub(super) groups: BTreeMap<String, String>,
    pub(super) autoscaling: NodePoolAutoscaling,
    /// Its machines by name, whether or not Kubernetes has heard of them.
    pub(super) instances: BTreeMap<String, Instance>,
    /// What is wrong with it.
    pub(super) condition: Option<StatusCondition>,
    /// Until when the autoscaler lets it be.
    #[serde(default)]
    pub(super) backoff: Option<Backoff>,
    /// What its machines are like, where it is a copy.
    #[serde(default)]
    pub(super) shape: Option<Shape>,
}

/// A virtual machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) zone: String,
    pub(super) stage: Stage,
    /// Since when the autoscaler thinks that nobody needs it.
    #[serde(default)]
    pub(super) unneeded_ms: Option<u64>,
}

/// How far a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    /// Wanted, and not to be had.
    Stuck,
    /// Created; Kubernetes has not heard of it.
    Booting,
    /// A node, not ready.
    Registered,
    /// A ready node.
    Ready,
    /// Being drained.
    Leaving,
}

/// When a resize is over, and how it fails if it does.
pub(super) struct Resize {
    pub(super) ends: Timestamp,
    pub(super) failure: Option<Shortage>,
    /// Machines that have to go first; it is over so long after the last of them has.
    pub(super) leaving: BTreeSet<String>,
    pub(super) settle_ms: u64,
}

/// Why a resize did not get its machines.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Shortage {
    pub(super) trouble: Trouble,
    pub(super) message: String,
}

impl Pool {
    pub(super) fn zones(&self) -> Vec<String> {
        self.groups.keys().cloned().collect()
    }

    /// Machines the zone's instance group aims at.
    pub(super) fn target(&self, zone: &str) -> usize {
        self.instances
            .values()
            .filter(|i| i.zone == zone && i.stage != Stage::Leaving)
            .count()
    }

    /// Machines all its groups aim at.
    pub(super) fn total(&self) -> usize {
        self.groups.keys().map(|zone| self.target(zone)).sum()
    }

    /// How the names of a zone's machines begin.
    fn group(&self, zone: &str) -> &str {
        let name = self.group_url(zone).rsplit('/').next().unwrap_or_default();
        name.strip_suffix("-grp").unwrap_or(name)
    }

    /// The zone's instance group, as the autoscaler and GKE name it.
    pub(super) fn group_url(&self, zone: &str) -> &str {
        self.groups.get(zone).map_or("", String::as_str)
    }
}

impl State {
    /// The pool a machine belongs to, and its zone.
    pub(super) fn home(&self, node: &str) -> Option<(&Pool, &Instance)> {
        self.pools
            .values()
            .find_map(|pool| pool.instances.get(node).map(|i| (pool, i)))
    }

    pub(super) fn set_stage(&mut self, node: &str, stage: Stage) {
        let instance = (self.pools.values_mut()).find_map(|pool| pool.instances.get_mut(node));
        if let Some(instance) = instance {
            instance.stage = stage;
        }
    }

    /// Adds a machine to a pool, and names it.
    pub(super) fn create(&mut self, pool: &str, zone: &str, stage: Stage) -> String {
        let suffix = self.chance.suffix(4);
        let Some(pool) = self.pools.get_mut(pool) else {
            return String::new();
        };
        let name = format!("{}-{suffix}", pool.group(zone));
        let zone = zone.to_owned();
        pool.instances.insert(
            name.clone(),
            Instance {
                zone,
                stage,
                unneeded_ms: None,
            },
        );
        name
    }

    /// Brings every zone of a pool to `per_zone` machines.
    pub(super) fn resize(&mut self, pool: &str, per_zone: usize, at: Timestamp) -> Resize {
        let mut ends = self.soon(at, SETTLE);
        let (mut wanted, mut leaving) = (Vec::new(), BTreeSet::new());
        if let Some(pool) = self.pools.get_mut(pool) {
            // What never came is asked for once more, or no more.
            pool.instances.retain(|_, i| i.stage != Stage::Stuck);
            pool.condition = None;
            pool.backoff = None;
        }
        for zone in self.pools.get(pool).map(Pool::zones).unwrap_or_default() {
            let have = self.pools.get(pool).map_or(0, |p| p.target(&zone));
            for _ in have..per_zone {
                wanted.push(zone.clone());
            }
            for _ in per_zone..have {
                leaving.extend(self.shrink(pool, &zone, at));
            }
        }
        let failure = self.shortage(&wanted, at);
        let granted = match &failure {
            None => wanted.len(),
            Some((_, granted)) => *granted,
        };
        for (zone, i) in wanted.iter().zip(0..) {
            if i < granted {
                ends = ends.max(self.boot(pool, zone, at));
            } else {
                self.create(pool, zone, Stage::Stuck);
            }
        }
        let settle_ms = self.chance.between(SETTLE);
        let settled = later(ends, settle_ms);
        let tried = match &failure {
            None => settled,
            Some((shortage, _)) => match shortage.trouble {
                Trouble::Stockout => later(at, RETRIES),
                _ => self.soon(at, IP_RETRIES),
            },
        };
        Resize {
            ends: tried.max(settled),
            failure: failure.map(|(shortage, _)| shortage),
            leaving,
            settle_ms,
        }
    }

    /// Whether the machines cannot be had, and how many can.
    fn shortage(&mut self, wanted: &[String], at: Timestamp) -> Option<(Shortage, usize)> {
        let zone = wanted.last()?;
        let count = u64::try_from(wanted.len()).unwrap_or(u64::MAX);
        if self.strikes(Trouble::Stockout, at) {
            let granted = self.chance.between((0, count - 1));
            let missing = count - granted;
            let message = format!(
                "Google Compute Engine: Not all instances running in IGM after 35m4.033429035s. \
                 Expected {count}, running {granted}, transitioning {missing}. Current errors: \
                 [ZONE_RESOURCE_POOL_EXHAUSTED]: The zone 'projects/practice/zones/{zone}' does \
                 not have enough resources available to fulfill the request. '(resource \
                 type:compute)'."
            );
            let shortage = Shortage {
                trouble: Trouble::Stockout,
                message,
            };
            return Some((shortage, usize::try_from(granted).unwrap_or(0)));
        }
        if self.strikes_once(Trouble::OpErrorOnly, at) {
            let message = format!(
                "Google Compute Engine: Not all instances running in IGM. Expected {count}, \
                 running 0, transitioning {count}. Current errors: [IP_SPACE_EXHAUSTED]: IP space \
                 of 'projects/practice/regions/northamerica-northeast1/subnetworks/default' is \
                 exhausted."
            );
            let shortage = Shortage {
                trouble: Trouble::OpErrorOnly,
                message,
            };
            return Some((shortage, 0));
        }
        None
    }

    /// Starts a machine; tells when its node should be ready.
    pub(super) fn boot(&mut self, pool: &str, zone: &str, at: Timestamp) -> Timestamp {
        let node = self.create(pool, zone, Stage::Booting);
        let registers = self.soon(at, BOOT);
        let connects = self.soon(registers, NETWORK);
        let ready = later(connects, POSTING);
        self.plan(registers, Todo::Register { node: node.clone() });
        if !self.strikes_once(Trouble::NodeNeverReady, at) {
            self.plan(connects, Todo::Connect { node: node.clone() });
            self.plan(ready, Todo::MakeReady { node });
        }
        ready
    }

    /// Lets any one machine of a zone go, whoever is on it; says which.
    fn shrink(&mut self, pool: &str, zone: &str, at: Timestamp) -> Option<String> {
        let there = (self.pools.get(pool)?.instances.iter())
            .filter(|(_, i)| i.zone == zone && i.stage != Stage::Leaving);
        let there: Vec<String> = there.map(|(name, _)| name.clone()).collect();
        let most = u64::try_from(there.len().saturating_sub(1)).unwrap_or(0);
        let chosen = self.chance.between((0, most));
        let (node, _) = (there.into_iter().zip(0..)).find(|(_, i)| *i == chosen)?;
        self.drain(&node, By::Gke, at);
        Some(node)
    }
}
