//! The GKE API: Google's own client talks to this instead of to the network.

use std::time::Duration;

use google_cloud_container_v1::model::{self, NodePoolAutoscaling, node_pool, operation};
use google_cloud_container_v1::stub::ClusterManager;
use google_cloud_gax::Result;
use google_cloud_gax::options::RequestOptions;
use google_cloud_gax::response::Response;
use jiff::Timestamp;
use serde_json::json;

use super::handle::Sim;
use super::operations::Effect;
use super::pools::Pool;
use super::refusals;
use super::state::State;
use super::{CLUSTER, cluster};

/// Half of how long a request is on its way. Not left to chance, see [`super::chance::Chance`].
const READ: Duration = Duration::from_millis(60);
const WRITE: Duration = Duration::from_millis(250);
/// How long a change of the autoscaling takes, in milliseconds: least and most.
const UPDATE: (u64, u64) = (15_000, 55_000);
const CANCEL: (u64, u64) = (5_000, 15_000);
/// Processors the project may use in its region, and those of one machine.
const QUOTA: usize = 200;
const PROCESSORS: usize = 8;
const VERSION: &str = "1.30.5-gke.1014001";

/// Calls nobody here makes. They must be written out: left to the trait's own defaults they panic.
macro_rules! unimplemented_calls {
    ($($call:ident($request:ident) -> $answer:ident;)*) => {$(
        async fn $call(
            &self,
            _req: model::$request,
            _options: RequestOptions,
        ) -> Result<Response<model::$answer>> {
            Err(refusals::unimplemented(stringify!($call)))
        }
    )*};
}
impl Sim {
    async fn answer<T>(
        &self,
        writes: bool,
        f: impl FnOnce(&mut State, Timestamp) -> Result<T>,
    ) -> Result<Response<T>> {
        let way = if writes { WRITE } else { READ };
        tokio::time::sleep(way).await;
        let answer = self.change(|state, now| {
            state.admit(writes, now)?;
            f(state, now)
        });
        tokio::time::sleep(way).await;
        answer.map(Response::from)
    }
}

impl ClusterManager for Sim {
    async fn list_clusters(
        &self,
        req: model::ListClustersRequest,
        _options: RequestOptions,
    ) -> Result<Response<model::ListClustersResponse>> {
        self.answer(false, |state, _| {
            known_parent(&req.parent)?;
            Ok(model::ListClustersResponse::new().set_clusters([state.cluster()]))
        })
        .await
    }

    async fn get_cluster(
        &self,
        req: model::GetClusterRequest,
        _options: RequestOptions,
    ) -> Result<Response<model::Cluster>> {
        self.answer(false, |state, _| {
            known_cluster(&req.name)?;
            Ok(state.cluster())
        })
        .await
    }

    async fn update_cluster(
        &self,
        req: model::UpdateClusterRequest,
        _options: RequestOptions,
    ) -> Result<Response<model::Operation>> {
        self.answer(true, |state, now| {
            known_cluster(&req.name)?;
            let update = req.update.unwrap_or_default();
            let Some(autoscaling) = update.desired_node_pool_autoscaling else {
                return Err(refusals::invalid("Must specify a field to update."));
            };
            let pool = cluster().pool(&update.desired_node_pool_id);
            let body = json!({"update": {"desiredNodePoolId": update.desired_node_pool_id,
                "desiredNodePoolAutoscaling": autoscaling}});
            let op = state.set_autoscaling(&pool, autoscaling, now)?;
            state.record("PUT", &req.name, body, now);
            Ok(op)
        })
        .await
    }

    async fn list_node_pools(
        &self,
        req: model::ListNodePoolsRequest,
        _options: RequestOptions,
    ) -> Result<Response<model::ListNodePoolsResponse>> {
        self.answer(false, |state, _| {
            known_cluster(&req.parent)?;
            Ok(model::ListNodePoolsResponse::new().set_node_pools(state.cluster().node_pools))
        })
        .await
    }

    async fn get_node_pool(
        &self,
        req: model::GetNodePoolRequest,
        _options: RequestOptions,
    ) -> Result<Response<model::NodePool>> {
        self.answer(false, |state, _| {
            let pool = state.pool(&req.name)?;
            Ok(state.node_pool(pool))
        })
        .await
    }

