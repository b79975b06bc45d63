//! Sending a change so that it happens once: others are waited for, and when nobody knows
//! whether it arrived, its trace is looked for before it is sent again.

use std::time::Duration;

use google_cloud_container_v1::model::NodePoolAutoscaling;
use jiff::Timestamp;

use super::call::{Request, call};
use super::operation::{self, Operation};
use super::{Error, busy};
use crate::error;
use crate::event::{Change, Fate, Level, What};
use crate::world::World;
use crate::world::retry::{Failure as _, Verdict};

/// An accepted operation is in the list after this long.
const LISTED: Duration = Duration::from_secs(5);

/// How far this machine's clock may be ahead of Google's.
const SKEW: Duration = Duration::from_secs(5);

/// A change to a pool, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Write {
    /// The pool.
    pub(super) pool: String,
    /// What is sent.
    pub(super) body: Body,
    /// What the operator should know about it.
    pub(super) say: Option<String>,
    /// What it is, for the run's account of itself; the operation is filled in.
    pub(super) change: Change,
}

/// What is sent.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// The whole autoscaling message.
    Autoscaling(NodePoolAutoscaling),
    /// Nodes per zone.
    Size(i32),
}

/// A change that GKE accepted.
#[derive(Debug)]
pub(super) struct Sent {
    /// The work.
    pub(super) operation: Operation,
    /// Whether it was found by its trace instead of by its answer.
    pub(super) found: bool,
}

/// Sends what `plan` wants, once it can be sent; `plan` looks afresh before every try, and wants
/// nothing when things are as they should be.
pub(super) async fn write(
    world: &World,
    plan: impl AsyncFn() -> Result<Option<Write>, Error>,
) -> Result<Option<Sent>, Error> {
    let began = world.clock().now();
    let mut doubtful: Option<(Write, Timestamp)> = None;
    loop {
        let Some(write) = plan().await? else {
            if let Some((write, _)) = doubtful {
                // It arrived after all, and is already over.
                account(world, &write, None)?;
            }
            return Ok(None);
        };
        // A trace of the first try may show up only after the second.
        let at = doubtful
            .as_ref()
            .map_or_else(|| world.clock().now(), |(_, at)| *at);
        let failure = match send(world, &write).await {
            Ok(operation) => {
                return Ok(Some(Sent {
                    operation,
                    found: false,
                }));
            }
            Err(failure) => failure,
        };
        let busy = matches!(failure, Error::Busy { .. });
        if !busy && failure.verdict() != Verdict::Unknown {
            return Err(failure);
        }
        // What holds the pool may be the try that nobody answered.
        if (!busy || doubtful.is_some())
            && let Some(operation) = look(world, &write, at, &failure).await?
        {
            return Ok(Some(Sent {
                operation,
                found: true,
            }));
        }
        if let Error::Busy { operation, .. } = failure {
            busy::wait(world, &request(world, &write).what, operation, began).await?;
        } else if doubtful.is_some() {
            return Err(unknown(world, &write, &failure, "no trace of it"));
        } else {
            doubtful = Some((write, at));
        }
    }
}

fn request(world: &World, write: &Write) -> Request {
    let (pool, path) = (&write.pool, world.target().cluster.pool(&write.pool));
    match write.body {
        Body::Autoscaling(_) => Request::write(
            format!("{path}:setAutoscaling"),
            format!("set the autoscaling of node pool {pool}"),
        ),
        Body::Size(_) => Request::write(
            format!("{path}:setSize"),
            format!("set the size of node pool {pool}"),
        ),
    }
}

async fn send(world: &World, write: &Write) -> Result<Operation, Error> {
    let path = world.target().cluster.pool(&write.pool);
    let request = request(world, write);
    tracing::debug!(what = request.what, body = ?write.body, "sending");
    let sent = call(
        world,
        &request,
        async |gke| match &write.body {
            Body::Autoscaling(whole) => {
                let request = gke.set_node_pool_autoscaling().set_name(&path);
                request.set_autoscaling(whole.clone()).send().await
            }
            Body::Size(count) => {
                let request = gke.set_node_pool_size().set_name(&path);
                request.set_node_count(*count).send().await
            }
        },
        |operation| keep(world, write, operation::short(&operation.name)),
    );
    Ok(sent.await?.into())
}

/// Keeps an accepted operation.
fn keep(world: &World, write: &Write, operation: &str) -> error::Result<()> {
    account(world, write, Some(operation.to_owned()))
}

/// Keeps a change: in the journal first, then in the run's account of itself.
fn account(world: &World, write: &Write, operation: Option<String>) -> error::Result<()> {
    if let Some(text) = &write.say {
        world.emit(What::Said {
            level: Level::Info,
            text: text.clone(),
        });
    }
    world.changed(Change {
        fate: if operation.is_none() {
            Fate::Done
        } else {
            Fate::InFlight
        },
        operation,
        ..write.change.clone()
    })
}

/// Looks for, and keeps, the operation that a write sent at `at` left behind, if it arrived.
/// Shielded: until that is known, stopping would lose the operation's name.
async fn look(
    world: &World,
    write: &Write,
    at: Timestamp,
    doubt: &Error,
) -> Result<Option<Operation>, Error> {
    let looking = async {
        let holds = matches!(doubt, Error::Busy { .. });
        let found = trace(world, write, at, holds)
            .await
            .map_err(|blind| unknown(world, write, doubt, &blind.to_string()))?;
        if let Some(operation) = &found {
            keep(world, write, &operation.name)?;
        }
        Ok(found)
    };
    world.stop().shielded(looking).await
}

/// The operation that `write` began at `at` or later; if it `holds` the pool, it is not over.
async fn trace(
    world: &World,
    write: &Write,
    at: Timestamp,
    holds: bool,
) -> Result<Option<Operation>, Error> {
    world.clock().sleep(LISTED).await;
    let (kind, of_cluster) = match write.body {
        Body::Autoscaling(_) => ("UPDATE_CLUSTER", true),
        Body::Size(_) => ("SET_NODE_POOL_SIZE", false),
    };
    let pool = format!("/nodePools/{}", write.pool);
    let found = operation::on_cluster(world).await?.into_iter();
    Ok(found
        .filter(|operation| operation.kind == kind && !(holds && operation.is_done()))
        .filter(|operation| {
            operation.target.ends_with(&pool)
                || of_cluster && !operation.target.contains("/nodePools/")
        })
        .find(|operation| operation.started.is_some_and(|began| began >= at - SKEW)))
}

fn unknown(world: &World, write: &Write, doubt: &Error, look: &str) -> Error {
    Error::FateUnknown {
        what: request(world, write).what,
        text: format!("{doubt}; {look}"),
        cluster: world.target().cluster.clone(),
    }
}
