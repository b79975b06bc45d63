//! A small scripted GKE: one pool, operations that take their time, refusals in a given order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use google_cloud_container_v1::client::ClusterManager;
use google_cloud_container_v1::model::operation::{Status as Stage, Type};
use google_cloud_container_v1::model::{
    Cluster, GetClusterRequest, GetNodePoolRequest, GetOperationRequest, ListNodePoolsRequest,
    ListNodePoolsResponse, ListOperationsRequest, ListOperationsResponse, NodePool,
    NodePoolAutoscaling, Operation, SetNodePoolAutoscalingRequest, SetNodePoolSizeRequest,
};
use google_cloud_container_v1::stub;
use google_cloud_gax::error::Error;
use google_cloud_gax::error::rpc::{Code, Status, StatusDetails};
use google_cloud_gax::options::RequestOptions;
use google_cloud_gax::response::Response;
use google_cloud_rpc::model::ErrorInfo;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::world::World;
use crate::world::testing::{Seen, world};

type Answer<T> = google_cloud_gax::Result<Response<T>>;

/// What happens to a request instead of being carried out.
#[derive(Debug, Clone)]
pub(super) enum Fate {
    /// It is refused.
    Refused(Status),
    /// It is carried out, and the answer is lost.
    Lost,
    /// It never arrives, and nobody can tell.
    Vanished,
    /// It is carried out, and answered after so many seconds.
    Slow(u64),
    /// It is refused, and somebody else sets the autoscaling meanwhile.
    Overtaken(Status, NodePoolAutoscaling),
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) pool: NodePool,
    pub(super) sizes: Vec<i32>,
    pub(super) log: Vec<String>,
    pub(super) fates: BTreeMap<&'static str, VecDeque<Fate>>,
    /// Operations by name, with what they are once done.
    pub(super) operations: BTreeMap<String, (Instant, Operation)>,
    /// How an operation ends that is accepted from now on.
    pub(super) ending: Operation,
    pub(super) takes: Duration,
    /// How long until an operation is in the list.
    pub(super) listed: Duration,
    began: Instant,
}

#[derive(Debug)]
pub(super) struct Gke(Mutex<State>);

pub(super) const POOL: &str = "nb-user";
const LINK: &str = "https://container.googleapis.com/v1/projects/1/locations/r/clusters";

pub(super) fn autoscaling(min: i32, max: i32) -> NodePoolAutoscaling {
    NodePoolAutoscaling::new()
        .set_enabled(true)
        .set_min_node_count(min)
        .set_max_node_count(max)
}

pub(super) fn refused(code: Code, text: &str) -> Fate {
    Fate::Refused(Status::default().set_code(code).set_message(text))
}

pub(super) fn busy(operation: &str) -> Status {
    Status::default()
        .set_code(Code::FailedPrecondition)
        .set_message(format!(
            "Cluster is running incompatible operation {operation}."
        ))
        .set_details([StatusDetails::ErrorInfo(
            ErrorInfo::new().set_reason("CLUSTER_ALREADY_HAS_OPERATION"),
        )])
}