    async fn set_node_pool_autoscaling(
        &self,
        req: model::SetNodePoolAutoscalingRequest,
        _options: RequestOptions,
    ) -> Result<Response<model::Operation>> {
        self.answer(true, |state, now| {
            let autoscaling = req.autoscaling.unwrap_or_default();
            let body = json!({"autoscaling": autoscaling});
            let op = state.set_autoscaling(&req.name, autoscaling, now)?;
            state.record("POST", &format!("{}:setAutoscaling", req.name), body, now);
            Ok(op)
        })
        .await
    }

    async fn set_node_pool_size(
        &self,
        req: model::SetNodePoolSizeRequest,
        _options: RequestOptions,
    ) -> Result<Response<model::Operation>> {
        self.answer(true, |state, now| {
            let op = state.set_size(&req.name, req.node_count, now)?;
            let body = json!({"nodeCount": req.node_count});
            state.record("POST", &format!("{}:setSize", req.name), body, now);
            Ok(op)
        })
        .await
    }

    async fn list_operations(
        &self,
        req: model::ListOperationsRequest,
        _options: RequestOptions,
    ) -> Result<Response<model::ListOperationsResponse>> {
        self.answer(false, |state, _| {
            known_parent(&req.parent)?;
            let operations = state.operations.iter().map(|op| op.report.clone());
            Ok(model::ListOperationsResponse::new().set_operations(operations))
        })
        .await
    }

    async fn get_operation(
        &self,
        req: model::GetOperationRequest,
        _options: RequestOptions,
    ) -> Result<Response<model::Operation>> {
        self.answer(false, |state, _| {
            let mut known = state.operations.iter().map(|op| &op.report);
            let found = known.find(|op| cluster().operation(&op.name) == req.name);
            found.cloned().ok_or_else(|| refusals::not_found(&req.name))
        })
        .await
    }

    async fn cancel_operation(
        &self,
        req: model::CancelOperationRequest,
        _options: RequestOptions,
    ) -> Result<Response<()>> {
        self.answer(true, |state, now| {
            state.cancel(&req.name, now)?;
            state.record("POST", &format!("{}:cancel", req.name), json!({}), now);
            Ok(())
        })
        .await
    }

    unimplemented_calls! {
        create_cluster(CreateClusterRequest) -> Operation;
        update_node_pool(UpdateNodePoolRequest) -> Operation;
        set_logging_service(SetLoggingServiceRequest) -> Operation;
        set_monitoring_service(SetMonitoringServiceRequest) -> Operation;
        set_addons_config(SetAddonsConfigRequest) -> Operation;
        set_locations(SetLocationsRequest) -> Operation;
        update_master(UpdateMasterRequest) -> Operation;
        set_master_auth(SetMasterAuthRequest) -> Operation;
        delete_cluster(DeleteClusterRequest) -> Operation;
        create_node_pool(CreateNodePoolRequest) -> Operation;
        delete_node_pool(DeleteNodePoolRequest) -> Operation;
        rollback_node_pool_upgrade(RollbackNodePoolUpgradeRequest) -> Operation;
        set_node_pool_management(SetNodePoolManagementRequest) -> Operation;
        set_labels(SetLabelsRequest) -> Operation;
        set_legacy_abac(SetLegacyAbacRequest) -> Operation;
        start_ip_rotation(StartIPRotationRequest) -> Operation;
        complete_ip_rotation(CompleteIPRotationRequest) -> Operation;
        set_network_policy(SetNetworkPolicyRequest) -> Operation;
        set_maintenance_policy(SetMaintenancePolicyRequest) -> Operation;
        complete_control_plane_upgrade(CompleteControlPlaneUpgradeRequest) -> Operation;
        get_server_config(GetServerConfigRequest) -> ServerConfig;
        get_json_web_keys(GetJSONWebKeysRequest) -> GetJSONWebKeysResponse;
        list_usable_subnetworks(ListUsableSubnetworksRequest) -> ListUsableSubnetworksResponse;
        check_autopilot_compatibility(CheckAutopilotCompatibilityRequest) -> CheckAutopilotCompatibilityResponse;
        fetch_cluster_upgrade_info(FetchClusterUpgradeInfoRequest) -> ClusterUpgradeInfo;
        fetch_node_pool_upgrade_info(FetchNodePoolUpgradeInfoRequest) -> NodePoolUpgradeInfo;
    }

