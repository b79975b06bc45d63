//! Nodes: how a machine becomes one, and stops being one.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::{NOTEBOOK, Pod, set, stamp, text};
use super::pools::{Instance, Pool, Stage};
use super::state::{Pulling, State, Todo};

/// From a ready node to its first pulled layer, in milliseconds: least and most.
const FIRST_PODS: (u64, u64) = (5_000, 15_000);
const CORDON: &str = "node.kubernetes.io/unschedulable";
const VERSION: &str = "v1.30.5-gke.1014001";
const NO_NETWORK: &str = "container runtime network not ready: NetworkReady=false \
    reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";
/// What the node problem detector and the kubelet look for, and say when it is not so.
const PROBLEMS: [(&str, &str); 10] = [
    ("KernelDeadlock", "KernelHasNoDeadlock"),
    ("ReadonlyFilesystem", "FilesystemIsNotReadOnly"),
    ("CorruptDockerOverlay2", "NoCorruptDockerOverlay2"),
    (
        "FrequentUnregisterNetDevice",
        "NoFrequentUnregisterNetDevice",
    ),
    ("FrequentKubeletRestart", "NoFrequentKubeletRestart"),
    ("FrequentDockerRestart", "NoFrequentDockerRestart"),
    ("FrequentContainerdRestart", "NoFrequentContainerdRestart"),
    ("MemoryPressure", "KubeletHasSufficientMemory"),
    ("DiskPressure", "KubeletHasNoDiskPressure"),
    ("PIDPressure", "KubeletHasSufficientPID"),
];

/// What runs on every node before anything else.
pub(super) const SYSTEM: [(&str, &str); 3] = [
    ("fluentbit-gke", "gke.gcr.io/fluent-bit:v1.8.12-gke.35"),
    (
        "gke-metrics-agent",
        "gke.gcr.io/gke-metrics-agent:1.13.9-gke.0",
    ),
    (
        "pdcsi-node",
        "gke.gcr.io/gcp-compute-persistent-disk-csi-driver:v1.15.4",
    ),
];

fn condition(kind: &str, status: &str, (reason, message): (&str, &str), at: Timestamp) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message,
        "lastHeartbeatTime": stamp(at), "lastTransitionTime": stamp(at)})
}

fn taint(key: &str, value: Option<&str>, effect: &str) -> Value {
    match value {
        Some(value) => json!({"key": key, "value": value, "effect": effect}),
        None => json!({"key": key, "effect": effect}),
    }
}

/// The taints the pool itself is configured with.
fn own_taints(pool: &Pool) -> Vec<Value> {
    if let Some(shape) = &pool.shape {
        return shape.taints();
    }
    match pool.purpose.as_str() {
        "user" => vec![taint(
            "hub.jupyter.org_dedicated",
            Some("user"),
            "NoSchedule",
        )],
        _ => Vec::new(),
    }
}

fn labels(name: &str, pool: &Pool, zone: &str) -> Value {
    let region = zone.rsplit_once('-').map_or(zone, |(region, _)| region);
    json!({
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/instance-type": "n1-highmem-8",
        "cloud.google.com/gke-boot-disk": "pd-standard",
        "cloud.google.com/gke-container-runtime": "containerd",
        "cloud.google.com/gke-nodepool": pool.name,
        "cloud.google.com/gke-os-distribution": "cos",
        "cloud.google.com/machine-family": "n1",
        "failure-domain.beta.kubernetes.io/region": region,
        "failure-domain.beta.kubernetes.io/zone": zone,
        "hub.jupyter.org/node-purpose": pool.purpose,
        "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "n1-highmem-8",
        "topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": zone,
    })
}

