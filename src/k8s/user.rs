//! Who is working: user servers.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kube::core::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::call::{Scope, list};
use super::node;
use super::object::{PodObject, created};
use crate::error;
use crate::world::World;

/// The label of every user server.
pub(super) const SERVER: &str = "component=singleuser-server";

/// Whose server it is.
pub(super) const USERNAME: &str = "hub.jupyter.org/username";

/// One user's server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPod {
    /// The hub's namespace.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
    /// The user's name, as the hub escapes it.
    pub user: String,
    /// The node it runs on; empty while it waits for one.
    pub node: String,
    /// `Pending`, `Running`, `Terminating`.
    pub phase: String,
    /// When it was started.
    pub since: Option<Timestamp>,
    /// Its image.
    pub image: String,
}

impl From<PodObject> for UserPod {
    fn from(object: PodObject) -> Self {
        let since = created(&object.metadata);
        let user = username(&object.metadata);
        let meta = object.metadata;
        Self {
            namespace: meta.namespace.unwrap_or_default(),
            name: meta.name.unwrap_or_default(),
            user,
            image: (object.spec.containers.first()).map_or_else(String::new, |c| c.image.clone()),
            node: object.spec.node_name,
            phase: if meta.deletion_timestamp.is_some() {
                "Terminating".to_owned()
            } else {
                object.status.unwrap_or_default().phase
            },
            since,
        }
    }
}

/// Whose server a pod is, if it is one.
pub(super) fn user_of(meta: &ObjectMeta) -> Option<String> {
    let (label, value) = SERVER.split_once('=')?;
    let labels = meta.labels.as_ref()?;
    (labels.get(label)? == value).then(|| username(meta))
}

fn username(meta: &ObjectMeta) -> String {
    let maps = [&meta.annotations, &meta.labels];
    let mut named = maps.into_iter().flatten();
    let name = meta.name.as_deref().unwrap_or_default();
    named
        .find_map(|map| map.get(USERNAME).cloned())
        .unwrap_or_else(|| name.strip_prefix("jupyter-").unwrap_or(name).to_owned())
}

/// User servers in the watched namespaces, by namespace and name; with a pool, those on its nodes.
/// Servers that have ended are left out.
///
/// # Errors
/// When pods or nodes cannot be listed.
pub async fn users(world: &World, pool: Option<&str>) -> error::Result<Vec<UserPod>> {
    let mut users = Vec::new();
    for scope in Scope::watched(world, SERVER) {
        users.extend(list::<PodObject, _>(world, &scope, UserPod::from).await?);
    }
    users.retain(|pod| pod.phase != "Succeeded" && pod.phase != "Failed");
    if let Some(pool) = pool {
        let nodes = node::nodes(world, pool).await?;
        let names: BTreeSet<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        users.retain(|pod| names.contains(pod.node.as_str()));
    }
    users.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(users)
}