    async fn complete_node_pool_upgrade(
        &self,
        _req: model::CompleteNodePoolUpgradeRequest,
        _options: RequestOptions,
    ) -> Result<Response<()>> {
        Err(refusals::unimplemented("complete_node_pool_upgrade"))
    }
}

fn known_cluster(name: &str) -> Result<()> {
    match name == cluster().path() {
        true => Ok(()),
        false => Err(refusals::not_found(name)),
    }
}

fn known_parent(parent: &str) -> Result<()> {
    let anywhere = format!("projects/{}/locations/-", CLUSTER.project);
    match parent == cluster().parent() || parent == anywhere {
        true => Ok(()),
        false => Err(refusals::not_found(parent)),
    }
}

impl State {
    /// The pool of this full name.
    fn pool(&self, name: &str) -> Result<&Pool> {
        name.strip_prefix(&cluster().pool(""))
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
    fn set_autoscaling(
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
    fn set_size(&mut self, name: &str, per_zone: i32, at: Timestamp) -> Result<model::Operation> {
        let pool = self.pool(name)?;
        let per_zone = usize::try_from(per_zone)
            .map_err(|_| refusals::invalid("Node_count must not be negative."))?;
        let used: usize = self.pools.values().map(Pool::total).sum::<usize>() * PROCESSORS;
        let wanted = (per_zone * pool.groups.len()).saturating_sub(pool.total()) * PROCESSORS;
        let name = pool.name.clone();
        self.free(Some(&name))?;
        if wanted > QUOTA.saturating_sub(used) {
            return Err(refusals::quota(wanted, QUOTA, QUOTA.saturating_sub(used)));
        }
        let resize = self.resize(&name, per_zone, at);
        let effect = Effect::Size {
            pool: name.clone(),
            failure: resize.failure,
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
    fn cancel(&mut self, name: &str, at: Timestamp) -> Result<()> {
        let ends = self.soon(at, CANCEL);
        let mut known = self.operations.iter_mut();
        let found = known.find(|op| cluster().operation(&op.report.name) == name);
        let op = found.ok_or_else(|| refusals::not_found(name))?;
        if op.report.operation_type != operation::Type::UpgradeNodes || !op.runs() {
            return Err(refusals::not_cancellable(&op.report.name));
        }
        op.report.status = operation::Status::Aborting;
        let operation = op.report.name.clone();
        self.plan(ends, super::state::Todo::Finish { operation });
        Ok(())
    }

    fn cluster(&self) -> model::Cluster {
        use model::cluster::Status;
        let name = cluster();
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
            .set_endpoint("practice.invalid")
            .set_current_master_version(VERSION)
            .set_node_pools(self.pools.values().map(|pool| self.node_pool(pool)))
            .set_self_link(link(&name.path()))
    }

    fn node_pool(&self, pool: &Pool) -> model::NodePool {
        let working =
            (self.operations.iter()).any(|op| op.runs() && op.pool.as_deref() == Some(&pool.name));
        let status = match (&pool.condition, working) {
            (_, true) => node_pool::Status::Reconciling,
            (Some(_), false) => node_pool::Status::RunningWithError,
            (None, false) => node_pool::Status::Running,
        };
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
            .set_status(status)
            .set_conditions(pool.condition.clone())
            .set_autoscaling(pool.autoscaling.clone())
            .set_version(VERSION)
            .set_self_link(link(&cluster().pool(&pool.name)))
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
    let (min, max) = match total {
        true => (wanted.total_min_node_count, wanted.total_max_node_count),
        false => (wanted.min_node_count, wanted.max_node_count),
    };
    if min < 0 || min > max || (wanted.enabled && max == 0) {
        return Err(refusals::invalid(format!(
            "Invalid autoscaling limits: minimum {min}, maximum {max}."
        )));
    }
    Ok(())
}
