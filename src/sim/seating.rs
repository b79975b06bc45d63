//! Servers and nodes: which node a person's server goes to, and what it is until it runs.
//!
//! As z2jh's user scheduler does it, the fullest node that has room is taken, so that others empty.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::{Pod, set, stamp, text};
use super::people::{Person, SERVER};
use super::state::{State, Todo};

/// What a server asks for, and what it may use.
pub(super) const GUARANTEE: u64 = 768 << 20;
const CPU: &str = "50m";
const LIMIT: u64 = 2 << 30;
/// From a bound pod to a server that answers, in milliseconds, when the image is there.
const STARTS: (u64, u64) = (4_000, 12_000);
/// The taint of nodes that are kept for servers.
const DEDICATED: &str = "hub.jupyter.org_dedicated";

/// How a container that does not run yet says so.
fn unstarted(image: &str, reason: &str) -> Value {
    json!([{"name": "notebook", "image": image, "imageID": "", "ready": false,
        "started": false, "restartCount": 0, "state": {"waiting": {"reason": reason}}}])
}

fn condition(kind: &str, holds: bool, at: Timestamp) -> Value {
    let status = if holds { "True" } else { "False" };
    json!({"type": kind, "status": status, "lastTransitionTime": stamp(at)})
}

impl Person {
    /// Their pod as the hub's `KubeSpawner` asks for it.
    pub(super) fn waiting(&self) -> Value {
        let mut pod = self.running();
        if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
            spec.remove("nodeName");
        }
        set(&mut pod, "/status", json!({"phase": "Pending"}));
        pod
    }

    /// Their pod as it is while they can work.
    pub(super) fn running(&self) -> Value {
        let Self {
            namespace, user, ..
        } = self;
        let mut pod = Pod {
            namespace,
            name: &self.pod,
            node: &self.node,
            labels: json!({"app": "jupyterhub", "component": SERVER, "release": namespace,
                "heritage": "jupyterhub", "hub.jupyter.org/network-access-hub": "true",
                "hub.jupyter.org/servername": "", "hub.jupyter.org/username": user}),
            owner: None,
            containers: &[("notebook", &self.image)],
        }
        .running(self.started());
        let annotations = json!({"hub.jupyter.org/username": user,
            "hub.jupyter.org/servername": ""});
        set(&mut pod, "/metadata/annotations", annotations);
        set(
            &mut pod,
            "/metadata/creationTimestamp",
            json!(stamp(self.started())),
        );
        let resources = json!({"requests": {"cpu": CPU, "memory": GUARANTEE.to_string()},
            "limits": {"memory": LIMIT.to_string()}});
        set(&mut pod, "/spec/containers/0/resources", resources);
        set(&mut pod, "/spec/restartPolicy", json!("OnFailure"));
        set(&mut pod, "/spec/schedulerName", json!(scheduler(namespace)));
        let keep = [
            json!({"key": DEDICATED, "operator": "Equal", "value": "user",
            "effect": "NoSchedule"}),
        ];
        set(&mut pod, "/spec/tolerations", json!(keep));
        let purpose = json!({"hub.jupyter.org/node-purpose": "user"});
        set(&mut pod, "/spec/nodeSelector", purpose);
        pod
    }
}

fn scheduler(namespace: &str) -> String {
    format!("{namespace}-user-scheduler")
}

