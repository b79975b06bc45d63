//! What keeps a node from being emptied, and what that does to whoever empties it: the autoscaler
//! leaves it alone, a resize waits for up to an hour and then goes on by force.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::fault::{Trouble, When};
use super::objects::{Pod, set, text};
use super::pullers::HUBS;
use super::state::{EPOCH, State, Todo, later, moment};

/// GKE respects budgets and graces for so long, in milliseconds.
const PATIENCE: u64 = 3_600_000;
/// For so long a budget of `pdb-blocks` allows nothing.
const BLOCKED: u64 = 3_600_000;
/// For so long the autoscaler of `autoscaler-backoff` does nothing.
const BACKOFF: SignedDuration = SignedDuration::from_mins(30);
/// Says to the autoscaler that a pod must stay.
const SAFE: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";
/// The budget of `pdb-blocks`, and the pods it is about.
const BUDGET: &str = "nbgrader";

/// Whether a budget is about this pod.
pub(super) fn is_about(budget: &Value, pod: &Value) -> bool {
    let wanted = budget.pointer("/spec/selector/matchLabels");
    let labels = pod.pointer("/metadata/labels");
    text(budget, "/metadata/namespace") == text(pod, "/metadata/namespace")
        && wanted.and_then(Value::as_object).is_some_and(|wanted| {
            wanted
                .iter()
                .all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
        })
}

/// Whether a budget allows no eviction now.
pub(super) fn is_spent(budget: &Value) -> bool {
    let allowed = budget.pointer("/status/disruptionsAllowed");
    allowed.and_then(Value::as_i64).unwrap_or(0) <= 0
}

/// Kind of the controller that would start a pod again.
fn controller(pod: &Value) -> Option<&str> {
    let owners = pod.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    owner["kind"].as_str()
}

/// Whether a pod comes and goes with its node.
fn is_of_node(pod: &Value) -> bool {
    matches!(controller(pod), Some("DaemonSet" | "Node"))
}

impl State {
    /// Whether something on a node keeps the autoscaler from taking it away.
    pub(super) fn is_held(&self, node: &str) -> bool {
        self.pods_on(node).any(|pod| {
            let safe = pod
                .pointer("/metadata/annotations")
                .and_then(|all| all.get(SAFE));
            let safe = safe.and_then(Value::as_str);
            let lone = controller(pod).is_none() && safe != Some("true");
            !is_of_node(pod) && (lone || safe == Some("false") || self.is_kept(pod))
        })
    }

    /// Whether a budget allows no eviction of a pod.
    fn is_kept(&self, pod: &Value) -> bool {
        let mut budgets = self.store.list("PodDisruptionBudget");
        budgets.any(|budget| is_spent(budget) && is_about(budget, pod))
    }

    /// Whether a pod that is evicted goes within an ordinary grace.
    pub(super) fn yields(&self, pod: &Value) -> bool {
        let grace = pod.pointer("/spec/terminationGracePeriodSeconds");
        !is_of_node(pod) && !self.is_kept(pod) && grace.and_then(Value::as_u64).unwrap_or(0) <= 60
    }

    /// Until when the pods of a node resist a drain that begins now; none when they do not.
    pub(super) fn resists_until(&self, node: &str, at: Timestamp) -> Option<Timestamp> {
        let end = later(at, PATIENCE);
        let until = |pod: &Value| {
            let grace = pod.pointer("/spec/terminationGracePeriodSeconds");
            let grace = grace.and_then(Value::as_u64).unwrap_or(0) * 1000;
            let free = if self.is_kept(pod) {
                self.unblocked().map_or(end, |due| due.max(at))
            } else {
                at
            };
            later(free, grace).min(end)
        };
        let pods = self.pods_on(node).filter(|pod| !is_of_node(pod));
        let longest = pods.map(until).max()?;
        // An ordinary grace is over before the machine goes.
        (longest > later(at, 60_000)).then_some(longest)
    }

    /// When the budgets allow evictions again, if that is known.
    fn unblocked(&self) -> Option<Timestamp> {
        let due = self
            .agenda
            .iter()
            .find(|(_, todos)| todos.contains(&Todo::Unblock));
        due.map(|(due, _)| moment(*due))
    }

    /// Whether the autoscaler does nothing at this moment.
    pub(super) fn backs_off(&self, at: Timestamp) -> bool {
        let since = at.as_millisecond() - EPOCH.as_millisecond();
        let lasts = i64::try_from(BACKOFF.as_millis()).unwrap_or(i64::MAX);
        self.faults.iter().any(|fault| match fault.when {
            When::After(after) => {
                fault.trouble == Trouble::AutoscalerBackoff
                    && (after..after + lasts).contains(&since)
            }
            When::Point(_) => false,
        })
    }

    /// Puts what makes trouble on the first node of the user pool.
    pub(super) fn hinder(&mut self, trouble: Trouble, at: Timestamp) {
        let pools = self.pools.values().filter(|pool| pool.purpose == "user");
        let mut nodes = pools.flat_map(|pool| pool.instances.keys().cloned());
        let Some(node) = nodes.next() else {
            return;
        };
        let (name, owner) = match trouble {
            Trouble::BarePod => ("data-copy", None),
            Trouble::PdbBlocks => ("nbgrader-0", Some(("StatefulSet", BUDGET))),
            _ => (
                "exporter-7d9c5b8f6-k2x4p",
                Some(("ReplicaSet", "exporter-7d9c5b8f6")),
            ),
        };
        let app = name.split('-').next().unwrap_or(name);
        let pod = Pod {
            namespace: HUBS[0],
            name,
            node: &node,
            labels: json!({ "app": app }),
            owner,
            containers: &[(app, "callysto/tools:1")],
        };
        let mut pod = pod.running(at);
        if trouble == Trouble::DrainTimeout {
            set(
                &mut pod,
                "/spec/terminationGracePeriodSeconds",
                json!(PATIENCE / 1000),
            );
        }
        self.store.put(pod, at);
        if trouble == Trouble::PdbBlocks {
            let budget = json!({
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                "metadata": {"namespace": HUBS[0], "name": BUDGET, "generation": 1},
                "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": app}}},
                "status": {"currentHealthy": 1, "desiredHealthy": 1, "disruptionsAllowed": 0,
                    "expectedPods": 1, "observedGeneration": 1},
            });
            self.store.put(budget, at);
            self.plan(later(at, BLOCKED), Todo::Unblock);
        }
    }

    /// The budget of `pdb-blocks` has another pod to rely on.
    pub(super) fn unblock(&mut self, at: Timestamp) {
        self.store
            .edit("PodDisruptionBudget", Some(HUBS[0]), BUDGET, |budget| {
                set(budget, "/status/disruptionsAllowed", json!(1));
                set(budget, "/status/currentHealthy", json!(2));
            });
        for pool in self.pools.keys().cloned().collect::<Vec<_>>() {
            self.reconsider(&pool, at);
        }
    }

    /// Somebody who opens the hub at the wrong moment: just before a node is cordoned.
    pub(super) fn surprise(&mut self, method: &str, path: &str, at: Timestamp) {
        let cordons = method == "PATCH" && path.starts_with("/api/v1/nodes/");
        if cordons && self.strikes_once(Trouble::SomebodyArrives, at) {
            let until = later(at, 2 * PATIENCE);
            self.arrive((HUBS[0], "latecomer"), until, at);
        }
    }
}
