//! The image pullers of the hubs: on each user node one pod per hub, whose init containers make
//! the node hold the images people will need. Most of a warm-up is spent here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::Trouble;
use super::fetch::not_found;
use super::objects::{Pod, controller, is_of_node, set, stamp, text};
use super::pools::Stage;
use super::state::{Fetching, Pulling, State, Todo, later};

pub(super) const PULLER: &str = "continuous-image-puller";

/// How long things take, in milliseconds: least and most.
const TOOLS_PULL: (u64, u64) = (15_000, 30_000);
const NOTEBOOK_PULL: (u64, u64) = (1_100_000, 1_215_000);
const NOT_FOUND: (u64, u64) = (1_500, 3_000);
/// The kubelet reports new images with its next status.
const REPORT: (u64, u64) = (2_000, 5_000);
const BACK_OFF: u64 = 12_000;
const TOOLS_BYTES: u64 = 21_474_836;
pub(super) const NOTEBOOK_BYTES: u64 = 4_187_593_113;
/// After so many tries the world stops counting them: nothing new would be seen.
const TRIES: u32 = 6;

/// A puller's container, or what it is known to be called.
fn named(container: &Value) -> (&str, &str) {
    (text(container, "/name"), text(container, "/image"))
}

/// A pod that makes a node hold images.
struct Puller {
    namespace: String,
    name: String,
    /// The small image of its first container.
    tools: Option<String>,
    /// The image people work in.
    notebook: Option<String>,
}

/// The image of the first container of a puller.
const TOOLS: fn(Puller) -> Option<String> = |puller| puller.tools;
/// The image people work in.
const NOTEBOOK: fn(Puller) -> Option<String> = |puller| puller.notebook;

/// The containers of a puller pod that hold what is pulled; its last one is the notebook image.
fn pulling(pod: &Value) -> Vec<(&str, &str)> {
    let containers = pod
        .pointer("/spec/initContainers")
        .and_then(Value::as_array);
    containers.into_iter().flatten().map(named).collect()
}

