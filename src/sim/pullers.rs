//! The image pullers of the hubs: on each user node one pod per hub, whose init containers make
//! the node hold the images people will need. Most of a warm-up is spent here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::Trouble;
use super::objects::{NOTEBOOK, Pod, TOOLS, controller, is_of_node, set, stamp, text};
use super::pools::Stage;
use super::state::{Fetching, Pulling, State, Todo, later};

/// The namespaces with a hub in them.
pub(super) const HUBS: [&str; 2] = ["prod", "staging"];
pub(super) const PULLER: &str = "continuous-image-puller";
const PAUSE: &str = "registry.k8s.io/pause:3.10";

/// How long things take, in milliseconds: least and most.
const TOOLS_PULL: (u64, u64) = (15_000, 30_000);
const NOTEBOOK_PULL: (u64, u64) = (1_100_000, 1_215_000);
const NOT_FOUND: (u64, u64) = (1_500, 3_000);
/// The kubelet reports new images with its next status.
const REPORT: (u64, u64) = (2_000, 5_000);
const BACK_OFF: u64 = 12_000;
/// After so many tries the world stops counting them: nothing new would be seen.
const TRIES: u32 = 6;

/// The status of a puller pod at a step.
fn status(step: Pulling, at: Timestamp) -> Value {
    let waiting = |reason: &str| json!({"waiting": {"reason": reason}});
    let done = json!({"terminated": {"exitCode": 0, "reason": "Completed",
        "startedAt": stamp(at), "finishedAt": stamp(at)}});
    let initializing = waiting("PodInitializing");
    let (first, second) = match step {
        Pulling::Bound | Pulling::Tools => (initializing.clone(), initializing.clone()),
        Pulling::Notebook { .. } => (done.clone(), initializing.clone()),
        Pulling::Failing { .. } => {
            let failed = json!({"waiting": {"reason": "ErrImagePull", "message": not_found()}});
            (done.clone(), failed)
        }
        Pulling::BackingOff { .. } => {
            let message = format!(
                "Back-off pulling image \"{NOTEBOOK}\": ErrImagePull: {}",
                not_found()
            );
            (
                done.clone(),
                json!({"waiting": {"reason": "ImagePullBackOff", "message": message}}),
            )
        }
        Pulling::Done { .. } => (done.clone(), done.clone()),
    };
    let ready = matches!(step, Pulling::Done { .. });
    let container = |name: &str, image: &str, state: Value| {
        let finished = state.get("terminated").is_some() || state.get("running").is_some();
        json!({"name": name, "image": image, "imageID": "", "ready": finished,
            "started": finished, "restartCount": 0, "state": state})
    };
    let pausing = if ready {
        json!({"running": {"startedAt": stamp(at)}})
    } else {
        initializing
    };
    let truth = |yes: bool| if yes { "True" } else { "False" };
    let condition = |kind: &str, yes: bool, reason: Option<&str>| {
        let (status, since) = (truth(yes), stamp(at));
        match reason {
            Some(reason) => json!({"type": kind, "status": status, "reason": reason,
                                   "lastTransitionTime": since}),
            None => json!({"type": kind, "status": status, "lastTransitionTime": since}),
        }
    };
    let unready = (!ready).then_some("ContainersNotReady");
    json!({
        "phase": if ready { "Running" } else { "Pending" }, "startTime": stamp(at),
        "conditions": [
            condition("PodScheduled", true, None),
            condition("Initialized", ready, (!ready).then_some("ContainersNotInitialized")),
            condition("ContainersReady", ready, unready), condition("Ready", ready, unready),
        ],
        "initContainerStatuses": [
            container("image-pull-metadata-block", TOOLS, first),
            container("image-pull-singleuser", NOTEBOOK, second),
        ],
        "containerStatuses": [container("pause", PAUSE, pausing)],
    })
}

fn not_found() -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \
         \"docker.io/{NOTEBOOK}\": failed to resolve reference \"docker.io/{NOTEBOOK}\": \
         docker.io/{NOTEBOOK}: not found"
    )
}

