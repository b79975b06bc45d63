//! Another operator, who holds the lock of the cluster.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::Trouble;
use super::objects::{set, text};
use super::state::{State, Todo, later, millis};

const HOLDER: &str = "bob@desk";
const NAMESPACE: &str = "default";
const NAME: &str = "runbook";

const RENEW: u64 = 15_000;
const TEN_MINUTES: u64 = 600_000;
const HOUR: u64 = 3_600_000;

/// What the other operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Held {
    /// Takes the lock, from whoever has it, for so long.
    Taken { for_ms: u64 },
    /// Is still at work; until when, in milliseconds since the world's start.
    Renewed { until_ms: u64 },
    /// Took it long ago and has not been heard from for an hour.
    Abandoned,
}

/// Whether a request is about coordination, and so neither a change of the cluster nor a matter of
/// who may change it.
pub(super) fn is_about(path: &str) -> bool {
    path.starts_with("/apis/coordination.k8s.io/")
}

/// What the other operator begins with when this goes wrong.
pub(super) fn begins(trouble: Trouble) -> Option<Todo> {
    let step = match trouble {
        Trouble::HeldByAnother => Held::Taken {
            for_ms: TEN_MINUTES,
        },
        Trouble::LeaseLost => Held::Taken { for_ms: HOUR },
        Trouble::LeaseAbandoned => Held::Abandoned,
        _ => return None,
    };
    Some(Todo::Lease { step })
}

impl State {
    /// The other operator's next move.
    pub(super) fn lease(&mut self, step: Held, at: Timestamp) {
        let ago = |minutes| at.saturating_sub(SignedDuration::from_mins(minutes));
        match step {
            Held::Taken { for_ms } => {
                self.hold(at, at);
                self.renew_later(at, millis(at) + for_ms);
            }
            Held::Renewed { .. } if !self.is_theirs() => {}
            Held::Renewed { until_ms } if until_ms <= millis(at) => {
                self.store.edit("Lease", Some(NAMESPACE), NAME, |lease| {
                    set(lease, "/spec/holderIdentity", Value::Null);
                    set(lease, "/spec/renewTime", json!(micro(at)));
                });
            }
            Held::Renewed { until_ms } => {
                self.store.edit("Lease", Some(NAMESPACE), NAME, |lease| {
                    set(lease, "/spec/renewTime", json!(micro(at)));
                });
                self.renew_later(at, until_ms);
            }
            Held::Abandoned => {
                self.hold(ago(72).unwrap_or(at), ago(61).unwrap_or(at));
            }
        }
    }

    fn renew_later(&mut self, at: Timestamp, until_ms: u64) {
        let step = Held::Renewed { until_ms };
        self.plan(later(at, RENEW), Todo::Lease { step });
    }

    fn is_theirs(&self) -> bool {
        let lease = self.store.get("Lease", Some(NAMESPACE), NAME);
        lease.is_some_and(|lease| text(lease, "/spec/holderIdentity") == HOLDER)
    }

    fn hold(&mut self, taken: Timestamp, renewed: Timestamp) {
        let before = self.store.get("Lease", Some(NAMESPACE), NAME);
        let transitions =
            before.and_then(|lease| lease.pointer("/spec/leaseTransitions")?.as_u64());
        let run = taken.strftime("%Y%m%dT%H%M%SZ-warm_up").to_string();
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"namespace": NAMESPACE, "name": NAME, "annotations": {
                "runbook/run": run, "runbook/runbook": "warm_up", "runbook/step": "Grow the pool"}},
            "spec": {"holderIdentity": HOLDER, "leaseDurationSeconds": 60,
                "acquireTime": micro(taken), "renewTime": micro(renewed),
                "leaseTransitions": transitions.map_or(0, |count| count + 1)}});
        self.store.put(lease, taken);
    }
}

/// A moment as leases have it: the six decimals are required.
fn micro(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
