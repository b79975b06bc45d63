//! Nodes of a pool: what they are, and whether pods may come onto one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::{Scope, call, list, write};
use super::error::Request;
use super::object::{NodeObject, NodeSpec, NodeStatus, created};
use crate::error;
use crate::event::{Change, Fate};
use crate::names::Class;
use crate::world::World;

/// Carries the name of the pool a node belongs to.
const POOL: &str = "cloud.google.com/gke-nodepool";

/// Carries the zone a node is in.
const ZONE: &str = "topology.kubernetes.io/zone";

/// Taints by which Kubernetes itself keeps pods off a node that is not, or no longer, usable.
/// A pool's own taints (`hub.jupyter.org_dedicated`) are not among them: user pods tolerate those.
const BLOCKING: [&str; 4] = [
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "node.cilium.io/",
    "ToBeDeletedByClusterAutoscaler",
];

/// What `kubectl cordon` adds; being cordoned is told apart from not being ready.
const CORDONED: &str = "node.kubernetes.io/unschedulable";

/// One node of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The pool it belongs to.
    pub pool: String,
    /// Its zone.
    pub zone: String,
    /// Whether it is Ready and no taint of Kubernetes' own keeps pods away.
    pub ready: bool,
    /// Whether somebody cordoned it.
    pub cordoned: bool,
    /// The condition or taint that keeps it from being ready.
    pub why: Option<String>,
    /// Names of the images it holds; kubelets report fifty at most.
    pub images: Vec<String>,
    /// When it registered.
    pub created: Option<Timestamp>,
    /// The kubelet's version.
    pub version: String,
    /// What it runs: `amd64`, `arm64`.
    pub architecture: String,
}

impl From<NodeObject> for Node {
    fn from(object: NodeObject) -> Self {
        let created = created(&object.metadata);
        let status = object.status.unwrap_or_default();
        let meta = object.metadata;
        let why = if meta.deletion_timestamp.is_some() {
            Some("Deleting: the node is being deleted".to_owned())
        } else {
            obstacle(&object.spec, &status)
        };
        let mut labels = meta.labels.unwrap_or_default();
        Self {
            name: meta.name.unwrap_or_default(),
            pool: labels.remove(POOL).unwrap_or_default(),
            zone: labels.remove(ZONE).unwrap_or_default(),
            ready: why.is_none(),
            cordoned: object.spec.unschedulable,
            why,
            images: status.images.into_iter().flat_map(|i| i.names).collect(),
            created,
            version: status.node_info.kubelet_version,
            architecture: status.node_info.architecture,
        }
    }
}

/// The first thing that keeps user pods off a node, as `Reason: message`.
fn obstacle(spec: &NodeSpec, status: &NodeStatus) -> Option<String> {
    match status.conditions.iter().find(|c| c.kind == "Ready") {
        None => return Some("Registered: the kubelet has not reported yet".to_owned()),
        Some(ready) if ready.status != "True" => {
            return Some(format!("{}: {}", ready.reason, ready.message));
        }
        Some(_) => {}
    }
    spec.taints
        .iter()
        .filter(|taint| taint.key != CORDONED && taint.effect != "PreferNoSchedule")
        .find(|taint| BLOCKING.iter().any(|known| taint.key.starts_with(known)))
        .map(|taint| format!("Tainted: {}:{}", taint.key, taint.effect))
}

/// The nodes of `pool`.
pub(super) fn scope(pool: &str) -> Scope {
    Scope::cluster(format!("{POOL}={pool}"))
}

/// The nodes of `pool`, by name.
///
/// # Errors
/// When they cannot be listed.
pub async fn nodes(world: &World, pool: &str) -> error::Result<Vec<Node>> {
    let mut nodes = list::<NodeObject, _>(world, &scope(pool), Node::from).await?;
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(nodes)
}

/// How many nodes a pool has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PoolNodes {
    /// In all.
    pub nodes: u32,
    /// Those that are Ready and open to pods.
    pub ready: u32,
}

/// How many nodes each pool has.
///
/// # Errors
/// When they cannot be listed.
pub async fn pool_nodes(world: &World) -> error::Result<BTreeMap<String, PoolNodes>> {
    let mut pools: BTreeMap<String, PoolNodes> = BTreeMap::new();
    for node in list::<NodeObject, _>(world, &Scope::cluster(""), Node::from).await? {
        let pool = pools.entry(node.pool).or_default();
        pool.nodes += 1;
        pool.ready += u32::from(node.ready && !node.cordoned);
    }
    Ok(pools)
}

/// Lets pods onto `node` again; says whether it had to. Harmless to repeat.
///
/// # Errors
/// When there is no such node, or it may not be changed.
pub async fn uncordon(world: &World, node: &str) -> error::Result<bool> {
    bring(world, node, false).await
}

/// Keeps new pods off `node`; those on it stay. Says whether it had to. Harmless to repeat.
///
/// # Errors
/// When there is no such node, or it may not be changed.
pub async fn cordon(world: &World, node: &str) -> error::Result<bool> {
    bring(world, node, true).await
}

async fn bring(world: &World, node: &str, cordoned: bool) -> error::Result<bool> {
    let request = |verb| Request {
        verb,
        resource: "nodes".to_owned(),
        namespace: None,
        name: Some(node.to_owned()),
    };
    let everything = Scope::cluster("");
    let found: NodeObject = call(world, &request("get"), async |client| {
        everything.api(client).get(node).await
    })
    .await?;
    let (closed, open) = ("cordoned", "open to pods");
    let (name, before, after) = if cordoned {
        ("k8s::cordon", open, closed)
    } else {
        ("k8s::uncordon", closed, open)
    };
    let change = Change {
        what: format!("node {node}"),
        before: before.to_owned(),
        after: after.to_owned(),
        call: name.to_owned(),
        class: Class::WriteConverge,
        operation: None,
        fate: Fate::Done,
    };
    if found.spec.unschedulable == cordoned {
        return world.found_made(change);
    }
    let unschedulable = cordoned.then_some(true);
    let patch = Patch::Merge(json!({ "spec": { "unschedulable": unschedulable } }));
    let params = PatchParams::default();
    let _now: NodeObject = write(world, &request("patch"), &change, async |client| {
        everything.api(client).patch(node, &params, &patch).await
    })
    .await?;
    Ok(true)
}
