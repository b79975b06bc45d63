//! Whose a pod is, and whether it is as it should be.

use crate::event::Tone;

/// The pods of people's servers; the hub names them so.
const USER: &str = "jupyter-";

/// Whose a pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::k8s) enum Group {
    /// The hub's own, by this prefix.
    Hub(usize),
    /// A person's server.
    User,
    /// Neither.
    Other,
}

/// Whose a pod of this name is.
pub(in crate::k8s) fn group(name: &str, hub: &[String]) -> Group {
    let prefix = hub.iter().position(|prefix| name.starts_with(prefix));
    match prefix {
        Some(at) => Group::Hub(at),
        None if name.starts_with(USER) => Group::User,
        None => Group::Other,
    }
}

/// What a pod of this status is on its way to or from.
const PASSING: [&str; 6] = [
    "Pending",
    "ContainerCreating",
    "PodInitializing",
    "Terminating",
    "SchedulingGated",
    "NotReady",
];

/// How a pod is to be taken, by what `kubectl get pods` says of it; none when all is well.
pub(in crate::k8s) fn tone(ready: &str, status: &str) -> Option<Tone> {
    let all_ready = ready.split_once('/').is_some_and(|(is, of)| is == of);
    match status {
        "Running" if all_ready => None,
        "Running" => Some(Tone::Warning),
        "Completed" | "Succeeded" => None,
        status if PASSING.contains(&status) => Some(Tone::Warning),
        // `Init:1/2`, but not `Init:Error`.
        status => match status.strip_prefix("Init:") {
            Some(far) if far.contains('/') => Some(Tone::Warning),
            Some(_) | None => Some(Tone::Alarm),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_needs_somebody_is_told_from_one_that_needs_time() {
        for (ready, status, expected) in [
            ("1/1", "Running", None),
            ("1/2", "Running", Some(Tone::Warning)),
            ("0/1", "Completed", None),
            ("0/1", "Init:1/2", Some(Tone::Warning)),
            ("0/1", "Pending", Some(Tone::Warning)),
            ("0/1", "Init:ImagePullBackOff", Some(Tone::Alarm)),
            ("0/1", "CrashLoopBackOff", Some(Tone::Alarm)),
            ("0/1", "Evicted", Some(Tone::Alarm)),
            ("1/1", "Terminating", Some(Tone::Warning)),
        ] {
            assert_eq!(tone(ready, status), expected, "{ready} {status}");
        }
    }

    #[test]
    fn the_configured_prefixes_say_what_is_the_hubs() {
        let hub = ["hub-".to_owned(), "proxy-".to_owned()];
        assert_eq!(group("proxy-6c5b", &hub), Group::Hub(1));
        assert_eq!(group("jupyter-ann", &hub), Group::User);
        assert_eq!(group("user-scheduler-1", &hub), Group::Other);
        assert_eq!(group("hubble", &hub), Group::Other);
    }
}
