//! Pods that are asked to go: marked until their grace is over, or evicted if their disruption
//! budget lets them. Taking a marked one away is its kubelet's business.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::failure::Failure;
use super::object::{set_meta, stamp, text};
use super::store::Store;
use crate::sim::budgets::{allowance, is_about, is_ready};
use crate::sim::state::later;

/// Seconds a pod is given to end that does not say.
const GRACE: u64 = 30;

/// A namespace and a name.
pub(in crate::sim) type Name<'a> = (&'a str, &'a str);

/// Marks a pod as ending within `grace` seconds, its own if none are given, and gives it back as
/// it then is. One that is on no node or is over goes at once; one that ends already may only end
/// sooner.
pub(in crate::sim) fn end(
    store: &mut Store,
    (namespace, name): Name<'_>,
    grace: Option<u64>,
    now: Timestamp,
) -> Option<Value> {
    let pod = store.get("Pod", Some(namespace), name)?;
    let own = pod.pointer("/spec/terminationGracePeriodSeconds");
    let over = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    let grace = if over || text(pod, "/spec/nodeName").is_empty() {
        0
    } else {
        grace.or(own.and_then(Value::as_u64)).unwrap_or(GRACE)
    };
    if grace == 0 {
        let mut last = store.remove("Pod", Some(namespace), name, now)?;
        set_meta(&mut last, "deletionGracePeriodSeconds", json!(0));
        return Some(last);
    }
    let ends = later(now, grace * 1000);
    let marked = text(pod, "/metadata/deletionTimestamp").parse::<Timestamp>();
    if !marked.is_ok_and(|marked| marked <= ends) {
        store.edit("Pod", Some(namespace), name, |pod| {
            set_meta(pod, "deletionTimestamp", json!(stamp(ends)));
            set_meta(pod, "deletionGracePeriodSeconds", json!(grace));
        });
    }
    store.get("Pod", Some(namespace), name).cloned()
}

/// Ends a pod unless its disruption budget forbids it, which is then asked for one less.
pub(super) fn evict(
    store: &mut Store,
    (namespace, name): Name<'_>,
    grace: Option<u64>,
    now: Timestamp,
) -> Result<(), Failure> {
    if let Some(pod) = store.get("Pod", Some(namespace), name)
        && let Some(budget) = spends(store, pod)?
    {
        store.edit("PodDisruptionBudget", Some(namespace), &budget, |budget| {
            let left = allowance(budget) - 1;
            if let Some(Value::Object(status)) = budget.pointer_mut("/status") {
                status.insert("disruptionsAllowed".to_owned(), json!(left));
                let gone = status.entry("disruptedPods").or_insert_with(|| json!({}));
                if let Value::Object(gone) = gone {
                    gone.insert(name.to_owned(), json!(stamp(now)));
                }
            }
        });
    }
    end(store, (namespace, name), grace, now);
    Ok(())
}

/// The same for the world itself, which only wants to know whether it was done.
pub(in crate::sim) fn evicted(
    store: &mut Store,
    pod: Name<'_>,
    grace: Option<u64>,
    now: Timestamp,
) -> bool {
    evict(store, pod, grace, now).is_ok()
}

/// The budget that an eviction of this pod is taken from. A pod that has not started, is over or
/// ends already is no disruption; one that is not ready is none while enough others are (what
/// `unhealthyPodEvictionPolicy` changes).
fn spends(store: &Store, pod: &Value) -> Result<Option<String>, Failure> {
    let ends = !text(pod, "/metadata/deletionTimestamp").is_empty();
    if ends || text(pod, "/status/phase") != "Running" {
        return Ok(None);
    }
    let budgets = store.list("PodDisruptionBudget");
    let mut budgets = budgets.filter(|budget| is_about(budget, pod));
    let (budget, other) = (budgets.next(), budgets.next());
    let Some(budget) = budget else {
        return Ok(None);
    };
    if other.is_some() {
        return Err(Failure::many_budgets());
    }
    let number = |pointer| budget.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    if number("/status/observedGeneration") < number("/metadata/generation") {
        return Err(Failure::stale_budget(budget));
    }
    let (current, desired) = (
        number("/status/currentHealthy"),
        number("/status/desiredHealthy"),
    );
    let always = text(budget, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow";
    if !is_ready(pod) && (always || (desired > 0 && current >= desired)) {
        return Ok(None);
    }
    if allowance(budget) <= 0 {
        return Err(Failure::disrupts(budget));
    }
    Ok(Some(text(budget, "/metadata/name").to_owned()))
}
