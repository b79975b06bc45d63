//! Disruption budgets: which pods one is about, what it allows, and its status, which the
//! disruption controller keeps (kubernetes, `pkg/controller/disruption`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::{controller, set, stamp, text};
use super::state::State;

const KIND: &str = "PodDisruptionBudget";

/// Whether a budget is about this pod. One without a selector is about none, one with an empty
/// selector about all of its namespace.
pub(super) fn is_about(budget: &Value, pod: &Value) -> bool {
    let Some(selector) = budget.pointer("/spec/selector").filter(|s| s.is_object()) else {
        return false;
    };
    let label = |key: &str| {
        let labels = pod.pointer("/metadata/labels")?;
        labels.get(key).and_then(Value::as_str)
    };
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let terms = selector.get("matchExpressions").and_then(Value::as_array);
    text(budget, "/metadata/namespace") == text(pod, "/metadata/namespace")
        && (wanted.into_iter().flatten()).all(|(key, value)| label(key) == value.as_str())
        && (terms.into_iter().flatten()).all(|term| {
            let value = label(text(term, "/key"));
            let values = term.get("values").and_then(Value::as_array);
            let among = values.is_some_and(|all| all.iter().any(|one| one.as_str() == value));
            match text(term, "/operator") {
                "In" => value.is_some() && among,
                "NotIn" => value.is_none() || !among,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

/// How many evictions a budget allows now.
pub(super) fn allowance(budget: &Value) -> i64 {
    let allowed = budget.pointer("/status/disruptionsAllowed");
    allowed.and_then(Value::as_i64).unwrap_or(0)
}

/// Whether a pod is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    (conditions.into_iter().flatten())
        .any(|one| text(one, "/type") == "Ready" && text(one, "/status") == "True")
}

fn ends(pod: &Value) -> bool {
    !text(pod, "/metadata/deletionTimestamp").is_empty()
}

/// A number of `of`, or a percentage of them, rounded up.
fn share(wanted: &Value, of: i64) -> i64 {
    match wanted {
        Value::String(text) => {
            let percent = text.trim_end_matches('%').parse().unwrap_or(0);
            (of.saturating_mul(percent) + 99) / 100
        }
        number => number.as_i64().unwrap_or(0),
    }
}

/// How many pods their controllers want to have. In this world none changes its mind: it is how
/// many there are, and one whose only pod is ending wants it back.
fn wanted(pods: &[&Value]) -> i64 {
    let mut controllers: BTreeMap<&str, i64> = BTreeMap::new();
    for pod in pods {
        if let Some(owner) = controller(pod) {
            *controllers.entry(text(owner, "/name")).or_default() += i64::from(!ends(pod));
        }
    }
    controllers.into_values().map(|there| there.max(1)).sum()
}

/// The status of a budget with these pods.
fn status(budget: &Value, pods: &[&Value], at: Timestamp) -> Value {
    let healthy = pods.iter().filter(|pod| !ends(pod) && is_ready(pod));
    let healthy = i64::try_from(healthy.count()).unwrap_or(i64::MAX);
    let all = i64::try_from(pods.len()).unwrap_or(i64::MAX);
    let spec = |field| budget.pointer(field).filter(|value| !value.is_null());
    let most = spec("/spec/maxUnavailable");
    let (expected, desired) = match (most, spec("/spec/minAvailable")) {
        (Some(most), _) => {
            let expected = wanted(pods);
            (expected, (expected - share(most, expected)).max(0))
        }
        (None, Some(Value::String(least))) => {
            let expected = wanted(pods);
            (expected, share(&json!(least), expected))
        }
        (None, Some(least)) => (all, share(least, all)),
        (None, None) => (0, 0),
    };
    let allowed = match expected {
        0 => 0,
        _ => (healthy - desired).max(0),
    };
    let observed = budget.pointer("/metadata/generation").cloned();
    let observed = observed.unwrap_or(json!(0));
    let (word, reason) = match allowed {
        0 => ("False", "InsufficientPods"),
        _ => ("True", "SufficientPods"),
    };
    let since = match text(budget, "/status/conditions/0/status") {
        said if said == word => text(budget, "/status/conditions/0/lastTransitionTime").to_owned(),
        _ => stamp(at),
    };
    json!({"observedGeneration": observed, "disruptionsAllowed": allowed,
        "currentHealthy": healthy, "desiredHealthy": desired, "expectedPods": expected,
        "conditions": [{"type": "DisruptionAllowed", "status": word, "reason": reason,
            "message": "", "observedGeneration": observed, "lastTransitionTime": since}]})
}

impl State {
    /// Brings the budgets up to date with their pods.
    pub(super) fn mind_budgets(&mut self, at: Timestamp) {
        let statuses = self.store.list(KIND).map(|budget| {
            let pods = self.store.list("Pod").filter(|pod| is_about(budget, pod));
            let of = |pointer| text(budget, pointer).to_owned();
            let name = (of("/metadata/namespace"), of("/metadata/name"));
            (name, status(budget, &pods.collect::<Vec<_>>(), at))
        });
        for ((namespace, name), status) in statuses.collect::<Vec<_>>() {
            self.store.edit(KIND, Some(&namespace), &name, |budget| {
                set(budget, "/status", status);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, owner: Option<&str>, ready: bool) -> Value {
        let owners =
            owner.map(|name| json!({"controller": true, "kind": "ReplicaSet", "name": name}));
        let status = if ready { "True" } else { "False" };
        json!({"metadata": {"namespace": "prod", "name": name, "labels": {"app": "web"},
                "ownerReferences": owners.into_iter().collect::<Vec<_>>()},
            "status": {"conditions": [{"type": "Ready", "status": status}]}})
    }

    fn budget(spec: &Value) -> Value {
        let mut budget = json!({"metadata": {"namespace": "prod", "name": "web"}, "spec": spec});
        budget["spec"]["selector"] = json!({"matchLabels": {"app": "web"}});
        budget
    }

    #[test]
    fn what_a_budget_allows_follows_from_its_pods() {
        let at = crate::sim::state::EPOCH;
        let all = [
            pod("a", Some("x"), true),
            pod("b", Some("x"), true),
            pod("c", Some("x"), false),
        ];
        let all: Vec<&Value> = all.iter().collect();
        let said = |spec, pods: &[&Value]| {
            let status = status(&budget(&spec), pods, at);
            [
                "expectedPods",
                "desiredHealthy",
                "currentHealthy",
                "disruptionsAllowed",
            ]
            .map(|field| status[field].as_i64().unwrap())
        };
        assert_eq!(said(json!({"minAvailable": 1}), &all), [3, 1, 2, 1]);
        assert_eq!(said(json!({"minAvailable": 2}), &all), [3, 2, 2, 0]);
        assert_eq!(said(json!({"minAvailable": "50%"}), &all), [3, 2, 2, 0]);
        assert_eq!(said(json!({"maxUnavailable": 1}), &all), [3, 2, 2, 0]);
        assert_eq!(said(json!({"maxUnavailable": "67%"}), &all), [3, 0, 2, 2]);
        assert_eq!(said(json!({"minAvailable": 0}), &[]), [0, 0, 0, 0]);
        // One that ends is neither healthy nor fewer than wanted; a lone one is wanted by nobody.
        let mut ending = pod("a", Some("x"), true);
        ending["metadata"]["deletionTimestamp"] = json!("2026-01-15T13:00:30Z");
        assert_eq!(said(json!({"maxUnavailable": 0}), &[&ending]), [1, 1, 0, 0]);
        let lone = pod("a", None, true);
        assert_eq!(said(json!({"maxUnavailable": 1}), &[&lone]), [0, 0, 1, 0]);
        assert_eq!(said(json!({"minAvailable": 0}), &[&lone]), [1, 0, 1, 1]);
    }

    #[test]
    fn a_budget_is_about_what_its_selector_says() {
        let pod = pod("a", None, true);
        let about = |selector| {
            let mut budget = budget(&json!({}));
            budget["spec"]["selector"] = selector;
            is_about(&budget, &pod)
        };
        assert!(about(json!({})) && !about(Value::Null));
        assert!(about(json!({"matchLabels": {"app": "web"}})));
        assert!(!about(json!({"matchLabels": {"app": "web", "tier": "x"}})));
        let term = |operator, key, values: &[&str]| {
            about(
                json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]}),
            )
        };
        assert!(term("In", "app", &["db", "web"]) && !term("In", "app", &["db"]));
        assert!(term("NotIn", "app", &["db"]) && term("NotIn", "tier", &["x"]));
        assert!(term("Exists", "app", &[]) && !term("DoesNotExist", "app", &[]));
    }
}