/// The status of a puller pod at a step.
fn status(pod: &Value, step: Pulling, at: Timestamp) -> Value {
    let (first, notebook) = {
        let mut all = pulling(pod);
        let last = all.pop().unwrap_or_default();
        (all, last)
    };
    let pause = named(pod.pointer("/spec/containers/0").unwrap_or(&Value::Null));
    let waiting = |reason: &str| json!({"waiting": {"reason": reason}});
    let done = json!({"terminated": {"exitCode": 0, "reason": "Completed",
        "startedAt": stamp(at), "finishedAt": stamp(at)}});
    let initializing = waiting("PodInitializing");
    let (tools, pulled) = match step {
        Pulling::Bound | Pulling::Tools => (initializing.clone(), initializing.clone()),
        Pulling::Notebook { .. } => (done.clone(), initializing.clone()),
        Pulling::Failing { .. } => {
            let failed =
                json!({"waiting": {"reason": "ErrImagePull", "message": not_found(notebook.1)}});
            (done.clone(), failed)
        }
        Pulling::BackingOff { .. } => {
            let message = format!(
                "Back-off pulling image \"{}\": ErrImagePull: {}",
                notebook.1,
                not_found(notebook.1)
            );
            (
                done.clone(),
                json!({"waiting": {"reason": "ImagePullBackOff", "message": message}}),
            )
        }
        Pulling::Done { .. } => (done.clone(), done.clone()),
    };
    let ready = matches!(step, Pulling::Done { .. });
    let container = |(name, image): (&str, &str), state: Value| {
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
        "initContainerStatuses": first.into_iter()
            .map(|one| container(one, tools.clone()))
            .chain([container(notebook, pulled)])
            .collect::<Vec<_>>(),
        "containerStatuses": [container(pause, pausing)],
    })
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
        let normal = |reason| ("Normal", reason);
        let warning = |reason| ("Warning", reason);
        match step {
            Pulling::Bound => self.bind_pullers(node, at),
            Pulling::Tools => {
                self.pull_event(node, TOOLS, normal("Pulling"), at, |image| {
                    format!("Pulling image \"{image}\"")
                });
                let took_ms = self.chance.between(TOOLS_PULL);
                self.pull_later(node, Pulling::Notebook { took_ms }, later(at, took_ms));
            }
            Pulling::Notebook { took_ms } => {
                self.pull_event(node, TOOLS, normal("Pulled"), at, |image| {
                    pulled(image, took_ms, TOOLS_BYTES)
                });
                for image in self.pulled_on(node, TOOLS) {
                    self.hold_image(node, &image, TOOLS_BYTES);
                }
                self.pull_notebook(node, at);
            }
            Pulling::Failing { tries } => {
                self.pull_event(node, NOTEBOOK, warning("Failed"), at, |image| {
                    format!("Failed to pull image \"{image}\": {}", not_found(image))
                });
                self.pull_event(node, NOTEBOOK, warning("Failed"), at, |_| {
                    "Error: ErrImagePull".to_owned()
                });
                self.pull_later(node, Pulling::BackingOff { tries }, later(at, BACK_OFF));
            }
            Pulling::BackingOff { tries } => {
                self.pull_event(node, NOTEBOOK, normal("BackOff"), at, |image| {
                    format!("Back-off pulling image \"{image}\"")
                });
                self.pull_event(node, NOTEBOOK, warning("Failed"), at, |_| {
                    "Error: ImagePullBackOff".to_owned()
                });
                if tries < TRIES {
                    let again = later(at, 10_000 << tries);
                    self.pull_later(node, Pulling::Failing { tries: tries + 1 }, again);
                }
            }
            Pulling::Done { took_ms } => self.pulled_all(node, took_ms, at),
        }
        for puller in self.pullers(node) {
            let (namespace, name) = (puller.namespace, puller.name);
            self.store.edit("Pod", Some(&namespace), &name, |pod| {
                let began = pod.pointer("/status/startTime").cloned();
                let status = status(pod, step, at);
                set(pod, "/status", status);
                if let Some(began) = began {
                    set(pod, "/status/startTime", began);
                }
            });
        }
        self.count_daemons();
    }

    /// The notebook images are there: whoever waited for them starts.
    fn pulled_all(&mut self, node: &str, took_ms: u64, at: Timestamp) {
        self.pull_event(node, NOTEBOOK, ("Normal", "Pulled"), at, |image| {
            pulled(image, took_ms, NOTEBOOK_BYTES)
        });
        self.pull_event(node, NOTEBOOK, ("Normal", "Started"), at, |_| {
            "Started container pause".to_owned()
        });
        for image in self.pulled_on(node, NOTEBOOK) {
            self.hold_image(node, &image, NOTEBOOK_BYTES);
            let node = node.to_owned();
            self.start_waiting(&Fetching { node, image }, None, at);
        }
    }

    fn pull_later(&mut self, node: &str, step: Pulling, at: Timestamp) {
        let node = node.to_owned();
        self.plan(at, Todo::Pull { node, step });
    }

    fn pull_notebook(&mut self, node: &str, at: Timestamp) {
        self.pull_event(node, NOTEBOOK, ("Normal", "Pulling"), at, |image| {
            format!("Pulling image \"{image}\"")
        });
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
        let daemons: Vec<Value> = (self.store.list("DaemonSet"))
            .filter(|daemon| text(daemon, "/metadata/labels/component") == PULLER)
            .cloned()
            .collect();
        for daemon in daemons {
            let namespace = text(&daemon, "/metadata/namespace");
            let owner = text(&daemon, "/metadata/name");
            let name = format!("{owner}-{}", self.chance.suffix(5));
            let of = |pointer| daemon.pointer(pointer).cloned().unwrap_or_default();
            let pause = of("/spec/template/spec/containers/0");
            let mut pod = Pod {
                namespace,
                name: &name,
                node,
                labels: of("/spec/template/metadata/labels"),
                owner: Some(("DaemonSet", owner)),
                containers: &[named(&pause)],
            }
            .running(at);
            let mut init = of("/spec/template/spec/initContainers");
            for container in init.as_array_mut().into_iter().flatten() {
                set(container, "/imagePullPolicy", json!("IfNotPresent"));
                let command = json!(["/bin/sh", "-c", "echo \"Pulling complete\""]);
                set(container, "/command", command);
            }
            set(&mut pod, "/spec/initContainers", init);
            set(&mut pod, "/spec/terminationGracePeriodSeconds", json!(0));
            let status = status(&pod, Pulling::Bound, at);
            set(&mut pod, "/status", status);
            self.store.put(pod, at);
            let message = format!("Successfully assigned {namespace}/{name} to {node}");
            let what = ("Normal", "Scheduled", "default-scheduler");
            self.event(("Pod", Some(namespace), &name), what, &message, at);
        }
    }

    /// A node's image pullers.
    fn pullers(&self, node: &str) -> Vec<Puller> {
        let pods =
            (self.pods_on(node)).filter(|pod| text(pod, "/metadata/labels/component") == PULLER);
        pods.map(|pod| {
            let mut images = pulling(pod).into_iter().map(|(_, image)| image.to_owned());
            let notebook = images.next_back();
            Puller {
                namespace: text(pod, "/metadata/namespace").to_owned(),
                name: text(pod, "/metadata/name").to_owned(),
                tools: images.next(),
                notebook,
            }
        })
        .collect()
    }

    /// The images that a node's pullers pull, each once.
    fn pulled_on(&self, node: &str, which: fn(Puller) -> Option<String>) -> BTreeSet<String> {
        self.pullers(node).into_iter().filter_map(which).collect()
    }

    /// Whether a node's pullers pull this image, and so tell when it is there.
    pub(super) fn is_pulled(&self, node: &str, image: &str) -> bool {
        self.pulled_on(node, NOTEBOOK).contains(image)
    }

    /// The kubelet tells of the images that a node's pullers pull.
    fn pull_event(
        &mut self,
        node: &str,
        which: fn(Puller) -> Option<String>,
        what: (&str, &str),
        at: Timestamp,
        message: impl Fn(&str) -> String,
    ) {
        for puller in self.pullers(node) {
            let (namespace, name) = (puller.namespace.clone(), puller.name.clone());
            if let Some(image) = which(puller) {
                self.kubelet((&namespace, &name), what, &message(&image), at);
            }
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
