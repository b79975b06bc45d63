//! The GKE API: Google's own client talks to this instead of to the network.

mod answers;

use std::time::Duration;

use google_cloud_container_v1::model;
use google_cloud_container_v1::stub::ClusterManager;
use google_cloud_gax::Result;
use google_cloud_gax::options::RequestOptions;
use google_cloud_gax::response::Response;
use jiff::Timestamp;
use serde_json::json;

pub(super) use answers::HOSTS;

use super::handle::Sim;
use super::refusals;
use super::state::State;

/// Half of how long a request is on its way. Not left to chance, see [`super::chance::Chance`].
const READ: Duration = Duration::from_millis(60);
const WRITE: Duration = Duration::from_millis(250);
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
            state.known_parent(&req.parent)?;
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
            state.known_cluster(&req.name)?;
            Ok(state.cluster())
        })
        .await
    }

    async fn update_cluster(
        &self,
        req: model::UpdateClusterRequest,
        _options: RequestOptions,
    ) -> Result<Response<model::Operation>> {
        let update = req.update.unwrap_or_default();
        let (name, pool) = (req.name, update.desired_node_pool_id);
        let autoscaling = update.desired_node_pool_autoscaling;
        self.answer(true, |state, now| {
            state.known_cluster(&name)?;
            let Some(autoscaling) = autoscaling else {
                return Err(refusals::invalid("Must specify a field to update."));
            };
            let body = json!({"update": {"desiredNodePoolId": pool,
                "desiredNodePoolAutoscaling": autoscaling}});
            let op = state.set_autoscaling(&state.layout.cluster.pool(&pool), autoscaling, now)?;
            state.record("PUT", &name, body, now);
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
            state.known_cluster(&req.parent)?;
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
            state.known_parent(&req.parent)?;
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
            let found = known.find(|op| state.layout.cluster.operation(&op.name) == req.name);
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