/// A node as its kubelet first reports it.
fn object(name: &str, pool: &Pool, instance: &Instance, id: u64, at: Timestamp) -> Value {
    let mut conditions: Vec<Value> = PROBLEMS
        .iter()
        .map(|(kind, reason)| condition(kind, "False", (reason, ""), at))
        .collect();
    let no_route = ("NoRouteCreated", "Node created without a route");
    conditions.push(condition("NetworkUnavailable", "True", no_route, at));
    conditions.push(condition(
        "Ready",
        "False",
        ("KubeletNotReady", NO_NETWORK),
        at,
    ));
    let mut taints = own_taints(pool);
    taints.push(taint(
        "node.cloudprovider.kubernetes.io/uninitialized",
        Some("true"),
        "NoSchedule",
    ));
    taints.push(taint("node.kubernetes.io/not-ready", None, "NoSchedule"));
    taints.push(taint("node.kubernetes.io/not-ready", None, "NoExecute"));
    let zone = &instance.zone;
    let mut node = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": labels(name, pool, zone), "annotations": {
            "container.googleapis.com/instance_id": id.to_string(),
            "node.alpha.kubernetes.io/ttl": "0",
            "volumes.kubernetes.io/controller-managed-attach-detach": "true"}},
        "spec": {"providerID": format!("gce://practice/{zone}/{name}"), "taints": taints},
        "status": {
            "addresses": [{"type": "Hostname", "address": name}],
            "capacity": {"cpu": "8", "memory": "53476144Ki", "pods": "110"},
            "allocatable": {"cpu": "7910m", "memory": "48425776Ki", "pods": "110"},
            "conditions": conditions,
            "images": [{"names": ["registry.k8s.io/pause:3.10"], "sizeBytes": 320_368}],
            "nodeInfo": {"kubeletVersion": VERSION, "osImage": "Container-Optimized OS from Google",
                "containerRuntimeVersion": "containerd://1.7.22", "architecture": "amd64",
                "operatingSystem": "linux"},
        },
    });
    if let Some(shape) = &pool.shape {
        shape.dress(&mut node, name, zone);
    }
    node
}

/// A node as it is when it has been ready for a while and holds an image of its users.
pub(super) fn standing(name: &str, pool: &Pool, instance: &Instance, at: Timestamp) -> Value {
    let mut node = object(name, pool, instance, 1 << 60, at);
    let route = ("RouteCreated", "RouteController created a route");
    let posting = ("KubeletReady", "kubelet is posting ready status");
    for (kind, status, why) in [
        ("NetworkUnavailable", "False", route),
        ("Ready", "True", posting),
    ] {
        change(&mut node, kind, &condition(kind, status, why, at));
    }
    set(&mut node, "/spec/taints", json!(own_taints(pool)));
    let image = json!({"names": [format!("docker.io/{NOTEBOOK}")], "sizeBytes": 4_187_593_113_u64});
    if let Some(Value::Array(images)) = node.pointer_mut("/status/images") {
        images.push(image);
    }
    node
}

/// Replaces a condition, in place.
fn change(node: &mut Value, kind: &str, new: &Value) {
    let conditions = node.pointer_mut("/status/conditions");
    for old in conditions
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if text(old, "/type") == kind {
            *old = new.clone();
        }
    }
}

impl State {
    pub(super) fn node_event(
        &mut self,
        node: &str,
        what: (&str, &str, &str),
        message: &str,
        at: Timestamp,
    ) {
        self.event(("Node", None, node), what, message, at);
    }

    /// The kubelet of a new machine reports in; the daemons' pods are bound to it.
    pub(super) fn register(&mut self, node: &str, at: Timestamp) {
        let id = self.chance.between((1 << 60, 1 << 62));
        let Some((pool, instance)) = self.home(node).filter(|(_, i)| i.stage != Stage::Leaving)
        else {
            return;
        };
        let object = object(node, pool, instance, id, at);
        self.store.put(object, at);
        self.set_stage(node, Stage::Registered);
        for (severity, reason, message) in [
            ("Normal", "Starting", "Starting kubelet.".to_owned()),
            (
                "Warning",
                "InvalidDiskCapacity",
                "invalid capacity 0 on image filesystem".to_owned(),
            ),
            (
                "Normal",
                "NodeHasSufficientMemory",
                format!("Node {node} status is now: NodeHasSufficientMemory"),
            ),
            (
                "Normal",
                "NodeHasNoDiskPressure",
                format!("Node {node} status is now: NodeHasNoDiskPressure"),
            ),
            (
                "Normal",
                "NodeHasSufficientPID",
                format!("Node {node} status is now: NodeHasSufficientPID"),
            ),
            (
                "Normal",
                "NodeAllocatableEnforced",
                "Updated Node Allocatable limit across pods".to_owned(),
            ),
        ] {
            self.node_event(node, (severity, reason, "kubelet"), &message, at);
        }
        let registered = format!("Node {node} event: Registered Node {node} in Controller");
        self.node_event(
            node,
            ("Normal", "RegisteredNode", "node-controller"),
            &registered,
            at,
        );
        self.pull(node, Pulling::Bound, at);
        self.publish_autoscaler(at);
    }

