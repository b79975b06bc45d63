//! A pod, as far as it keeps its node from going.

use std::collections::BTreeMap;

use super::super::object::PodObject;
use super::super::user::{SERVER, UserPod};

/// Says to the autoscaler that a pod must stay where it is.
const SAFE: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict";

/// Marks a pod that a kubelet made by itself.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// A pod on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Occupant {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) node: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) hold: Hold,
}

/// Whether it keeps its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hold {
    /// Somebody's server.
    Person(String),
    /// Nothing would start it again elsewhere.
    Lone,
    /// It says that it must not be evicted.
    Pinned,
    /// It can be started again elsewhere.
    Movable,
    /// It is ending already.
    Ending,
    /// It comes and goes with its node, or is over.
    Nothing,
}

impl From<PodObject> for Occupant {
    fn from(object: PodObject) -> Self {
        let meta = &object.metadata;
        let (key, value) = SERVER.split_once('=').unwrap_or_default();
        let labels = meta.labels.clone().unwrap_or_default();
        let annotation = |name: &str| meta.annotations.as_ref().and_then(|all| all.get(name));
        let owners = meta.owner_references.iter().flatten();
        let owner = owners
            .filter(|owner| owner.controller == Some(true))
            .map(|owner| owner.kind.as_str())
            .next();
        let phase = object.status.as_ref().map_or("", |status| &status.phase);
        let over = matches!(phase, "Succeeded" | "Failed");
        let of_node = matches!(owner, Some("DaemonSet" | "Node")) || annotation(MIRROR).is_some();
        let person = labels.get(key).is_some_and(|is| is == value);
        let safe = annotation(SAFE).map(String::as_str);
        let user = UserPod::from(object.clone());
        let hold = match (owner, safe) {
            _ if over || of_node => Hold::Nothing,
            _ if meta.deletion_timestamp.is_some() => Hold::Ending,
            _ if person => Hold::Person(user.user),
            (_, Some("false")) => Hold::Pinned,
            (None, None | Some(_)) if safe != Some("true") => Hold::Lone,
            _ => Hold::Movable,
        };
        Self {
            namespace: user.namespace,
            name: user.name,
            node: user.node,
            labels,
            hold,
        }
    }
}