/// A length of time as the kubelet writes it: `17m31.204s`.
fn went(millis: u64) -> String {
    let (minutes, seconds, rest) = (millis / 60_000, millis / 1000 % 60, millis % 1000);
    match minutes {
        0 => format!("{seconds}.{rest:03}s"),
        _ => format!("{minutes}m{seconds}.{rest:03}s"),
    }
}

pub(super) fn pulled(image: &str, took_ms: u64, bytes: u64) -> String {
    let took = went(took_ms);
    format!(
        "Successfully pulled image \"{image}\" in {took} ({took} including waiting). \
         Image size: {bytes} bytes."
    )
}

impl State {
    /// The next step of a node's image pullers.
    pub(super) fn pull(&mut self, node: &str, step: Pulling, at: Timestamp) {
        let here = self.home(node).is_some_and(|(pool, instance)| {
            pool.purpose == "user" && instance.stage != Stage::Leaving
        });
        if !here {
            return;
        }
        match step {
            Pulling::Bound => self.bind_pullers(node, at),
            Pulling::Tools => {
                self.puller_event(
                    node,
                    ("Normal", "Pulling"),
                    &format!("Pulling image \"{TOOLS}\""),
                    at,
                );
                let took_ms = self.chance.between(TOOLS_PULL);
                self.pull_later(node, Pulling::Notebook { took_ms }, later(at, took_ms));
            }
            Pulling::Notebook { took_ms } => {
                self.puller_event(
                    node,
                    ("Normal", "Pulled"),
                    &pulled(TOOLS, took_ms, 21_474_836),
                    at,
                );
                self.hold_image(node, TOOLS, 21_474_836);
                self.pull_notebook(node, at);
            }
            Pulling::Failing { tries } => {
                let failed = format!("Failed to pull image \"{NOTEBOOK}\": {}", not_found());
                self.puller_event(node, ("Warning", "Failed"), &failed, at);
                self.puller_event(node, ("Warning", "Failed"), "Error: ErrImagePull", at);
                self.pull_later(node, Pulling::BackingOff { tries }, later(at, BACK_OFF));
            }
            Pulling::BackingOff { tries } => {
                let message = format!("Back-off pulling image \"{NOTEBOOK}\"");
                self.puller_event(node, ("Normal", "BackOff"), &message, at);
                self.puller_event(node, ("Warning", "Failed"), "Error: ImagePullBackOff", at);
                if tries < TRIES {
                    let again = later(at, 10_000 << tries);
                    self.pull_later(node, Pulling::Failing { tries: tries + 1 }, again);
                }
            }
            Pulling::Done { took_ms } => {
                self.puller_event(
                    node,
                    ("Normal", "Pulled"),
                    &pulled(NOTEBOOK, took_ms, 4_187_593_113),
                    at,
                );
                self.puller_event(node, ("Normal", "Started"), "Started container pause", at);
                self.hold_image(node, &format!("docker.io/{NOTEBOOK}"), 4_187_593_113);
                let (node, image) = (node.to_owned(), NOTEBOOK.to_owned());
                self.start_waiting(&Fetching { node, image }, None, at);
            }
        }
        for (namespace, name) in self.pullers(node) {
            self.store.edit("Pod", Some(&namespace), &name, |pod| {
                let began = pod.pointer("/status/startTime").cloned();
                set(pod, "/status", status(step, at));
                if let Some(began) = began {
                    set(pod, "/status/startTime", began);
                }
            });
        }
        self.count_daemons();
    }

    fn pull_later(&mut self, node: &str, step: Pulling, at: Timestamp) {
        let node = node.to_owned();
        self.plan(at, Todo::Pull { node, step });
    }