/// Why a node takes no server, as a scheduler says it; nothing when it takes some.
fn refuses(node: &Value) -> Option<String> {
    if text(node, "/metadata/labels/hub.jupyter.org~1node-purpose") != "user" {
        return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    if node.pointer("/spec/unschedulable") == Some(&json!(true)) {
        return Some("node(s) were unschedulable".to_owned());
    }
    let taints = node.pointer("/spec/taints").and_then(Value::as_array);
    let taint = taints.into_iter().flatten().find(|taint| {
        text(taint, "/effect") != "PreferNoSchedule" && text(taint, "/key") != DEDICATED
    })?;
    let (key, value) = (text(taint, "/key"), text(taint, "/value"));
    Some(format!("node(s) had untolerated taint {{{key}: {value}}}"))
}

/// A quantity of memory in bytes; those of this world are plain or in Ki.
fn bytes(quantity: &str) -> u64 {
    match quantity.strip_suffix("Ki") {
        Some(kibi) => kibi.parse().unwrap_or(0) << 10,
        None => quantity.parse().unwrap_or(0),
    }
}

/// A node and what is left of it.
struct Room {
    node: String,
    memory: u64,
    pods: u64,
}

impl State {
    /// The nodes that take servers, and why the others do not, each reason with how many say so.
    fn rooms(&self) -> (Vec<Room>, Vec<(u32, String)>) {
        let mut taken: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for pod in self.store.list("Pod") {
            let there = taken.entry(text(pod, "/spec/nodeName")).or_default();
            let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
            there.0 += 1;
            there.1 += (containers.into_iter().flatten())
                .map(|container| bytes(text(container, "/resources/requests/memory")))
                .sum::<u64>();
        }
        let (mut rooms, mut refusals) = (Vec::new(), BTreeMap::new());
        for node in self.store.list("Node") {
            let name = text(node, "/metadata/name");
            let (pods, memory) = taken.get(name).copied().unwrap_or_default();
            let most = bytes(text(node, "/status/allocatable/pods"));
            let room = Room {
                node: name.to_owned(),
                memory: bytes(text(node, "/status/allocatable/memory")).saturating_sub(memory),
                pods: most.saturating_sub(pods),
            };
            let refusal = refuses(node).or_else(|| match &room {
                Room { pods: 0, .. } => Some("Too many pods".to_owned()),
                Room { memory, .. } if *memory < GUARANTEE => {
                    Some("Insufficient memory".to_owned())
                }
                _ => None,
            });
            match refusal {
                Some(refusal) => *refusals.entry(refusal).or_insert(0) += 1,
                None => rooms.push(room),
            }
        }
        let refusals = refusals.into_iter().map(|(why, nodes)| (nodes, why));
        (rooms, refusals.collect())
    }

    /// Gives a node to everybody who waits for one, in the order they came; the autoscaler hears
    /// of those for whom there is none.
    pub(super) fn seat_people(&mut self, at: Timestamp) {
        let mut waiting: Vec<(i64, String)> = (self.people.iter())
            .filter(|(_, person)| person.node.is_empty())
            .map(|(key, person)| (person.started_ms, key.clone()))
            .collect();
        if waiting.is_empty() {
            return;
        }
        waiting.sort();
        let (mut rooms, refusals) = self.rooms();
        let total = self.store.list("Node").count();
        for (_, key) in waiting {
            rooms.retain(|room| room.pods > 0 && room.memory >= GUARANTEE);
            match rooms.iter_mut().min_by_key(|room| (room.memory, room.pods)) {
                Some(room) => {
                    room.pods -= 1;
                    room.memory -= GUARANTEE;
                    let node = room.node.clone();
                    self.bind(&key, &node, at);
                }
                None => self.keep_waiting(&key, &refusals, total, at),
            }
        }
    }

    /// A server is given its node.
    pub(super) fn bind(&mut self, key: &str, node: &str, at: Timestamp) {
        let Some(person) = self.people.get_mut(key) else {
            return;
        };
        node.clone_into(&mut person.node);
        let (namespace, pod) = (person.namespace.clone(), person.pod.clone());
        let image = person.image.clone();
        self.store.edit("Pod", Some(&namespace), &pod, |pod| {
            set(pod, "/spec/nodeName", json!(node));
            let unready = ["ContainersReady", "Ready"].map(|kind| condition(kind, false, at));
            let mut conditions = ["PodScheduled", "Initialized"]
                .map(|kind| condition(kind, true, at))
                .to_vec();
            conditions.extend(unready);
            set(
                pod,
                "/status",
                json!({"phase": "Pending", "startTime": stamp(at),
                "conditions": conditions,
                "containerStatuses": unstarted(&image, "ContainerCreating")}),
            );
        });
        let message = format!("Successfully assigned {namespace}/{pod} to {node}");
        let source = scheduler(&namespace);
        let what = ("Normal", "Scheduled", source.as_str());
        self.event(("Pod", Some(&namespace), &pod), what, &message, at);
        let starts = self.soon(at, STARTS);
        self.plan(starts, Todo::StartPod { namespace, pod });
    }

    /// There is no room for a server.
    fn keep_waiting(&mut self, key: &str, refusals: &[(u32, String)], total: usize, at: Timestamp) {
        let Some(person) = self.people.get(key) else {
            return;
        };
        let (namespace, pod) = (person.namespace.clone(), person.pod.clone());
        let why: Vec<String> = (refusals.iter())
            .map(|(nodes, why)| format!("{nodes} {why}"))
            .collect();
        // Nodes that were filled a moment ago refuse nobody in the list made before.
        let why = if why.is_empty() {
            format!("{total} Insufficient memory")
        } else {
            why.join(", ")
        };
        let message = format!("0/{total} nodes are available: {why}.");
        let said = (self.store.get("Pod", Some(&namespace), &pod))
            .is_some_and(|pod| text(pod, "/status/conditions/0/message") == message);
        if said {
            return;
        }
        self.store.edit("Pod", Some(&namespace), &pod, |pod| {
            let mut unscheduled = condition("PodScheduled", false, at);
            if let Some(since) = pod.pointer("/status/conditions/0/lastTransitionTime") {
                set(&mut unscheduled, "/lastTransitionTime", since.clone());
            }
            set(&mut unscheduled, "/reason", json!("Unschedulable"));
            set(&mut unscheduled, "/message", json!(message));
            set(pod, "/status/conditions", json!([unscheduled]));
        });
        let source = scheduler(&namespace);
        let what = ("Warning", "FailedScheduling", source.as_str());
        self.event(("Pod", Some(&namespace), &pod), what, &message, at);
        self.want_nodes(at);
    }

    /// A server's container has started.
    pub(super) fn serve(&mut self, person: &Person, at: Timestamp) {
        let mut status = person.running();
        let status = status
            .get_mut("status")
            .map(Value::take)
            .unwrap_or_default();
        let (namespace, pod) = (person.namespace.as_str(), person.pod.as_str());
        self.store.edit("Pod", Some(namespace), pod, |pod| {
            let began = pod.pointer("/status/startTime").cloned();
            set(pod, "/status", status);
            set(pod, "/status/startTime", began.unwrap_or_default());
            set(
                pod,
                "/status/containerStatuses/0/state",
                json!({"running": {"startedAt": stamp(at)}}),
            );
            for i in 0..4 {
                set(
                    pod,
                    &format!("/status/conditions/{i}/lastTransitionTime"),
                    json!(stamp(at)),
                );
            }
        });
        self.await_answer(person, at);
    }
}
