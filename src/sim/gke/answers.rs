//! What GKE makes of each request: looked up, checked, begun, described.

use google_cloud_container_v1::model::{
    self, NodePoolAutoscaling, control_plane_endpoints_config, node_pool, operation,
};
use google_cloud_gax::Result;
use jiff::Timestamp;

use crate::sim::operations::Effect;
use crate::sim::pools::Pool;
use crate::sim::refusals;
use crate::sim::state::{State, Todo, millis};

/// How long a change of the autoscaling takes, in milliseconds: least and most.
const UPDATE: (u64, u64) = (15_000, 55_000);
const CANCEL: (u64, u64) = (5_000, 15_000);
/// Processors the project may use in its region, and those of one machine.
const QUOTA: usize = 200;
const PROCESSORS: usize = 8;
/// The addresses of its control plane; nothing real can have them.
const IP: &str = "practice.invalid";
const DNS: &str = "gke-practice.northamerica-northeast1.practice.invalid";
const INTERNAL: &str = "internal.practice.invalid";
pub(in crate::sim) const HOSTS: [&str; 3] = [IP, DNS, INTERNAL];
/// The certificate of an authority whose key nobody has.
const AUTHORITY: &str = "\
    LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJqVENDQVRPZ0F3SUJBZ0lVQWJaZG1sYkJmQUxEU1ZzVEYrdF\
    piaCs2OTVrd0NnWUlLb1pJemowRUF3SXcKRXpFUk1BOEdBMVVFQXd3SWNISmhZM1JwWTJVd0lCY05Nall4TVRJek1q\
    TXdNalF3V2hnUE1qRXlOakV3TXpBeQpNekF5TkRCYU1CTXhFVEFQQmdOVkJBTU1DSEJ5WVdOMGFXTmxNRmt3RXdZSE\
    tvWkl6ajBDQVFZSUtvWkl6ajBECkFRY0RRZ0FFK0wzSUMrUnFyaEx6OVJtcXZpUFFmY0VNL3RRRm8wV1dHaW5mTkk0\
    Yzl5ZGdXMEowb3BpS0lUcEEKc3VWTXdmWHRFVkdXZXZuY1d6bmFMcTEzanBQWi82TmpNR0V3SFFZRFZSME9CQllFRk\
    VONGNJUCtwZnpBdFgwYwoxNjdpQTNrOFNtZVVNQjhHQTFVZEl3UVlNQmFBRkVONGNJUCtwZnpBdFgwYzE2N2lBM2s4\
    U21lVU1BOEdBMVVkCkV3RUIvd1FGTUFNQkFmOHdEZ1lEVlIwUEFRSC9CQVFEQWdJRU1Bb0dDQ3FHU000OUJBTUNBMG\
    dBTUVVQ0lFejcKYjZwSllrSXlhQXRzYjNwaVhCQVgrTllRZDBTb2xDMVhyZnUzVEY4Q0FpRUFsSDQ3ZkYxeEtZd091\
    akl1d0tjYQpGQVNCNXorcWNrRW82TUxmSENqOEhTND0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

impl State {
    pub(super) fn known_cluster(&self, name: &str) -> Result<()> {
        if name == self.layout.cluster.path() {
            return Ok(());
        }
        Err(refusals::not_found(name))
    }

    pub(super) fn known_parent(&self, parent: &str) -> Result<()> {
        let cluster = &self.layout.cluster;
        let anywhere = format!("projects/{}/locations/-", cluster.project);
        if parent == cluster.parent() || parent == anywhere {
            return Ok(());
        }
        Err(refusals::not_found(parent))
    }

    /// The pool of this full name.
    pub(super) fn pool(&self, name: &str) -> Result<&Pool> {
        name.strip_prefix(&self.layout.cluster.pool(""))
            .and_then(|short| self.pools.get(short))
            .ok_or_else(|| refusals::not_found(name))
    }

    fn free(&self, pool: Option<&str>) -> Result<()> {
        match self.blocker(pool) {
            Some(op) => Err(refusals::busy(&op.report.name)),
            None => Ok(()),
        }
    }

    /// Replaces the whole message: what was not sent is gone.
    pub(super) fn set_autoscaling(
        &mut self,
        name: &str,
        autoscaling: NodePoolAutoscaling,
        at: Timestamp,
    ) -> Result<model::Operation> {
        let pool = self.pool(name)?.name.clone();
        check(&autoscaling)?;
        self.free(None)?;
        let ends = self.soon(at, UPDATE);
        let effect = Effect::Autoscale {
            pool,
            autoscaling: Box::new(autoscaling),
        };
        Ok(self.begin(operation::Type::UpdateCluster, (None, effect), at, ends))
    }