    /// The node's network is up.
    pub(super) fn connect(&mut self, node: &str, at: Timestamp) {
        let route = ("RouteCreated", "RouteController created a route");
        self.store.edit("Node", None, node, |node| {
            change(
                node,
                "NetworkUnavailable",
                &condition("NetworkUnavailable", "False", route, at),
            );
        });
        let synced = ("Normal", "Synced", "cloud-node-controller");
        self.node_event(node, synced, "Node synced successfully", at);
    }

    /// The node can run pods.
    pub(super) fn make_ready(&mut self, node: &str, at: Timestamp) {
        let Some((pool, _)) = self
            .home(node)
            .filter(|(_, i)| i.stage == Stage::Registered)
        else {
            return;
        };
        let (taints, user) = (own_taints(pool), pool.purpose == "user");
        let posting = ("KubeletReady", "kubelet is posting ready status");
        self.store.edit("Node", None, node, |node| {
            change(node, "Ready", &condition("Ready", "True", posting, at));
            set(node, "/spec/taints", json!(taints));
        });
        self.set_stage(node, Stage::Ready);
        let message = format!("Node {node} status is now: NodeReady");
        self.node_event(node, ("Normal", "NodeReady", "kubelet"), &message, at);
        for (daemon, image) in SYSTEM {
            let name = format!("{daemon}-{}", self.chance.suffix(5));
            let pod = Pod {
                namespace: "kube-system",
                name: &name,
                node,
                labels: json!({"k8s-app": daemon}),
                owner: Some(("DaemonSet", daemon)),
                containers: &[(daemon, image)],
            };
            self.store.put(pod.running(at), at);
        }
        self.count_daemons();
        if user {
            let begins = self.soon(at, FIRST_PODS);
            let step = Pulling::Tools;
            self.plan(
                begins,
                Todo::Pull {
                    node: node.to_owned(),
                    step,
                },
            );
        }
        self.seat_people(at);
        self.publish_autoscaler(at);
    }

    /// The machine is gone, and everything on it.
    pub(super) fn remove_node(&mut self, node: &str, at: Timestamp) {
        let gone: Vec<(String, String)> = (self.pods_on(node))
            .map(|pod| {
                (
                    text(pod, "/metadata/namespace").to_owned(),
                    text(pod, "/metadata/name").to_owned(),
                )
            })
            .collect();
        for (namespace, name) in gone {
            self.store.remove("Pod", Some(&namespace), &name, at);
        }
        let known = self.store.remove("Node", None, node, at).is_some();
        for pool in self.pools.values_mut() {
            pool.instances.remove(node);
        }
        self.drains.remove(node);
        self.gone(node, at);
        if known {
            let message = format!("Node {node} event: Removing Node {node} from Controller");
            let what = ("Normal", "RemovingNode", "node-controller");
            self.node_event(node, what, &message, at);
        }
        self.count_daemons();
        self.publish_autoscaler(at);
    }

    /// The pods bound to a node.
    pub(super) fn pods_on<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a Value> {
        self.store
            .list("Pod")
            .filter(move |pod| text(pod, "/spec/nodeName") == node)
    }

    /// What the node controller does after somebody cordoned or uncordoned a node.
    pub(super) fn sync_cordon(&mut self, node: &str, at: Timestamp) {
        let (mut cordoned, mut tainted) = (false, false);
        self.store.edit("Node", None, node, |node| {
            cordoned = node.pointer("/spec/unschedulable") == Some(&json!(true));
            let mut taints: Vec<Value> = match node.pointer("/spec/taints") {
                Some(Value::Array(taints)) => taints.clone(),
                _ => Vec::new(),
            };
            tainted = taints.iter().any(|taint| text(taint, "/key") == CORDON);
            if tainted == cordoned {
                return;
            }
            taints.retain(|taint| text(taint, "/key") != CORDON);
            if cordoned {
                taints.push(json!({"key": CORDON, "effect": "NoSchedule", "timeAdded": stamp(at)}));
            }
            set(node, "/spec/taints", json!(taints));
        });
        if tainted == cordoned {
            return;
        }
        let reason = if cordoned {
            "NodeNotSchedulable"
        } else {
            "NodeSchedulable"
        };
        let message = format!("Node {node} status is now: {reason}");
        self.node_event(node, ("Normal", reason, "kubelet"), &message, at);
        self.seat_people(at);
    }
}
