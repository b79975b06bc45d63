//! Tables, as `kubectl get` shows them.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::Kind;
use super::object::text;

/// How a cell is filled.
enum Cell {
    /// The text there, or nothing.
    Text(&'static str),
    /// The number there, or zero.
    Number(&'static str),
    /// How long ago the moment there was.
    Age(&'static str),
    /// How often containers were started again, and how long ago for the last time.
    Restarts,
    /// Worked out.
    Made(fn(&Value) -> String),
}

use Cell::{Age, Made, Number, Restarts, Text};

/// Heading, whether it takes `-o wide` to see it, contents.
type Column = (&'static str, bool, Cell);

const NAME: Column = ("Name", false, Text("/metadata/name"));
const AGE: Column = ("Age", false, Age("/metadata/creationTimestamp"));

const NODE: &[Column] = &[
    NAME,
    ("Status", false, Made(node_status)),
    ("Roles", false, Made(|_| "<none>".to_owned())),
    AGE,
    ("Version", false, Text("/status/nodeInfo/kubeletVersion")),
    ("OS-Image", true, Text("/status/nodeInfo/osImage")),
];
const POD: &[Column] = &[
    NAME,
    ("Ready", false, Made(pod_ready)),
    ("Status", false, Made(pod_status)),
    ("Restarts", false, Restarts),
    AGE,
    ("IP", true, Text("/status/podIP")),
    ("Node", true, Text("/spec/nodeName")),
];
const EVENT: &[Column] = &[
    ("Last Seen", false, Age("/lastTimestamp")),
    ("Type", false, Text("/type")),
    ("Reason", false, Text("/reason")),
    ("Object", false, Made(event_object)),
    ("Source", true, Text("/source/component")),
    ("Message", false, Text("/message")),
    ("Count", true, Number("/count")),
    ("Name", true, Text("/metadata/name")),
];
const NAMESPACE: &[Column] = &[NAME, ("Status", false, Text("/status/phase")), AGE];
const DAEMON_SET: &[Column] = &[
    NAME,
    ("Desired", false, Number("/status/desiredNumberScheduled")),
    ("Current", false, Number("/status/currentNumberScheduled")),
    ("Ready", false, Number("/status/numberReady")),
    (
        "Up-to-date",
        false,
        Number("/status/updatedNumberScheduled"),
    ),
    ("Available", false, Number("/status/numberAvailable")),
    AGE,
];
const DEPLOYMENT: &[Column] = &[
    NAME,
    ("Ready", false, Made(deployment_ready)),
    ("Up-to-date", false, Number("/status/updatedReplicas")),
    ("Available", false, Number("/status/availableReplicas")),
    AGE,
    ("Containers", true, Made(|d| containers(d, "/name"))),
    ("Images", true, Made(|d| containers(d, "/image"))),
    (
        "Selector",
        true,
        Made(|d| selector(d, "/spec/selector/matchLabels")),
    ),
];
const SERVICE: &[Column] = &[
    NAME,
    ("Type", false, Text("/spec/type")),
    ("Cluster-IP", false, Text("/spec/clusterIP")),
    ("External-IP", false, Made(outside)),
    ("Port(s)", false, Made(ports)),
    AGE,
    ("Selector", true, Made(|s| selector(s, "/spec/selector"))),
];
const BUDGET: &[Column] = &[
    NAME,
    (
        "Min Available",
        false,
        Made(|budget| whichever(budget, "/spec/minAvailable")),
    ),
    (
        "Max Unavailable",
        false,
        Made(|budget| whichever(budget, "/spec/maxUnavailable")),
    ),
    (
        "Allowed Disruptions",
        false,
        Number("/status/disruptionsAllowed"),
    ),
    AGE,
];
const LEASE: &[Column] = &[NAME, ("Holder", false, Text("/spec/holderIdentity")), AGE];

/// A number or a share, as it was written.
fn whichever(object: &Value, pointer: &str) -> String {
    match object.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "N/A".to_owned(),
    }
}

fn columns_of(kind: &Kind) -> &'static [Column] {
    match kind.name {
        "Node" => NODE,
        "Pod" => POD,
        "Event" => EVENT,
        "Namespace" => NAMESPACE,
        "DaemonSet" => DAEMON_SET,
        "Deployment" => DEPLOYMENT,
        "Service" => SERVICE,
        "Lease" => LEASE,
        "PodDisruptionBudget" => BUDGET,
        _ => &[NAME, AGE],
    }
}

/// The description of a kind's columns.
pub(super) fn columns(kind: &Kind) -> Vec<Value> {
    let columns = columns_of(kind).iter().map(|(name, wide, cell)| {
        json!({"name": name, "description": "", "priority": u8::from(*wide),
            "type": if matches!(cell, Number(_)) { "integer" } else { "string" },
            "format": if *name == "Name" { "name" } else { "" }})
    });
    columns.collect()
}

/// The cells of an object's row.
pub(super) fn cells(kind: &Kind, object: &Value, now: Timestamp) -> Vec<Value> {
    let cells = columns_of(kind).iter().map(|(_, _, cell)| match cell {
        Text(pointer) => json!(text(object, pointer)),
        Number(pointer) => json!(object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)),
        Restarts => json!(pod_restarts(object, now)),
        Made(make) => json!(make(object)),
        Age(pointer) => json!(match text(object, pointer).parse::<Timestamp>() {
            Ok(then) => age(now.duration_since(then).as_secs()),
            Err(_) => "<unknown>".to_owned(),
        }),
    });
    cells.collect()
}

/// An age as a server writes it.
fn age(seconds: i64) -> String {
    let age = Duration::from_secs(seconds.try_into().unwrap_or_default());
    crate::names::Age(age).to_string()
}

fn node_status(node: &Value) -> String {
    let ready = items(node, "/status/conditions").find(|c| text(c, "/type") == "Ready");
    let status = match ready.map(|ready| text(ready, "/status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    match node.pointer("/spec/unschedulable").and_then(Value::as_bool) {
        Some(true) => format!("{status},SchedulingDisabled"),
        _ => status.to_owned(),
    }
}

fn items<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn pod_ready(pod: &Value) -> String {
    let ready = items(pod, "/status/containerStatuses")
        .filter(|status| status.pointer("/ready") == Some(&Value::Bool(true)));
    format!(
        "{}/{}",
        ready.count(),
        items(pod, "/spec/containers").count()
    )
}

fn pod_restarts(pod: &Value, now: Timestamp) -> String {
    let statuses = || items(pod, "/status/containerStatuses");
    let counts = statuses().filter_map(|status| status.pointer("/restartCount")?.as_u64());
    let count: u64 = counts.sum();
    let ends = statuses().filter_map(|status| {
        let end = text(status, "/lastState/terminated/finishedAt");
        end.parse::<Timestamp>().ok()
    });
    match ends.max() {
        Some(last) if count > 0 => {
            format!("{count} ({} ago)", age(now.duration_since(last).as_secs()))
        }
        _ => count.to_string(),
    }
}

/// The most telling word: a container that cannot go on says more than the phase.
fn pod_status(pod: &Value) -> String {
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return "Terminating".to_owned();
    }
    let reason = |status: &Value| {
        ["/state/waiting/reason", "/state/terminated/reason"]
            .map(|pointer| text(status, pointer).to_owned())
            .into_iter()
            .find(|reason| !reason.is_empty())
    };
    let of = items(pod, "/spec/initContainers").count();
    let unfinished = items(pod, "/status/initContainerStatuses")
        .enumerate()
        .find(|(_, status)| status.pointer("/state/terminated/exitCode") != Some(&json!(0)));
    if let Some((done, status)) = unfinished {
        return match reason(status) {
            Some(reason) if reason != "PodInitializing" => format!("Init:{reason}"),
            _ => format!("Init:{done}/{of}"),
        };
    }
    let whole = [text(pod, "/status/reason"), text(pod, "/status/phase")];
    items(pod, "/status/containerStatuses")
        .filter_map(reason)
        .last()
        .or(whole
            .iter()
            .find(|word| !word.is_empty())
            .map(|word| (*word).to_owned()))
        .unwrap_or_else(|| "Unknown".to_owned())
}

fn deployment_ready(deployment: &Value) -> String {
    let count = |pointer| {
        deployment
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap_or(0)
    };
    format!(
        "{}/{}",
        count("/status/readyReplicas"),
        count("/spec/replicas")
    )
}

fn containers(deployment: &Value, field: &str) -> String {
    let containers = items(deployment, "/spec/template/spec/containers");
    containers
        .map(|c| text(c, field))
        .collect::<Vec<_>>()
        .join(",")
}

fn selector(object: &Value, pointer: &str) -> String {
    let labels = object.pointer(pointer).and_then(Value::as_object);
    let pairs = labels.into_iter().flatten();
    let pairs = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    match pairs.collect::<Vec<_>>().join(",") {
        none if none.is_empty() => "<none>".to_owned(),
        pairs => pairs,
    }
}

/// The addresses a service has outside the cluster.
fn outside(service: &Value) -> String {
    let addresses: Vec<&str> = items(service, "/status/loadBalancer/ingress")
        .map(|ingress| text(ingress, "/ip"))
        .collect();
    match (text(service, "/spec/type"), addresses.is_empty()) {
        ("LoadBalancer", true) => "<pending>".to_owned(),
        (_, true) => "<none>".to_owned(),
        (_, false) => addresses.join(","),
    }
}

fn ports(service: &Value) -> String {
    let ports = items(service, "/spec/ports").map(|port| {
        let number = |pointer| port.pointer(pointer).and_then(Value::as_u64);
        let protocol = text(port, "/protocol");
        let outer = number("/nodePort").map_or_else(String::new, |node| format!(":{node}"));
        format!("{}{outer}/{protocol}", number("/port").unwrap_or(0))
    });
    match ports.collect::<Vec<_>>().join(",") {
        none if none.is_empty() => "<none>".to_owned(),
        ports => ports,
    }
}

fn event_object(event: &Value) -> String {
    let kind = text(event, "/involvedObject/kind").to_lowercase();
    format!("{kind}/{}", text(event, "/involvedObject/name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_writes_them() {
        let written = [
            -5, 0, 119, 120, 605, 7200, 14_460, 100_000, 180_000, 864_000,
        ]
        .map(age);
        let expected = [
            "0s", "0s", "119s", "2m", "10m", "120m", "4h1m", "27h", "2d2h", "10d",
        ];
        assert_eq!(written, expected);
    }

    #[test]
    fn a_pod_says_what_holds_it_up() {
        let pulling = json!({"spec": {"initContainers": [{}, {}], "containers": [{}]},
            "status": {"phase": "Pending", "initContainerStatuses": [
                {"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
                {"state": {"waiting": {"reason": "PodInitializing"}}}]}});
        assert_eq!(pod_status(&pulling), "Init:1/2");
        let mut stuck = pulling.clone();
        stuck["status"]["initContainerStatuses"][1]["state"]["waiting"]["reason"] =
            json!("ImagePullBackOff");
        assert_eq!(pod_status(&stuck), "Init:ImagePullBackOff");
        let crashed = json!({"status": {"phase": "Running", "containerStatuses": [
            {"ready": false, "restartCount": 2,
             "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
        assert_eq!(pod_status(&crashed), "CrashLoopBackOff");
        let now = "2026-01-15T13:00:00Z".parse().unwrap();
        assert_eq!(pod_restarts(&crashed, now), "2");
        let died = json!({"terminated": {"finishedAt": "2026-01-15T11:47:00Z"}});
        let again = json!({"status": {"containerStatuses": [{"restartCount": 2,
            "lastState": died}, {"restartCount": 1}]}});
        assert_eq!(pod_restarts(&again, now), "3 (73m ago)");
        let evicted = json!({"status": {"phase": "Failed", "reason": "Evicted"}});
        assert_eq!(pod_status(&evicted), "Evicted");
    }

    #[test]
    fn a_cordoned_node_says_so() {
        let node = json!({"spec": {"unschedulable": true},
            "status": {"conditions": [{"type": "Ready", "status": "False"}]}});
        assert_eq!(node_status(&node), "NotReady,SchedulingDisabled");
    }
}
