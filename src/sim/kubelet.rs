//! The kubelet: it runs the pods of its node once their images are there, or says why it cannot.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::Trouble;
use super::objects::{set, stamp, text};
use super::people::key;
use super::state::{State, Todo, later};

/// How long a pod runs that has nothing to do, and how long one that cannot, in milliseconds.
const RUNS: u64 = 1_000;
const CRASHES: (u64, u64) = (800, 1_600);
/// From a pod that is bound to one whose container may be started.
const ADMITS: (u64, u64) = (500, 1_500);
/// What the nodes run.
const ARCHITECTURE: &str = "amd64";

impl State {
    /// A pod that somebody has put on a node: its kubelet hears of it.
    pub(super) fn admit_pod(&mut self, namespace: &str, name: &str, at: Timestamp) {
        let Some(pod) = self.store.get("Pod", Some(namespace), name) else {
            return;
        };
        let node = text(pod, "/spec/nodeName").to_owned();
        if !text(pod, "/status/phase").is_empty() {
            return;
        }
        let container = waits(pod, "ContainerCreating", "");
        let bound = self.store.get("Node", None, &node).is_some();
        self.store.edit("Pod", Some(namespace), name, |pod| {
            let mut status = json!({"phase": "Pending"});
            if bound {
                set(&mut status, "/startTime", json!(stamp(at)));
                set(&mut status, "/containerStatuses", container);
            }
            set(pod, "/status", status);
        });
        if bound {
            let starts = self.soon(at, ADMITS);
            let (namespace, pod) = (namespace.to_owned(), name.to_owned());
            self.plan(starts, Todo::StartPod { namespace, pod });
        }
    }

    /// The container of a pod starts if its node holds the image; else the image is pulled first.
    pub(super) fn start_pod(&mut self, namespace: &str, name: &str, at: Timestamp) {
        let Some(pod) = self.store.get("Pod", Some(namespace), name) else {
            return;
        };
        if text(pod, "/status/phase") != "Pending" {
            return;
        }
        let node = text(pod, "/spec/nodeName").to_owned();
        let image = text(pod, "/spec/containers/0/image").to_owned();
        if !self.holds(&node, &image) {
            return self.fetch((namespace, name), &node, &image, at);
        }
        let message = format!("Container image \"{image}\" already present on machine");
        self.kubelet((namespace, name), ("Normal", "Pulled"), &message, at);
        self.run_pod(namespace, name, at);
    }

    /// A pod whose image is there runs, if it can.
    pub(super) fn run_pod(&mut self, namespace: &str, name: &str, at: Timestamp) {
        let Some(pod) = self.store.get("Pod", Some(namespace), name) else {
            return;
        };
        let image = text(pod, "/spec/containers/0/image").to_owned();
        let container = text(pod, "/spec/containers/0/name").to_owned();
        let ends = text(pod, "/spec/restartPolicy") == "Never";
        let person = self.people.get(&key(namespace, name)).cloned();
        if let Some(why) = self.unrunnable(&image, person.is_some(), at) {
            return self.crash_pod((namespace, name), &container, why, at);
        }
        for (reason, message) in [
            ("Created", format!("Created container: {container}")),
            ("Started", format!("Started container {container}")),
        ] {
            self.kubelet((namespace, name), ("Normal", reason), &message, at);
        }
        if let Some(person) = person {
            return self.serve(&person, at);
        }
        self.store.edit("Pod", Some(namespace), name, |pod| {
            set(pod, "/status/phase", json!("Running"));
            let running = json!({"running": {"startedAt": stamp(at)}});
            set(pod, "/status/containerStatuses/0/state", running);
        });
        if ends {
            let (namespace, pod) = (namespace.to_owned(), name.to_owned());
            self.plan(later(at, RUNS), Todo::FinishPod { namespace, pod });
        }
    }

    /// Why nothing runs in an image here; nothing when something does.
    fn unrunnable(&self, image: &str, serves: bool, at: Timestamp) -> Option<&'static str> {
        let known = self.looked_up(image).ok()??;
        if !known.runs_on(ARCHITECTURE, self.strikes(Trouble::WrongArch, at)) {
            return Some("exec /usr/local/bin/jupyterhub-singleuser: exec format error");
        }
        (serves && !known.serves).then_some(
            "failed to create containerd task: failed to create shim task: OCI runtime create \
             failed: runc create failed: unable to start container process: exec: \
             \"jupyterhub-singleuser\": executable file not found in $PATH: unknown",
        )
    }

    /// A pod that had nothing to do has done it.
    pub(super) fn finish_pod(&mut self, namespace: &str, name: &str, at: Timestamp) {
        self.store.edit("Pod", Some(namespace), name, |pod| {
            set(pod, "/status/phase", json!("Succeeded"));
            let done = json!({"terminated": {"exitCode": 0, "reason": "Completed",
                "startedAt": stamp(at), "finishedAt": stamp(at)}});
            set(pod, "/status/containerStatuses/0/state", done);
        });
    }

    /// A container that cannot do what it is told ends at once, again and again.
    fn crash_pod(
        &mut self,
        (namespace, name): (&str, &str),
        container: &str,
        why: &str,
        at: Timestamp,
    ) {
        let message = format!("Error: failed to start container \"{container}\": {why}");
        self.kubelet((namespace, name), ("Warning", "Failed"), &message, at);
        let again = self.soon(at, CRASHES);
        let message =
            format!("Back-off restarting failed container {container} in pod {name}_{namespace}");
        self.kubelet((namespace, name), ("Warning", "BackOff"), &message, again);
        let reason = ("CrashLoopBackOff", message.as_str());
        self.wait_for(namespace, name, reason);
        self.store.edit("Pod", Some(namespace), name, |pod| {
            set(pod, "/status/containerStatuses/0/restartCount", json!(1));
        });
    }

    /// The first container of a pod waits, for this reason.
    pub(super) fn wait_for(
        &mut self,
        namespace: &str,
        name: &str,
        (reason, message): (&str, &str),
    ) {
        self.store.edit("Pod", Some(namespace), name, |pod| {
            let container = waits(pod, reason, message);
            set(pod, "/status/containerStatuses", container);
        });
    }

    pub(super) fn kubelet(
        &mut self,
        (namespace, pod): (&str, &str),
        (severity, reason): (&str, &str),
        message: &str,
        at: Timestamp,
    ) {
        let what = (severity, reason, "kubelet");
        self.event(("Pod", Some(namespace), pod), what, message, at);
    }
}

/// The state of a pod's one container while it waits.
fn waits(pod: &Value, reason: &str, message: &str) -> Value {
    let mut waiting = json!({"reason": reason});
    if !message.is_empty() {
        set(&mut waiting, "/message", json!(message));
    }
    let of = |pointer| text(pod, pointer);
    json!([{"name": of("/spec/containers/0/name"), "image": of("/spec/containers/0/image"),
        "imageID": "", "ready": false, "started": false, "restartCount": 0,
        "state": {"waiting": waiting}}])
}