    /// So many machines in each of the pool's zones.
    pub(super) fn set_size(
        &mut self,
        name: &str,
        per_zone: i32,
        at: Timestamp,
    ) -> Result<model::Operation> {
        let pool = self.pool(name)?;
        let per_zone = usize::try_from(per_zone)
            .map_err(|_| refusals::invalid("Node_count must not be negative."))?;
        let used: usize = self.pools.values().map(Pool::total).sum::<usize>() * PROCESSORS;
        let wanted = (per_zone * pool.groups.len()).saturating_sub(pool.total()) * PROCESSORS;
        let name = pool.name.clone();
        self.free(Some(&name))?;
        // What is left of a real quota nobody here knows.
        if self.origin.is_none() && wanted > QUOTA.saturating_sub(used) {
            return Err(refusals::quota(
                &self.layout.cluster.project,
                wanted,
                QUOTA,
                QUOTA.saturating_sub(used),
            ));
        }
        let resize = self.resize(&name, per_zone, at);
        let effect = Effect::Size {
            pool: name.clone(),
            failure: resize.failure,
            leaving: resize.leaving,
            ends_ms: millis(resize.ends),
            settle_ms: resize.settle_ms,
        };
        let op = self.begin(
            operation::Type::SetNodePoolSize,
            (Some(name), effect),
            at,
            resize.ends,
        );
        self.publish_autoscaler(at);
        Ok(op)
    }

    /// Only node upgrades can be called off, and none runs here: everything else says no.
    pub(super) fn cancel(&mut self, name: &str, at: Timestamp) -> Result<()> {
        let ends = self.soon(at, CANCEL);
        let mut known = self.operations.iter_mut();
        let cluster = &self.layout.cluster;
        let found = known.find(|op| cluster.operation(&op.report.name) == name);
        let op = found.ok_or_else(|| refusals::not_found(name))?;
        if op.report.operation_type != operation::Type::UpgradeNodes || !op.runs() {
            return Err(refusals::not_cancellable(&op.report.name));
        }
        op.report.status = operation::Status::Aborting;
        let operation = op.report.name.clone();
        self.plan(ends, Todo::Finish { operation });
        Ok(())
    }

    pub(super) fn cluster(&self) -> model::Cluster {
        use model::cluster::Status;
        let name = &self.layout.cluster;
        let zones = self.pools.values().flat_map(Pool::zones);
        let zones: std::collections::BTreeSet<String> = zones.collect();
        let status = match self.blocker(None) {
            Some(_) => Status::Reconciling,
            None => Status::Running,
        };
        model::Cluster::new()
            .set_name(&name.cluster)
            .set_location(&name.location)
            .set_locations(zones)
            .set_status(status)
            .set_endpoint(IP)
            .set_master_auth(model::MasterAuth::new().set_cluster_ca_certificate(AUTHORITY))
            .set_control_plane_endpoints_config(
                model::ControlPlaneEndpointsConfig::new()
                    .set_ip_endpoints_config(
                        control_plane_endpoints_config::IPEndpointsConfig::new()
                            .set_enabled(true)
                            .set_private_endpoint(INTERNAL),
                    )
                    .set_dns_endpoint_config(
                        control_plane_endpoints_config::DNSEndpointConfig::new()
                            .set_endpoint(DNS)
                            .set_allow_external_traffic(true),
                    ),
            )
            .set_current_master_version(&self.layout.version)
            .set_node_pools(self.pools.values().map(|pool| self.node_pool(pool)))
            .set_self_link(link(&name.path()))
    }

    pub(super) fn node_pool(&self, pool: &Pool) -> model::NodePool {
        let working =
            (self.operations.iter()).any(|op| op.runs() && op.pool.as_deref() == Some(&pool.name));
        let status = match (&pool.condition, working) {
            (_, true) => node_pool::Status::Reconciling,
            (Some(_), false) => node_pool::Status::RunningWithError,
            (None, false) => node_pool::Status::Running,
        };
        let told = match &pool.shape {
            Some(shape) => shape.pool.clone(),
            None => self.pool_of_ours(pool),
        };
        told.set_status(status)
            .set_conditions(pool.condition.clone())
            .set_autoscaling(pool.autoscaling.clone())
    }

    /// A pool of the practice world's own.
    fn pool_of_ours(&self, pool: &Pool) -> model::NodePool {
        let urls = pool.groups.keys().map(|zone| {
            pool.group_url(zone)
                .replace("/instanceGroups/", "/instanceGroupManagers/")
        });
        let config = model::NodeConfig::new()
            .set_machine_type("n1-highmem-8")
            .set_disk_type("pd-standard")
            .set_disk_size_gb(100)
            .set_image_type("COS_CONTAINERD")
            .set_labels([("hub.jupyter.org/node-purpose", pool.purpose.as_str())]);
        model::NodePool::new()
            .set_name(&pool.name)
            .set_config(config)
            .set_initial_node_count(1)
            .set_locations(pool.zones())
            .set_instance_group_urls(urls)
            .set_version(&self.layout.version)
            .set_self_link(link(&self.layout.cluster.pool(&pool.name)))
    }
}

fn link(path: &str) -> String {
    format!("https://container.googleapis.com/v1/{path}")
}

/// What GKE holds against an autoscaling message.
fn check(wanted: &NodePoolAutoscaling) -> Result<()> {
    let per_zone = wanted.min_node_count != 0 || wanted.max_node_count != 0;
    let total = wanted.total_min_node_count != 0 || wanted.total_max_node_count != 0;
    if per_zone && total {
        return Err(refusals::invalid(
            "Cannot set both per-zone and total node counts of an autoscaling node pool.",
        ));
    }
    let (min, max) = if total {
        (wanted.total_min_node_count, wanted.total_max_node_count)
    } else {
        (wanted.min_node_count, wanted.max_node_count)
    };
    if min < 0 || min > max || (wanted.enabled && max == 0) {
        return Err(refusals::invalid(format!(
            "Invalid autoscaling limits: minimum {min}, maximum {max}."
        )));
    }
    Ok(())
}
