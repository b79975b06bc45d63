//! Slim shapes of what the API server sends: only the fields somebody reads here.
//!
//! They exist while an answer is decoded; what is kept is smaller still.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use jiff::Timestamp;
use k8s_openapi::api::{apps, coordination, core, policy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use kube::Resource;
use kube::core::{ApiResource, DynamicResourceScope, ObjectMeta};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// A kind of object, in the shape we read it.
pub(super) trait Slim:
    Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + 'static
{
    /// Where the API server keeps it.
    fn resource() -> ApiResource;
}

/// A node.
pub(super) type NodeObject = kube::core::Object<NodeSpec, NodeStatus>;
/// A pod.
pub(super) type PodObject = kube::core::Object<PodSpec, PodStatus>;
/// A `DaemonSet`.
pub(super) type DaemonSet = kube::core::Object<DaemonSetSpec, kube::core::NotUsed>;
/// A pod disruption budget.
pub(super) type BudgetObject = kube::core::Object<BudgetSpec, BudgetStatus>;
/// A lease.
pub(super) type LeaseObject = kube::core::Object<LeaseSpec, kube::core::NotUsed>;

impl Slim for BudgetObject {
    fn resource() -> ApiResource {
        ApiResource::erase::<policy::v1::PodDisruptionBudget>(&())
    }
}

impl Slim for LeaseObject {
    fn resource() -> ApiResource {
        ApiResource::erase::<coordination::v1::Lease>(&())
    }
}

impl Slim for NodeObject {
    fn resource() -> ApiResource {
        ApiResource::erase::<core::v1::Node>(&())
    }
}

impl Slim for PodObject {
    fn resource() -> ApiResource {
        ApiResource::erase::<core::v1::Pod>(&())
    }
}

impl Slim for LeanPod {
    fn resource() -> ApiResource {
        PodObject::resource()
    }
}

impl Slim for DaemonSet {
    fn resource() -> ApiResource {
        ApiResource::erase::<apps::v1::DaemonSet>(&())
    }
}

impl Slim for EventObject {
    fn resource() -> ApiResource {
        ApiResource::erase::<core::v1::Event>(&())
    }
}

/// When an object was made.
pub(super) fn created(meta: &ObjectMeta) -> Option<Timestamp> {
    meta.creation_timestamp.as_ref().map(|time| time.0)
}

/// Who holds a lease, since when and for how long. `MicroTime` writes the six decimals without
/// which an API server refuses a time here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LeaseSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) holder_identity: Option<String>,
    pub(super) lease_duration_seconds: Option<i32>,
    pub(super) acquire_time: Option<MicroTime>,
    pub(super) renew_time: Option<MicroTime>,
    pub(super) lease_transitions: Option<i32>,
}

/// The pods a budget is about.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct BudgetSpec {
    pub(super) selector: Selector,
}

/// Which pods.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Selector {
    pub(super) match_labels: BTreeMap<String, String>,
    pub(super) match_expressions: Vec<serde_json::Value>,
}

/// What a budget still allows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct BudgetStatus {
    pub(super) disruptions_allowed: i64,
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
    pub(super) value: String,
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
    pub(super) architecture: String,
}

/// What a pod consists of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) node_name: String,
    pub(super) containers: Vec<Container>,
    pub(super) init_containers: Vec<Container>,
}

/// A container of a pod.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
    /// `Always` for an init container that stays: a sidecar.
    pub(super) restart_policy: String,
}

/// How a pod is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodStatus {
    pub(super) phase: String,
    pub(super) reason: String,
    pub(super) conditions: Vec<Condition>,
    pub(super) init_container_statuses: Vec<ContainerStatus>,
    pub(super) container_statuses: Vec<ContainerStatus>,
}

/// How a container is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerStatus {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) ready: bool,
    pub(super) started: Option<bool>,
    #[serde(rename = "restartCount")]
    pub(super) restarts: u32,
    pub(super) state: State,
    #[serde(rename = "lastState")]
    pub(super) last: State,
}

/// What a container does now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) running: Option<Running>,
    pub(super) waiting: Option<Waiting>,
    pub(super) terminated: Option<Terminated>,
}

/// A container runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Running {}

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
    pub(super) signal: i64,
    pub(super) reason: String,
    pub(super) finished_at: Option<Time>,
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

/// A pod of which there may be many: without what its metadata says of itself, of which
/// `managedFields` alone is larger than all the rest.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct LeanPod {
    #[serde(deserialize_with = "lean")]
    metadata: ObjectMeta,
    pub(super) spec: PodSpec,
    pub(super) status: PodStatus,
}

/// Name, place, version and times; the rest is passed over without being kept.
fn lean<'de, D: Deserializer<'de>>(from: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Lean {
        name: Option<String>,
        namespace: Option<String>,
        resource_version: Option<String>,
        creation_timestamp: Option<Time>,
        deletion_timestamp: Option<Time>,
    }
    let lean = Lean::deserialize(from)?;
    Ok(ObjectMeta {
        name: lean.name,
        namespace: lean.namespace,
        resource_version: lean.resource_version,
        creation_timestamp: lean.creation_timestamp,
        deletion_timestamp: lean.deletion_timestamp,
        ..ObjectMeta::default()
    })
}

/// An event; it has no spec, so kube's own shape does not fit.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EventObject {
    metadata: ObjectMeta,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) involved_object: Involved,
    first_timestamp: Option<Time>,
    last_timestamp: Option<Time>,
    event_time: Option<MicroTime>,
    series: Option<Series>,
}

/// What an event is about.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Involved {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// How an event went on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    last_observed_time: Option<MicroTime>,
}

impl EventObject {
    /// When it last happened: old and new recorders fill different fields.
    pub(super) fn at(&self) -> Option<Timestamp> {
        let micro = |time: &Option<MicroTime>| time.as_ref().map(|time| time.0);
        let time = |time: &Option<Time>| time.as_ref().map(|time| time.0);
        self.series
            .as_ref()
            .and_then(|series| micro(&series.last_observed_time))
            .or_else(|| time(&self.last_timestamp))
            .or_else(|| micro(&self.event_time))
            .or_else(|| time(&self.first_timestamp))
            .or_else(|| created(&self.metadata))
    }
}

/// Makes a type of ours one of kube's kinds.
macro_rules! kind {
    ($object:ty) => {
        impl Resource for $object {
            type DynamicType = ApiResource;
            type Scope = DynamicResourceScope;

            fn kind(resource: &ApiResource) -> Cow<'_, str> {
                resource.kind.as_str().into()
            }

            fn group(resource: &ApiResource) -> Cow<'_, str> {
                resource.group.as_str().into()
            }

            fn version(resource: &ApiResource) -> Cow<'_, str> {
                resource.version.as_str().into()
            }

            fn plural(resource: &ApiResource) -> Cow<'_, str> {
                resource.plural.as_str().into()
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

kind!(EventObject);
kind!(LeanPod);
