//! Slim shapes of what the API server sends: only the fields somebody reads here.
//!
//! They exist while an answer is decoded; what is kept is smaller still.

use jiff::Timestamp;
use k8s_openapi::api::{apps, core};
use kube::core::{ApiResource, ObjectMeta};
use serde::{Deserialize, Serialize};

/// A kind of object, in the shape we read it.
pub(super) trait Kind {
    /// Where the API server keeps it.
    fn resource() -> ApiResource;
}

/// A node.
pub(super) type NodeObject = kube::core::Object<NodeSpec, NodeStatus>;
/// A pod.
pub(super) type PodObject = kube::core::Object<PodSpec, PodStatus>;
/// A `DaemonSet`.
pub(super) type DaemonSet = kube::core::Object<DaemonSetSpec, kube::core::NotUsed>;

impl Kind for NodeObject {
    fn resource() -> ApiResource {
        ApiResource::erase::<core::v1::Node>(&())
    }
}

impl Kind for PodObject {
    fn resource() -> ApiResource {
        ApiResource::erase::<core::v1::Pod>(&())
    }
}

impl Kind for DaemonSet {
    fn resource() -> ApiResource {
        ApiResource::erase::<apps::v1::DaemonSet>(&())
    }
}

/// When an object was made.
pub(super) fn created(meta: &ObjectMeta) -> Option<Timestamp> {
    meta.creation_timestamp.as_ref().map(|time| time.0)
}

/// What a node was told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct NodeSpec {
    pub(super) unschedulable: bool,
    pub(super) taints: Vec<Taint>,
}

/// Keeps pods off a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Taint {
    pub(super) key: String,
    #[serde(default)]
    pub(super) effect: String,
}

/// What a node says of itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeStatus {
    pub(super) conditions: Vec<Condition>,
    pub(super) images: Vec<Image>,
    pub(super) node_info: NodeInfo,
}

/// A condition of a node or a pod.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) message: String,
}

/// An image a node holds, under all its names.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Image {
    pub(super) names: Vec<String>,
}

/// What runs a node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeInfo {
    pub(super) kubelet_version: String,
}

/// What a pod consists of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) node_name: String,
    pub(super) init_containers: Vec<Container>,
}

/// A container of a pod.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
}

/// How a pod is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodStatus {
    pub(super) phase: String,
    pub(super) conditions: Vec<Condition>,
    pub(super) init_container_statuses: Vec<ContainerStatus>,
    pub(super) container_statuses: Vec<ContainerStatus>,
}

/// How a container is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ContainerStatus {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) state: State,
}

/// What a container does now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) waiting: Option<Waiting>,
    pub(super) terminated: Option<Terminated>,
}

/// Why a container does not run yet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Waiting {
    pub(super) reason: String,
    pub(super) message: String,
}

/// How a container ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Terminated {
    pub(super) exit_code: i64,
}

/// What a `DaemonSet` runs on every node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct DaemonSetSpec {
    pub(super) template: Template,
}

/// The pod a `DaemonSet` makes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Template {
    pub(super) spec: PodSpec,
}