impl Gke {
    /// A pool with 0..20 nodes in one zone, and the world around it.
    pub(super) fn new() -> (Arc<Self>, World, Seen) {
        let state = State {
            pool: NodePool::new()
                .set_name(POOL)
                .set_locations(["northamerica-northeast1-b"])
                .set_autoscaling(autoscaling(0, 20)),
            sizes: Vec::new(),
            log: Vec::new(),
            fates: BTreeMap::new(),
            operations: BTreeMap::new(),
            ending: Operation::new(),
            takes: Duration::from_secs(45),
            listed: Duration::ZERO,
            began: Instant::now(),
        };
        let gke = Arc::new(Self(Mutex::new(state)));
        let client = ClusterManager::from_stub::<Self>(Arc::clone(&gke));
        let (world, seen) = world(Some(client), None);
        (gke, world, seen)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Spreads the pool over three zones.
    pub(super) fn spread(&self) {
        let mut state = self.state();
        state.pool.locations = ["a", "b", "c"].map(str::to_owned).to_vec();
    }

    pub(super) fn fate(&self, verb: &'static str, fate: Fate) {
        self.state().fates.entry(verb).or_default().push_back(fate);
    }

    /// Requests that change something.
    pub(super) fn writes(&self) -> Vec<String> {
        let log = self.state().log.clone();
        log.into_iter().filter(|r| r.starts_with("set")).collect()
    }

    fn begin(&self, verb: &'static str, entry: String) -> Option<Fate> {
        let mut state = self.state();
        state.log.push(entry);
        state.fates.get_mut(verb)?.pop_front()
    }

    async fn look<T>(&self, verb: &'static str, answer: impl FnOnce(&State) -> T) -> Answer<T> {
        match self.begin(verb, verb.to_owned()) {
            None => Ok(Response::from(answer(&self.state()))),
            Some(Fate::Refused(status)) => Err(Error::service(status)),
            Some(Fate::Slow(seconds)) => {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(Response::from(answer(&self.state())))
            }
            Some(_) => Err(Error::io("connection reset by peer")),
        }
    }

    async fn change(
        &self,
        (verb, entry): (&'static str, String),
        apply: impl FnOnce(&mut State) -> Operation,
    ) -> Answer<Operation> {
        match self.begin(verb, entry) {
            None => Ok(Response::from(self.state().accept(apply))),
            Some(Fate::Lost) => {
                self.state().accept(apply);
                Err(Error::io("connection reset by peer"))
            }
            Some(Fate::Slow(seconds)) => {
                let operation = self.state().accept(apply);
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(Response::from(operation))
            }
            Some(Fate::Vanished) => Err(Error::timeout("no answer")),
            Some(Fate::Refused(status)) => Err(Error::service(status)),
            Some(Fate::Overtaken(status, theirs)) => {
                self.state().pool.autoscaling = Some(theirs);
                Err(Error::service(status))
            }
        }
    }
}

impl State {
    fn accept(&mut self, apply: impl FnOnce(&mut Self) -> Operation) -> Operation {
        let operation = apply(self);
        let name = format!("operation-{}", self.operations.len() + 1);
        self.run(&name, operation)
    }

    /// Starts an operation now; it ends as `ending` says.
    pub(super) fn run(&mut self, name: &str, operation: Operation) -> Operation {
        let epoch: Timestamp = "2026-01-15T13:00:00Z".parse().unwrap();
        let operation = operation
            .set_name(name)
            .set_status(Stage::Running)
            .set_start_time((epoch + self.began.elapsed()).to_string());
        self.operations
            .insert(name.to_owned(), (Instant::now(), operation.clone()));
        operation
    }

    fn seen(&self, name: &str) -> Option<Operation> {
        let (began, operation) = self.operations.get(name)?;
        if began.elapsed() < self.takes {
            return Some(operation.clone());
        }
        let mut done = self.ending.clone();
        done.name.clone_from(&operation.name);
        done.operation_type = operation.operation_type.clone();
        done.target_link.clone_from(&operation.target_link);
        done.start_time.clone_from(&operation.start_time);
        Some(done.set_status(Stage::Done))
    }
}

/// An operation on the pool, or on the whole cluster.
pub(super) fn operation(kind: Type, pool: bool) -> Operation {
    let link = if pool {
        format!("{LINK}/callysto-cluster/nodePools/{POOL}")
    } else {
        format!("{LINK}/callysto-cluster")
    };
    Operation::new()
        .set_operation_type(kind)
        .set_target_link(link)
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

impl stub::ClusterManager for Gke {
    async fn get_cluster(&self, _: GetClusterRequest, _: RequestOptions) -> Answer<Cluster> {
        self.look("getCluster", |state| {
            Cluster::new()
                .set_name("callysto-cluster")
                .set_location("northamerica-northeast1")
                .set_current_master_version("1.33.4")
                .set_node_pools([NodePool::new().set_name("core"), state.pool.clone()])
        })
        .await
    }

    async fn get_node_pool(&self, r: GetNodePoolRequest, _: RequestOptions) -> Answer<NodePool> {
        if last(&r.name) != POOL {
            let text = format!("Not found: {}.", r.name);
            let status = Status::default().set_code(Code::NotFound);
            return Err(Error::service(status.set_message(text)));
        }
        self.look("getNodePool", |state| state.pool.clone()).await
    }

    async fn list_node_pools(
        &self,
        _: ListNodePoolsRequest,
        _: RequestOptions,
    ) -> Answer<ListNodePoolsResponse> {
        self.look("listNodePools", |state| {
            ListNodePoolsResponse::new()
                .set_node_pools([NodePool::new().set_name("core"), state.pool.clone()])
        })
        .await
    }

    async fn set_node_pool_autoscaling(
        &self,
        r: SetNodePoolAutoscalingRequest,
        _: RequestOptions,
    ) -> Answer<Operation> {
        let whole = r.autoscaling.unwrap();
        let (min, max) = (whole.min_node_count, whole.max_node_count);
        let (least, most) = (whole.total_min_node_count, whole.total_max_node_count);
        let entry = format!("setAutoscaling {min}..{max} total {least}..{most}");
        self.change(("setAutoscaling", entry), |state| {
            state.pool.autoscaling = Some(whole);
            operation(Type::UpdateCluster, false)
        })
        .await
    }

    async fn set_node_pool_size(
        &self,
        r: SetNodePoolSizeRequest,
        _: RequestOptions,
    ) -> Answer<Operation> {
        self.change(("setSize", format!("setSize {}", r.node_count)), |state| {
            state.sizes.push(r.node_count);
            operation(Type::SetNodePoolSize, true)
        })
        .await
    }

    async fn get_operation(&self, r: GetOperationRequest, _: RequestOptions) -> Answer<Operation> {
        let name = last(&r.name).to_owned();
        if self.state().seen(&name).is_none() {
            self.state().log.push("getOperation".to_owned());
            let status = Status::default().set_code(Code::NotFound);
            return Err(Error::service(status.set_message("Not found: operation")));
        }
        self.look("getOperation", |state| state.seen(&name).unwrap())
            .await
    }

    async fn list_operations(
        &self,
        _: ListOperationsRequest,
        _: RequestOptions,
    ) -> Answer<ListOperationsResponse> {
        self.look("listOperations", |state| {
            let known = state.operations.iter();
            ListOperationsResponse::new().set_operations(
                known
                    .filter(|(_, (began, _))| began.elapsed() >= state.listed)
                    .filter_map(|(name, _)| state.seen(name))
                    .collect::<Vec<_>>(),
            )
        })
        .await
    }
}
