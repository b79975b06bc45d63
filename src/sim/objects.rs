//! Kubernetes objects by hand: never the clients' structs, or a field misspelt there would be
//! misspelt here too.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::state::State;

/// The image people work in, as the hub's configuration names it.
pub(super) const NOTEBOOK: &str = "callysto/2i2c:0.1.4";
/// The image of the puller's first init container.
pub(super) const TOOLS: &str = "quay.io/jupyterhub/k8s-network-tools:4.1.0";
/// Events live an hour.
const EVENT_LIFE: i64 = 3_600_000;

/// Puts a value where the pointer says; its parent must be an object.
pub(super) fn set(object: &mut Value, pointer: &str, value: Value) {
    if let Some((parent, key)) = pointer.rsplit_once('/')
        && let Some(Value::Object(fields)) = object.pointer_mut(parent)
    {
        fields.insert(key.to_owned(), value);
    }
}

/// The text at a pointer.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or("")
}

/// A moment as Kubernetes writes it.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A pod before it has containers' fates: who it is and where it runs.
pub(super) struct Pod<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) node: &'a str,
    pub(super) labels: Value,
    /// Kind and name of what made it, if a controller did.
    pub(super) owner: Option<(&'a str, &'a str)>,
    /// Container names and images.
    pub(super) containers: &'a [(&'a str, &'a str)],
}

impl Pod<'_> {
    /// The object, running and ready since `at`.
    pub(super) fn running(&self, at: Timestamp) -> Value {
        let at = stamp(at);
        let owners: Vec<Value> = (self.owner.iter())
            .map(|(kind, name)| {
                json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true,
                    "uid": format!("{kind}-{name}").to_lowercase(), "blockOwnerDeletion": true})
            })
            .collect();
        let containers: Vec<Value> = (self.containers.iter())
            .map(|(name, image)| {
                json!({"name": name, "image": image, "imagePullPolicy": "IfNotPresent",
                    "resources": {}})
            })
            .collect();
        let statuses: Vec<Value> = (self.containers.iter())
            .map(|(name, image)| {
                json!({"name": name, "image": image, "ready": true, "started": true,
                    "restartCount": 0, "state": {"running": {"startedAt": at}}})
            })
            .collect();
        let conditions: Vec<Value> = ["PodScheduled", "Initialized", "ContainersReady", "Ready"]
            .iter()
            .map(|kind| json!({"type": kind, "status": "True", "lastTransitionTime": at}))
            .collect();
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": self.namespace, "name": self.name, "labels": self.labels,
                "ownerReferences": owners},
            "spec": {"nodeName": self.node, "containers": containers,
                "restartPolicy": "Always", "terminationGracePeriodSeconds": 30},
            "status": {"phase": "Running", "startTime": at, "conditions": conditions,
                "containerStatuses": statuses},
        })
    }
}

/// What would start a pod again: the owner that controls it.
pub(super) fn controller(pod: &Value) -> Option<&Value> {
    let owners = pod.pointer("/metadata/ownerReferences")?.as_array()?;
    let controls = |owner: &&Value| owner.pointer("/controller") == Some(&Value::Bool(true));
    owners.iter().find(controls)
}

/// Whether a pod comes and goes with its node.
pub(super) fn is_of_node(pod: &Value) -> bool {
    let kind = controller(pod).map(|owner| text(owner, "/kind"));
    matches!(kind, Some("DaemonSet" | "Node"))
}

/// Something an event is about: kind, namespace, name.
pub(super) type About<'a> = (&'a str, Option<&'a str>, &'a str);

impl State {
    /// Writes an event, or counts it when the same one is there already.
    pub(super) fn event(
        &mut self,
        (kind, namespace, name): About<'_>,
        (severity, reason, source): (&str, &str, &str),
        message: &str,
        at: Timestamp,
    ) {
        if at.as_millisecond() < self.began.as_millisecond() - EVENT_LIFE {
            return;
        }
        let home = namespace.unwrap_or("default");
        let event = format!(
            "{name}.{:016x}",
            fingerprint(&format!("{reason} {message}"))
        );
        let counted = self.store.edit("Event", Some(home), &event, |event| {
            let count = event.pointer("/count").and_then(Value::as_u64).unwrap_or(1);
            set(event, "/count", json!(count + 1));
            set(event, "/lastTimestamp", json!(stamp(at)));
        });
        if counted {
            return;
        }
        let uid = match (self.store.get(kind, namespace, name), kind) {
            // The kubelet does not know its node's uid, and says the name instead.
            (_, "Node") | (None, _) => name.to_owned(),
            (Some(object), _) => text(object, "/metadata/uid").to_owned(),
        };
        let mut about = Map::new();
        about.insert("apiVersion".to_owned(), json!("v1"));
        about.insert("kind".to_owned(), json!(kind));
        about.insert("name".to_owned(), json!(name));
        about.insert("uid".to_owned(), json!(uid));
        if let Some(namespace) = namespace {
            about.insert("namespace".to_owned(), json!(namespace));
        }
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"namespace": home, "name": event},
            "involvedObject": about, "type": severity, "reason": reason, "message": message,
            "source": {"component": source}, "reportingComponent": source, "count": 1,
            "firstTimestamp": stamp(at), "lastTimestamp": stamp(at), "eventTime": null,
        });
        self.store.put(event, at);
    }

    /// Takes the events away that have had their hour.
    pub(super) fn forget_events(&mut self, at: Timestamp) {
        let old = |event: &&Value| {
            let last = text(event, "/lastTimestamp").parse::<Timestamp>();
            last.is_ok_and(|last| at.duration_since(last).as_millis() > i128::from(EVENT_LIFE))
        };
        let old: Vec<(String, String)> = (self.store.list("Event").filter(old))
            .map(|event| {
                let of = |pointer| text(event, pointer).to_owned();
                (of("/metadata/namespace"), of("/metadata/name"))
            })
            .collect();
        for (namespace, name) in old {
            self.store.remove("Event", Some(&namespace), &name, at);
        }
    }
}

/// FNV-1a: the same text, the same number, on every machine.
pub(super) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
