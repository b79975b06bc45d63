//! Events that explain why a wait takes its time.

use jiff::Timestamp;

use super::object::EventObject;

/// Why no node comes.
const SCALE_UP: [&str; 3] = ["FailedScaleUp", "NotTriggerScaleUp", "ScaleUpTimedOut"];

/// Why a node is not usable.
const NODE: [&str; 5] = [
    "NodeNotReady",
    "NodeHasDiskPressure",
    "NodeHasInsufficientMemory",
    "SystemOOM",
    "Rebooted",
];

/// How the kubelet begins when it cannot get an image.
const PULL: [&str; 2] = ["Failed to pull image", "Failed to apply default image tag"];

/// What an event explains.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// That no node comes.
    ScaleUp,
    /// That this node is not usable.
    Node(String),
    /// That this pod (namespace, name) does not get its image.
    Pod(String, String),
}

/// An event; `about` is none when it explains nothing.
#[derive(Debug, Clone)]
pub(super) struct Explanation {
    pub(super) about: Option<About>,
    pub(super) at: Option<Timestamp>,
    pub(super) text: String,
}

impl From<EventObject> for Explanation {
    fn from(event: EventObject) -> Self {
        let at = event.at();
        let reason = event.reason.as_str();
        let pull = || PULL.iter().any(|start| event.message.starts_with(start));
        let object = event.involved_object;
        let about = if SCALE_UP.contains(&reason) {
            Some(About::ScaleUp)
        } else if object.kind == "Node" && NODE.contains(&reason) {
            Some(About::Node(object.name))
        } else if object.kind == "Pod" && pull() {
            Some(About::Pod(object.namespace, object.name))
        } else {
            None
        };
        // Thousands of events explain nothing: they must not be kept whole.
        let text = about
            .as_ref()
            .map_or_else(String::new, |_| format!("{reason}: {}", event.message));
        Self { about, at, text }
    }
}