    fn pull_notebook(&mut self, node: &str, at: Timestamp) {
        self.puller_event(
            node,
            ("Normal", "Pulling"),
            &format!("Pulling image \"{NOTEBOOK}\""),
            at,
        );
        if self.strikes(Trouble::ImageMissing, at) {
            let fails = self.soon(at, NOT_FOUND);
            return self.pull_later(node, Pulling::Failing { tries: 1 }, fails);
        }
        let slow = self.strikes(Trouble::SlowImage, at);
        let took_ms = self.chance.between(NOTEBOOK_PULL) * if slow { 3 } else { 1 };
        let reported = self.soon(later(at, took_ms), REPORT);
        self.pull_later(node, Pulling::Done { took_ms }, reported);
    }

    fn bind_pullers(&mut self, node: &str, at: Timestamp) {
        for namespace in HUBS {
            let name = format!("{PULLER}-{}", self.chance.suffix(5));
            let mut pod = Pod {
                namespace,
                name: &name,
                node,
                labels: json!({"app": "jupyterhub", "component": PULLER, "release": namespace}),
                owner: Some(("DaemonSet", PULLER)),
                containers: &[("pause", PAUSE)],
            }
            .running(at);
            let init = [
                ("image-pull-metadata-block", TOOLS),
                ("image-pull-singleuser", NOTEBOOK),
            ]
            .map(|(name, image)| {
                json!({"name": name, "image": image, "imagePullPolicy": "IfNotPresent",
                        "command": ["/bin/sh", "-c", "echo \"Pulling complete\""]})
            });
            set(&mut pod, "/spec/initContainers", json!(init));
            set(&mut pod, "/spec/terminationGracePeriodSeconds", json!(0));
            set(&mut pod, "/status", status(Pulling::Bound, at));
            self.store.put(pod, at);
            let message = format!("Successfully assigned {namespace}/{name} to {node}");
            let what = ("Normal", "Scheduled", "default-scheduler");
            self.event(("Pod", Some(namespace), &name), what, &message, at);
        }
    }

    /// Namespace and name of a node's image pullers.
    fn pullers(&self, node: &str) -> Vec<(String, String)> {
        self.pods_on(node)
            .filter(|pod| text(pod, "/metadata/labels/component") == PULLER)
            .map(|pod| {
                (
                    text(pod, "/metadata/namespace").to_owned(),
                    text(pod, "/metadata/name").to_owned(),
                )
            })
            .collect()
    }

    fn puller_event(
        &mut self,
        node: &str,
        (severity, reason): (&str, &str),
        message: &str,
        at: Timestamp,
    ) {
        for (namespace, name) in self.pullers(node) {
            let what = (severity, reason, "kubelet");
            self.event(("Pod", Some(&namespace), &name), what, message, at);
        }
    }

    /// Brings the `DaemonSet`s' own counts up to date.
    pub(super) fn count_daemons(&mut self) {
        let mut counts: BTreeMap<(String, String), (u32, u32)> = BTreeMap::new();
        for one in self.store.list("DaemonSet") {
            let of = |pointer| text(one, pointer).to_owned();
            counts.insert((of("/metadata/namespace"), of("/metadata/name")), (0, 0));
        }
        for pod in self.store.list("Pod").filter(|pod| is_of_node(pod)) {
            let owner = controller(pod).map_or("", |owner| text(owner, "/name"));
            let key = (
                text(pod, "/metadata/namespace").to_owned(),
                owner.to_owned(),
            );
            if let Some((count, ready)) = counts.get_mut(&key) {
                *count += 1;
                *ready += u32::from(text(pod, "/status/phase") == "Running");
            }
        }
        for ((namespace, name), (count, ready)) in counts {
            self.store.edit("DaemonSet", Some(&namespace), &name, |set_| {
                set(set_, "/status", json!({
                    "currentNumberScheduled": count, "desiredNumberScheduled": count,
                    "updatedNumberScheduled": count, "numberMisscheduled": 0, "numberReady": ready,
                    "numberAvailable": ready, "numberUnavailable": count - ready,
                    "observedGeneration": 1,
                }));
            });
        }
    }
}
