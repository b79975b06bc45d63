//! A cluster, as far as anybody here needs it.

use google_cloud_container_v1::model;
use serde::{Deserialize, Serialize};

use super::Error;
use super::call::{Request, read};
use crate::error;
use crate::world::World;

/// A GKE cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Region or zone.
    pub location: String,
    /// `RUNNING`, `RECONCILING`, ...
    pub status: String,
    /// Version of its control plane.
    pub version: String,
    /// Its node pools.
    pub pools: Vec<String>,
}

/// GKE's description of the target's cluster.
pub(super) async fn describe(world: &World) -> Result<model::Cluster, Error> {
    let path = world.target().cluster.path();
    let what = format!("read cluster {}", world.target().cluster.cluster);
    read(world, &Request::read(path.clone(), what), async |gke| {
        gke.get_cluster().set_name(&path).send().await
    })
    .await
}

/// Reads the target's cluster.
///
/// # Errors
/// When it does not exist, or cannot be read.
pub async fn cluster(world: &World) -> error::Result<Cluster> {
    let found = describe(world).await?;
    Ok(Cluster {
        status: found.status.name().unwrap_or("UNKNOWN").to_owned(),
        pools: found.node_pools.into_iter().map(|pool| pool.name).collect(),
        name: found.name,
        location: found.location,
        version: found.current_master_version,
    })
}
