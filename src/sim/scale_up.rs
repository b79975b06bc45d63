//! The autoscaler's other half: it adds nodes for servers that wait.

use jiff::Timestamp;

use super::fault::Trouble;
use super::pools::{Pool, Stage};
use super::seating::GUARANTEE;
use super::state::{State, Todo, later};

/// How often it looks, in milliseconds.
const SCAN: u64 = 10_000;
/// And when there was nothing it could do.
const AGAIN: u64 = 60_000;
const SOURCE: &str = "cluster-autoscaler";
/// What a new node has for servers: the memory that is allocatable on it.
const NODE: u64 = 48_425_776 << 10;

/// One zone's group, and how many machines it may have more.
struct Group {
    pool: String,
    zone: String,
    url: String,
    now: usize,
    most: usize,
}

/// How many machines a zone of a pool may have.
fn most(pool: &Pool, zone: &str) -> usize {
    let limits = &pool.autoscaling;
    let most = match limits.total_max_node_count {
        0 => limits.max_node_count,
        total => {
            let elsewhere = pool.total() - pool.target(zone);
            total - i32::try_from(elsewhere).unwrap_or(total)
        }
    };
    usize::try_from(most).unwrap_or(0)
}

impl State {
    /// Somebody waits for a node: the autoscaler sees it when it next looks.
    pub(super) fn want_nodes(&mut self, at: Timestamp) {
        let planned = self
            .agenda
            .values()
            .flatten()
            .any(|todo| *todo == Todo::ScaleUp);
        if !planned {
            self.plan(later(at, SCAN), Todo::ScaleUp);
        }
    }

    /// Adds the nodes that those who wait need and that are not on their way yet; where it cannot,
    /// it says so and looks again later.
    pub(super) fn scale_up(&mut self, at: Timestamp) {
        let waiting: Vec<(String, String)> = (self.people.values())
            .filter(|person| person.node.is_empty())
            .map(|person| (person.namespace.clone(), person.pod.clone()))
            .collect();
        let coming = (self.pools.values())
            .filter(|pool| pool.purpose == "user")
            .flat_map(|pool| pool.instances.values())
            .filter(|i| matches!(i.stage, Stage::Booting | Stage::Registered | Stage::Stuck))
            .count();
        let seats = usize::try_from(NODE / GUARANTEE).unwrap_or(1);
        let mut missing = waiting.len().div_ceil(seats).saturating_sub(coming);
        let mut unserved = waiting.iter().skip(coming * seats);
        while missing > 0 {
            let Some(group) = self.smallest(at) else {
                break;
            };
            let add = missing.min(group.most - group.now);
            missing -= add;
            for _ in 0..add {
                self.boot(&group.pool, &group.zone, at);
            }
            let now = group.now + add;
            let message = format!(
                "pod triggered scale-up: [{{{} {}->{now} (max: {})}}]",
                group.url, group.now, group.most
            );
            for (namespace, pod) in unserved.by_ref().take(add * seats) {
                let what = ("Normal", "TriggeredScaleUp", SOURCE);
                self.event(("Pod", Some(namespace), pod), what, &message, at);
            }
            self.publish_autoscaler(at);
        }
        if missing > 0 {
            let waits = |pool: &Pool| pool.purpose == "user" && self.backs_off(pool, at);
            let why = if self.pools.values().any(waits) {
                "in backoff after failed scale-up"
            } else {
                "max node group size reached"
            };
            let message = format!(
                "pod didn't trigger scale-up: 1 {why}, 1 node(s) didn't match Pod's node \
                 affinity/selector"
            );
            for (namespace, pod) in unserved {
                let what = ("Normal", "NotTriggerScaleUp", SOURCE);
                self.event(("Pod", Some(namespace), pod), what, &message, at);
            }
            // Somebody may raise the limits, and trouble passes.
            self.plan(later(at, AGAIN), Todo::ScaleUp);
        }
    }

    /// Whether nothing is added to a pool for now.
    fn backs_off(&self, pool: &Pool, at: Timestamp) -> bool {
        let lasts = (pool.backoff.as_ref()).is_some_and(|backoff| backoff.lasts(at));
        lasts || self.strikes(Trouble::Stockout, at)
    }

    /// The user pool's zone that may grow and is smallest.
    fn smallest(&self, at: Timestamp) -> Option<Group> {
        let pools = (self.pools.values()).filter(|pool| {
            pool.purpose == "user" && pool.autoscaling.enabled && !self.backs_off(pool, at)
        });
        let groups = pools.flat_map(|pool| {
            pool.groups.keys().map(|zone| Group {
                pool: pool.name.clone(),
                zone: zone.clone(),
                url: pool.group_url(zone).to_owned(),
                now: pool.target(zone),
                most: most(pool, zone),
            })
        });
        groups
            .filter(|group| group.now < group.most)
            .min_by_key(|group| group.now)
    }
}
