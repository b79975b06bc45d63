//! Tables, as `kubectl get` shows them.

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
    /// Worked out.
    Made(fn(&Value) -> String),
}

use Cell::{Age, Made, Number, Text};

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
    ("Restarts", false, Made(pod_restarts)),
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
const LEASE: &[Column] = &[NAME, ("Holder", false, Text("/spec/holderIdentity")), AGE];

fn columns_of(kind: &Kind) -> &'static [Column] {
    match kind.name {
        "Node" => NODE,
        "Pod" => POD,
        "Event" => EVENT,
        "Namespace" => NAMESPACE,
        "DaemonSet" => DAEMON_SET,
        "Lease" => LEASE,
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
        Made(make) => json!(make(object)),
        Age(pointer) => json!(match text(object, pointer).parse::<Timestamp>() {
            Ok(then) => age(now.duration_since(then).as_secs()),
            Err(_) => "<unknown>".to_owned(),
        }),
    });
    cells.collect()
}

/// A duration as `kubectl` writes it: two units while the first is small, then one.
fn age(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let pair = |large: i64, unit: &str, small: i64, subunit: &str| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{subunit}"),
    };
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        _ => format!("{days}d"),
    }
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

fn pod_restarts(pod: &Value) -> String {
    let counts = items(pod, "/status/containerStatuses")
        .filter_map(|status| status.pointer("/restartCount")?.as_u64());
    counts.sum::<u64>().to_string()
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
        assert_eq!(pod_restarts(&crashed), "2");
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
