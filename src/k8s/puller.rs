//! Image pullers: a hub's `DaemonSet` whose init containers pull its images, one after another.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::call::{Scope, list};
use super::object::{Container, ContainerStatus, DaemonSet, PodObject, PodSpec};
use crate::error;
use crate::names::Image;
use crate::world::World;

/// The label of the `DaemonSet` and of its pods.
const PULLER: &str = "component=continuous-image-puller";

/// Init containers that pull what users start in; the others pull what stands beside it.
const NOTEBOOK: [&str; 2] = [
    "image-pull-singleuser",
    "image-pull-singleuser-profilelist-",
];

/// Why a container waits when its image cannot be had.
const FAILING: [&str; 4] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
];

/// A hub's image puller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Puller {
    /// The hub's namespace.
    pub namespace: String,
    /// The `DaemonSet`'s name.
    pub name: String,
    /// The notebook images it pulls.
    pub images: Vec<String>,
}

impl From<DaemonSet> for Puller {
    fn from(object: DaemonSet) -> Self {
        Self {
            namespace: object.metadata.namespace.unwrap_or_default(),
            name: object.metadata.name.unwrap_or_default(),
            images: notebooks(&object.spec.template.spec),
        }
    }
}

impl Puller {
    /// Whether this image is one of those it pulls.
    pub fn pulls(&self, image: &str) -> bool {
        self.images.iter().any(|held| Image::same(held, image))
    }
}

/// The images users start in. A puller that names its containers otherwise: everything it pulls.
fn notebooks(spec: &PodSpec) -> Vec<String> {
    let notebook = |c: &&Container| {
        let [single, profile] = NOTEBOOK;
        c.name == single || c.name.starts_with(profile)
    };
    let image = |c: &Container| c.image.clone();
    let mut found: BTreeSet<String> = spec
        .init_containers
        .iter()
        .filter(notebook)
        .map(image)
        .collect();
    if found.is_empty() {
        found = spec.init_containers.iter().map(image).collect();
    }
    found.into_iter().collect()
}

/// The image pullers of the watched namespaces, by namespace.
///
/// # Errors
/// When they cannot be listed.
pub async fn puller(world: &World) -> error::Result<Vec<Puller>> {
    let mut pullers = Vec::new();
    for scope in Scope::watched(world, PULLER) {
        pullers.extend(list::<DaemonSet, _>(world, &scope, Puller::from).await?);
    }
    pullers.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(pullers)
}

/// Where the pullers' pods are.
pub(super) fn scopes(world: &World) -> Vec<Scope> {
    Scope::watched(world, PULLER)
}

/// One puller's pod on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PullerPod {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) node: String,
    /// It is being replaced.
    pub(super) leaving: bool,
    /// The notebook images it pulls.
    pub(super) images: Vec<String>,
    /// How many init containers are done.
    pub(super) done: usize,
    /// Of how many.
    pub(super) of: usize,
    /// Everything is pulled.
    pub(super) ready: bool,
    /// The image that cannot be had.
    pub(super) failing: Option<Failing>,
}

/// An image that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failing {
    pub(super) image: String,
    pub(super) reason: String,
    pub(super) message: String,
}

impl From<PodObject> for PullerPod {
    fn from(object: PodObject) -> Self {
        let status = object.status.unwrap_or_default();
        let of = object.spec.init_containers.len();
        let done = status
            .init_container_statuses
            .iter()
            .filter(|c| pulled(c))
            .count();
        let ready = status
            .conditions
            .iter()
            .any(|c| c.kind == "Ready" && c.status == "True");
        let failing = status
            .init_container_statuses
            .iter()
            .find_map(|status| failing(status, &object.spec));
        Self {
            namespace: object.metadata.namespace.unwrap_or_default(),
            name: object.metadata.name.unwrap_or_default(),
            node: object.spec.node_name.clone(),
            leaving: object.metadata.deletion_timestamp.is_some(),
            images: notebooks(&object.spec),
            done,
            of,
            ready: ready || (of > 0 && done >= of),
            failing,
        }
    }
}

fn pulled(status: &ContainerStatus) -> bool {
    status
        .state
        .terminated
        .as_ref()
        .is_some_and(|end| end.exit_code == 0)
}

/// Why this container's image cannot be had. The name comes from the spec: the status may leave
/// out what could not be resolved.
fn failing(status: &ContainerStatus, spec: &PodSpec) -> Option<Failing> {
    let waiting = status.state.waiting.as_ref()?;
    FAILING.contains(&waiting.reason.as_str()).then(|| Failing {
        image: spec
            .init_containers
            .iter()
            .find(|container| container.name == status.name)
            .map_or_else(|| status.image.clone(), |container| container.image.clone()),
        reason: waiting.reason.clone(),
        message: waiting.message.clone(),
    })
}
