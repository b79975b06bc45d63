//! A node pool. Its limits are kept in the kind it uses, and told in totals.

use google_cloud_container_v1::model::{NodePool, NodePoolAutoscaling};
use serde::{Deserialize, Serialize};

use super::Error;
use super::call::{Request, read};
use crate::error;
use crate::names;
use crate::world::World;

/// A node pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// The zones its nodes are in.
    pub locations: Vec<String>,
    /// How many zones that are; at least one.
    pub zones: u32,
    /// Whether the cluster autoscaler looks after it.
    pub autoscaling: bool,
    /// Between how many nodes.
    pub limits: Limits,
    /// `n2-highmem-8`.
    pub machine_type: String,
    /// `RUNNING`, `RECONCILING`, ...
    pub status: String,
    /// Version of its nodes.
    pub version: String,
}

/// Between how many nodes a pool is scaled. A pool has one kind or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limits {
    /// In each zone.
    PerZone {
        /// Fewest.
        min: u32,
        /// Most.
        max: u32,
    },
    /// In the whole pool.
    Total {
        /// Fewest.
        min: u32,
        /// Most.
        max: u32,
    },
}

impl Limits {
    /// The limits in force, in the kind the pool uses; per zone where neither kind is set.
    pub(super) fn of(autoscaling: &NodePoolAutoscaling) -> Self {
        let (min, max) = (
            count(autoscaling.total_min_node_count),
            count(autoscaling.total_max_node_count),
        );
        if max > 0 || min > 0 {
            return Self::Total { min, max };
        }
        Self::PerZone {
            min: count(autoscaling.min_node_count),
            max: count(autoscaling.max_node_count),
        }
    }

    /// Fewest and most nodes in all of `zones` together.
    pub fn totals(self, zones: u32) -> (u32, u32) {
        match self {
            Self::PerZone { min, max } => (min.saturating_mul(zones), max.saturating_mul(zones)),
            Self::Total { min, max } => (min, max),
        }
    }
}

impl Pool {
    /// Fewest nodes, in total.
    pub fn minimum(&self) -> u32 {
        self.limits.totals(self.zones).0
    }

    /// Most nodes, in total.
    pub fn maximum(&self) -> u32 {
        self.limits.totals(self.zones).1
    }
}

impl From<NodePool> for Pool {
    fn from(pool: NodePool) -> Self {
        let autoscaling = pool.autoscaling.unwrap_or_default();
        Self {
            zones: u32::try_from(pool.locations.len()).map_or(1, |zones| zones.max(1)),
            autoscaling: autoscaling.enabled,
            limits: Limits::of(&autoscaling),
            machine_type: pool.config.map(|c| c.machine_type).unwrap_or_default(),
            status: pool.status.name().unwrap_or("UNKNOWN").to_owned(),
            name: pool.name,
            locations: pool.locations,
            version: pool.version,
        }
    }
}

/// A count as GKE writes it.
pub(super) fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// Reads a node pool of the target's cluster.
///
/// # Errors
/// When there is no such pool (the failure names those that exist), or it cannot be read.
pub async fn pool(world: &World, name: &str) -> error::Result<Pool> {
    Ok(fetch(world, name).await?.into())
}

/// Reads a node pool as GKE describes it.
pub(super) async fn fetch(world: &World, name: &str) -> Result<NodePool, Error> {
    let path = world.target().cluster.pool(name);
    let request = Request::read(path.clone(), format!("read node pool {name}"));
    let found = read(world, &request, async |gke| {
        gke.get_node_pool().set_name(&path).send().await
    })
    .await;
    match found {
        Err(Error::NotFound { .. }) => Err(unknown(world, name).await?),
        found => found,
    }
}

/// The failure that says which pools there are.
async fn unknown(world: &World, name: &str) -> Result<Error, Error> {
    let cluster = &world.target().cluster;
    let path = cluster.path();
    let request = Request::read(format!("{path}/nodePools"), "list the node pools");
    let pools = read(world, &request, async |gke| {
        gke.list_node_pools().set_parent(&path).send().await
    })
    .await?
    .node_pools;
    let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
    let known = format!("It has: {}.", names.join(", "));
    Ok(Error::NotFound {
        what: format!("node pool {name}"),
        place: format!("cluster {}", cluster.cluster),
        hint: names::nearest(name, names.iter().copied()).map_or_else(
            || known.clone(),
            |near| format!("Did you mean {near}? {known}"),
        ),
    })
}
