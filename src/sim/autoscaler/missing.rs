//! Machines that were asked for and never came.

use jiff::Timestamp;

use super::{Backoff, SCAN};
use crate::sim::pools::{Pool, Stage};
use crate::sim::state::{State, Todo, later, millis};

/// A machine that has not come after so long is given up (`max-node-provision-time`).
const PROVISION: u64 = 900_000;
/// How long it adds nothing to a pool after that, the first time.
const FIRST_BACKOFF: u64 = 300_000;
/// Why machines do not come, as a code and a sentence.
pub(super) const SHORT: (&str, &str) = (
    "GCE_STOCKOUT",
    "The zone does not have enough resources available to fulfill the request",
);

impl State {
    /// Some machines of a pool, asked for at a moment, have not come: the autoscaler takes them
    /// back when it has waited for long enough and no operation is at it any more.
    pub(in crate::sim) fn doubt(&mut self, pool: &str, asked: Timestamp, at: Timestamp) {
        let stuck = |pool: &Pool| pool.instances.values().any(|i| i.stage == Stage::Stuck);
        if self.pools.get(pool).is_some_and(stuck) {
            let then = later(asked, PROVISION).max(later(at, SCAN));
            let pool = pool.to_owned();
            self.plan(then, Todo::GiveUp { pool });
        }
    }

    /// Takes the machines back that have not come, where autoscaling is on: what the pool aims at
    /// is again what is there. Elsewhere the instance group goes on trying.
    pub(in crate::sim) fn give_up(&mut self, pool: &str, at: Timestamp) {
        if let Some(op) = self.blocker(Some(pool)) {
            let began = op.report.start_time.parse().unwrap_or(at);
            return self.doubt(pool, began, at);
        }
        let Some(found) = self
            .pools
            .get_mut(pool)
            .filter(|pool| pool.autoscaling.enabled)
        else {
            return;
        };
        let stuck = found
            .instances
            .iter()
            .filter(|(_, i)| i.stage == Stage::Stuck);
        let stuck: Vec<(String, String)> = stuck
            .map(|(name, i)| (name.clone(), i.zone.clone()))
            .collect();
        found.instances.retain(|_, i| i.stage != Stage::Stuck);
        if stuck.is_empty() {
            return;
        }
        let (code, why) = SHORT;
        found.backoff = Some(Backoff {
            until_ms: millis(at) + FIRST_BACKOFF,
            code: code.to_owned(),
            why: why.to_owned(),
            idle: false,
        });
        for (name, zone) in stuck {
            let message = format!("Removed unregistered node gce://practice/{zone}/{name}");
            self.group_event(("Normal", "DeleteUnregistered"), &message, at);
        }
        self.plan(later(at, FIRST_BACKOFF), Todo::Publish);
        self.publish_autoscaler(at);
    }
}
