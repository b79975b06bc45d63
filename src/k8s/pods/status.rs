//! What `kubectl get pods` makes of a pod (`printPod` of Kubernetes' printers.go, 1.32).

use jiff::Timestamp;

use super::super::object::{Condition, ContainerStatus, PodSpec, PodStatus, Terminated};

/// READY, STATUS and RESTARTS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    /// How many containers are ready, of how many.
    pub(super) ready: (u16, u16),
    pub(super) says: String,
    pub(super) restarts: u32,
    /// When the last of them was.
    pub(super) restarted: Option<Timestamp>,
}

impl Status {
    pub(super) fn of(spec: &PodSpec, status: &PodStatus, deleting: bool) -> Self {
        let mut seen = Self {
            ready: (0, short(spec.containers.len())),
            says: first([&status.reason, &status.phase]),
            restarts: 0,
            restarted: None,
        };
        if holds(&status.conditions, |c| {
            c.kind == "PodScheduled" && c.reason == "SchedulingGated"
        }) {
            "SchedulingGated".clone_into(&mut seen.says);
        }
        let stays = |name: &str| {
            let mut init = spec.init_containers.iter();
            init.any(|c| c.name == name && c.restart_policy == "Always")
        };
        let sidecars = spec.init_containers.iter().filter(|c| stays(&c.name));
        seen.ready.1 += short(sidecars.count());
        let initialized = |c: &Condition| c.kind == "Initialized" && c.status == "True";
        let initializing = seen.initializing(spec, status, stays);
        if !initializing || holds(&status.conditions, initialized) {
            // Of init containers only those that stay count once the others are over.
            (seen.restarts, seen.restarted) = (0, None);
            let init = status.init_container_statuses.iter();
            init.filter(|c| stays(&c.name)).for_each(|c| seen.count(c));
            seen.running(status);
        }
        if deleting && status.reason == "NodeLost" {
            "Unknown".clone_into(&mut seen.says);
        } else if deleting && !matches!(status.phase.as_str(), "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut seen.says);
        }
        seen
    }

    /// Looks at init containers up to the first that is not over; says whether there is one.
    fn initializing(
        &mut self,
        spec: &PodSpec,
        status: &PodStatus,
        stays: impl Fn(&str) -> bool,
    ) -> bool {
        for (at, container) in status.init_container_statuses.iter().enumerate() {
            self.count(container);
            let state = &container.state;
            let waits = state
                .waiting
                .as_ref()
                .map(|waiting| waiting.reason.as_str());
            self.says = match (&state.terminated, waits) {
                (Some(ended), _) if ended.exit_code == 0 => continue,
                _ if stays(&container.name) && container.started == Some(true) => {
                    self.ready.0 += u16::from(container.ready);
                    continue;
                }
                (Some(ended), _) => format!("Init:{}", ending(ended)),
                (None, Some(reason)) if !["", "PodInitializing"].contains(&reason) => {
                    format!("Init:{reason}")
                }
                (None, _) => format!("Init:{at}/{}", spec.init_containers.len()),
            };
            return true;
        }
        false
    }

    /// Looks at the containers themselves; what the first of them waits for says most.
    fn running(&mut self, status: &PodStatus) {
        let mut running = false;
        for container in status.container_statuses.iter().rev() {
            self.count(container);
            let state = &container.state;
            let waits = state.waiting.as_ref().filter(|w| !w.reason.is_empty());
            if let Some(waiting) = waits {
                self.says.clone_from(&waiting.reason);
            } else if let Some(ended) = &state.terminated {
                self.says = ending(ended);
            } else if container.ready && state.running.is_some() {
                running = true;
                self.ready.0 += 1;
            }
        }
        if self.says == "Completed" && running {
            let ready = |c: &Condition| c.kind == "Ready" && c.status == "True";
            let says = if holds(&status.conditions, ready) {
                "Running"
            } else {
                "NotReady"
            };
            says.clone_into(&mut self.says);
        }
    }

    fn count(&mut self, container: &ContainerStatus) {
        self.restarts = self.restarts.saturating_add(container.restarts);
        let ended = container.last.terminated.as_ref();
        let at = ended.and_then(|ended| ended.finished_at.as_ref());
        self.restarted = self.restarted.max(at.map(|time| time.0));
    }
}

