//! A look at everything a copy of a cluster is made of, as far as GKE knows it.

use google_cloud_container_v1::model::{self, operation::Status};

use super::cluster::describe;
use super::operation::told;
use crate::error;
use crate::world::World;
use crate::world::snapshot::Gke;

/// Looks at the cluster's pools and at what is under way. Credentials and certificates are left
/// out.
///
/// # Errors
/// When either cannot be read.
pub async fn look(world: &World) -> error::Result<Gke> {
    let cluster = describe(world).await?;
    let operations = told(world).await?;
    Ok(Gke {
        version: cluster.current_master_version,
        pools: cluster.node_pools.into_iter().map(pool).collect(),
        operations: operations
            .into_iter()
            .filter(|operation| operation.status != Status::Done)
            .collect(),
    })
}

fn pool(whole: model::NodePool) -> model::NodePool {
    let config = whole.config.unwrap_or_default();
    let config = model::NodeConfig::new()
        .set_machine_type(config.machine_type)
        .set_disk_type(config.disk_type)
        .set_disk_size_gb(config.disk_size_gb)
        .set_image_type(config.image_type)
        .set_labels(config.labels)
        .set_taints(config.taints);
    model::NodePool::new()
        .set_name(whole.name)
        .set_config(config)
        .set_initial_node_count(whole.initial_node_count)
        .set_locations(whole.locations)
        .set_instance_group_urls(whole.instance_group_urls)
        .set_status(whole.status)
        .set_conditions(whole.conditions)
        .set_or_clear_autoscaling(whole.autoscaling)
        .set_version(whole.version)
        .set_self_link(whole.self_link)
}
