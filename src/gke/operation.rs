//! Operations: the work GKE accepted, followed to its end.

mod judge;
mod watch;

use google_cloud_container_v1::model::{self, operation::Status, operation_progress::Metric};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Error;
use super::call::{Request, read};
use crate::error;
use crate::world::World;

pub use watch::{failure, wait};
pub(super) use watch::{follow, pace};

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its short name, `operation-…`.
    pub name: String,
    /// Its type: `SET_NODE_POOL_SIZE`.
    pub kind: String,
    /// What it works on: `clusters/C` or `clusters/C/nodePools/P`.
    pub target: String,
    /// `PENDING`, `RUNNING`, `ABORTING`, `DONE`.
    pub status: String,
    /// How it is doing, in GKE's own words.
    pub detail: String,
    /// When it began.
    pub started: Option<Timestamp>,
    /// Parts done, of how many, where GKE counts them.
    pub progress: Option<(u64, u64)>,
    /// What went wrong, once it is done.
    pub failure: Option<String>,
}

impl Operation {
    /// Whether it is over, well or not.
    pub fn is_done(&self) -> bool {
        self.status == "DONE"
    }
}

impl From<model::Operation> for Operation {
    fn from(operation: model::Operation) -> Self {
        Self {
            kind: operation
                .operation_type
                .name()
                .unwrap_or("UNKNOWN")
                .to_owned(),
            target: aim(&operation).to_owned(),
            status: operation.status.name().unwrap_or("UNKNOWN").to_owned(),
            started: operation.start_time.parse().ok(),
            progress: progress(&operation),
            failure: (operation.status == Status::Done)
                .then(|| judge::failure(&operation))
                .flatten(),
            name: short(&operation.name).to_owned(),
            detail: operation.detail,
        }
    }
}

/// What an operation works on, from `clusters/` on.
fn aim(operation: &model::Operation) -> &str {
    let link = operation.target_link.as_str();
    let begin = link.find("clusters/");
    begin.and_then(|begin| link.get(begin..)).unwrap_or(link)
}

/// The last part of a name that may be a path.
pub(super) fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// `nodes done` of `nodes total`, however GKE spells them today.
fn progress(operation: &model::Operation) -> Option<(u64, u64)> {
    let metrics = &operation.progress.as_ref()?.metrics;
    let number = |metric: &Metric| u64::try_from(*metric.int_value()?).ok();
    let find = |word: &str| {
        metrics
            .iter()
            .find(|metric| metric.name.to_ascii_lowercase().ends_with(word))
            .and_then(number)
    };
    let total = find("total").filter(|total| *total > 0)?;
    Some((find("done").unwrap_or(0).min(total), total))
}

/// Reads one operation, by its short name.
///
/// # Errors
/// When it does not exist (any more), or cannot be read.
pub async fn get(world: &World, name: &str) -> error::Result<Operation> {
    let request = request(world, name);
    Ok(fetch(world, &request).await?)
}

/// The request that reads one operation.
pub(super) fn request(world: &World, name: &str) -> Request {
    let path = world.target().cluster.operation(short(name));
    Request::read(path, format!("read {}", short(name)))
}

pub(super) async fn fetch(world: &World, request: &Request) -> Result<Operation, Error> {
    let found = read(world, request, async |gke| {
        gke.get_operation().set_name(&request.path).send().await
    });
    Ok(found.await?.into())
}

/// Lists the operations on the target's cluster, oldest first.
///
/// # Errors
/// When they cannot be read.
pub async fn list(world: &World) -> error::Result<Vec<Operation>> {
    Ok(on_cluster(world).await?)
}

/// The same as GKE tells them, in its order.
pub(super) async fn told(world: &World) -> Result<Vec<model::Operation>, Error> {
    let cluster = &world.target().cluster;
    let parent = cluster.parent();
    let request = Request::read(format!("{parent}/operations"), "list operations");
    let found = read(world, &request, async |gke| {
        gke.list_operations().set_parent(&parent).send().await
    })
    .await?;
    let target = format!("clusters/{}", cluster.cluster);
    let ours = |operation: &model::Operation| {
        let rest = aim(operation).strip_prefix(&target);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    Ok(found.operations.into_iter().filter(ours).collect())
}

pub(super) async fn on_cluster(world: &World) -> Result<Vec<Operation>, Error> {
    let found = told(world).await?;
    let mut found: Vec<Operation> = found.into_iter().map(Operation::from).collect();
    found.sort_by(|a, b| (a.started, &a.name).cmp(&(b.started, &b.name)));
    Ok(found)
}