fn ending(ended: &Terminated) -> String {
    match (ended.reason.as_str(), ended.signal) {
        ("", 0) => format!("ExitCode:{}", ended.exit_code),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn holds(conditions: &[Condition], what: impl FnMut(&Condition) -> bool) -> bool {
    conditions.iter().any(what)
}

fn first(words: [&String; 2]) -> String {
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    words
        .next()
        .cloned()
        .unwrap_or_else(|| "Unknown".to_owned())
}

fn short(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// `1/1 Running 0`, of a pod as the API server has it.
    fn shown(spec: Value, status: Value, deleting: bool) -> String {
        let spec = serde_json::from_value(spec).unwrap();
        let status = serde_json::from_value(status).unwrap();
        let Status {
            ready: (is, of),
            says,
            restarts,
            restarted,
        } = Status::of(&spec, &status, deleting);
        let at = restarted.map_or_else(String::new, |at| format!(" at {at}"));
        format!("{is}/{of} {says} {restarts}{at}")
    }

    fn running() -> Value {
        json!({ "name": "notebook", "ready": true, "state": { "running": {} } })
    }

    #[test]
    fn a_running_pod() {
        let spec = json!({ "containers": [{}] });
        let status = json!({ "phase": "Running", "containerStatuses": [running()] });
        assert_eq!(shown(spec.clone(), status.clone(), false), "1/1 Running 0");
        assert_eq!(shown(spec.clone(), status, true), "1/1 Terminating 0");
        let evicted = json!({ "phase": "Failed", "reason": "Evicted" });
        assert_eq!(shown(spec.clone(), evicted, true), "0/1 Evicted 0");
        let gated = json!({ "phase": "Pending", "conditions": [
            { "type": "PodScheduled", "status": "False", "reason": "SchedulingGated" }] });
        assert_eq!(shown(spec, gated, false), "0/1 SchedulingGated 0");
    }

    #[test]
    fn a_restarted_container_says_when() {
        let spec = json!({ "containers": [{}, {}] });
        let crashed = json!({ "name": "b", "ready": false, "restartCount": 2,
            "state": { "waiting": { "reason": "CrashLoopBackOff" } },
            "lastState": { "terminated": { "exitCode": 1, "finishedAt": "2026-01-15T12:00:00Z" } } });
        let status = json!({ "phase": "Running", "containerStatuses": [running(), crashed] });
        assert_eq!(
            shown(spec, status, false),
            "1/2 CrashLoopBackOff 2 at 2026-01-15T12:00:00Z"
        );
    }

    #[test]
    fn init_containers_say_how_far_they_are() {
        let spec =
            json!({ "containers": [{}], "initContainers": [{ "name": "a" }, { "name": "b" }] });
        let over = json!({ "name": "a", "state": { "terminated": { "exitCode": 0 } } });
        let init = |state: Value| json!({ "phase": "Pending", "initContainerStatuses": [over, { "name": "b", "state": state }] });
        for (state, says) in [
            (
                json!({ "waiting": { "reason": "PodInitializing" } }),
                "Init:1/2",
            ),
            (
                json!({ "waiting": { "reason": "ImagePullBackOff" } }),
                "Init:ImagePullBackOff",
            ),
            (
                json!({ "terminated": { "exitCode": 3 } }),
                "Init:ExitCode:3",
            ),
            (
                json!({ "terminated": { "exitCode": 1, "reason": "Error" } }),
                "Init:Error",
            ),
        ] {
            assert_eq!(
                shown(spec.clone(), init(state), false),
                format!("0/1 {says} 0")
            );
        }
    }

    #[test]
    fn a_sidecar_counts_among_the_containers() {
        let spec = json!({ "containers": [{}],
            "initContainers": [{ "name": "proxy", "restartPolicy": "Always" }] });
        let status = json!({ "phase": "Running", "containerStatuses": [running()],
            "initContainerStatuses": [{ "name": "proxy", "ready": true, "started": true,
                "restartCount": 1, "state": { "running": {} } }] });
        assert_eq!(shown(spec, status, false), "2/2 Running 1");
    }

    #[test]
    fn a_container_that_is_over_beside_one_that_runs() {
        let spec = json!({ "containers": [{}, {}] });
        let over = json!({ "name": "a", "state": { "terminated": { "exitCode": 0, "reason": "Completed" } } });
        let status = |ready: &str| {
            json!({ "phase": "Running", "containerStatuses": [over, running()],
                "conditions": [{ "type": "Ready", "status": ready }] })
        };
        assert_eq!(shown(spec.clone(), status("True"), false), "1/2 Running 0");
        assert_eq!(shown(spec, status("False"), false), "1/2 NotReady 0");
    }
}
