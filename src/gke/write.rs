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
use crate::names::Class;
use crate::world::retry::{Failure as _, Verdict};
use crate::world::{Begun, World};

/// An accepted operation is in the list after this long.
const LISTED: Duration = Duration::from_secs(5);

/// How far this machine's clock may be ahead of Google's.
const SKEW: Duration = Duration::from_secs(5);

/// What a call is about, before anybody has looked at the pool.
#[derive(Debug, Clone)]
pub(super) struct Intent {
    /// The pool.
    pub(super) pool: String,
    /// What is to be set.
    pub(super) kind: Kind,
    /// What it is for the run's account of itself, as far as it is known.
    pub(super) change: Change,
}

impl Intent {
    /// To bring `what` of a pool to `after`.
    pub(super) fn new(kind: Kind, pool: &str, call: &str, class: Class, after: String) -> Self {
        let what = match kind {
            Kind::Autoscaling => "autoscaler limits",
            Kind::Size => "size",
        };
        Self {
            pool: pool.to_owned(),
            kind,
            change: Change {
                what: format!("node pool {pool}: {what}"),
                before: "not recorded".to_owned(),
                after,
                call: call.to_owned(),
                class,
                operation: None,
                fate: Fate::InFlight,
            },
        }
    }

    /// The request that carries it out.
    fn request(&self, world: &World) -> Request {
        let path = world.target().cluster.pool(&self.pool);
        let (verb, what) = match self.kind {
            Kind::Autoscaling => ("setAutoscaling", "autoscaling"),
            Kind::Size => ("setSize", "size"),
        };
        let what = format!("set the {what} of node pool {}", self.pool);
        Request::write(format!("{path}:{verb}"), what)
    }

    fn unknown(&self, world: &World, doubt: &str, look: &str) -> Error {
        Error::FateUnknown {
            what: self.request(world).what,
            text: format!("{doubt}; {look}"),
            cluster: world.target().cluster.clone(),
        }
    }
}

/// What can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The whole autoscaling message.
    Autoscaling,
    /// Nodes per zone.
    Size,
}

/// What is to be sent, after a look at the pool.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// What is sent.
    pub(super) body: Body,
    /// What the operator should know about it.
    pub(super) say: Option<String>,
    /// What it is now.
    pub(super) before: String,
    /// What it will be.
    pub(super) after: String,
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
/// nothing when things are as they should be. What an earlier session of the run sent is found
/// again instead of being sent again.
pub(super) async fn write(
    world: &World,
    intent: &Intent,
    plan: impl AsyncFn() -> Result<Option<Plan>, Error>,
) -> Result<Option<Sent>, Error> {
    if let Some(begun) = world.take_begun()
        && let Some(operation) = left_by(world, intent, &begun).await?
    {
        return Ok(Some(Sent {
            operation,
            found: true,
        }));
    }
    let began = world.clock().now();
    let mut doubtful: Option<(Plan, Timestamp)> = None;
    loop {
        let Some(plan) = plan().await? else {
            if let Some((plan, _)) = doubtful {
                // It arrived after all, and is already over.
                account(world, intent, Some(&plan), None)?;
            }
            return Ok(None);
        };
        // A trace of the first try may show up only after the second.
        let at = doubtful
            .as_ref()
            .map_or_else(|| world.clock().now(), |(_, at)| *at);
        let failure = match send(world, intent, &plan).await {
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
        if !busy || doubtful.is_some() {
            let found = look(world, intent, Some(&plan), at, busy).await;
            let found = found
                .map_err(|blind| intent.unknown(world, &failure.to_string(), &blind.to_string()))?;
            if let Some(operation) = found {
                return Ok(Some(Sent {
                    operation,
                    found: true,
                }));
            }
        }
        if let Error::Busy { operation, .. } = failure {
            busy::wait(world, &intent.request(world).what, operation, began).await?;
        } else if doubtful.is_some() {
            return Err(intent.unknown(world, &failure.to_string(), "no trace of it"));
        } else {
            doubtful = Some((plan, at));
        }
    }
}

/// The operation of what an earlier session sent, if it did and that is worth waiting for.
pub(super) async fn left_by(
    world: &World,
    intent: &Intent,
    begun: &Begun,
) -> Result<Option<Operation>, Error> {
    if begun.changes.is_empty() {
        // It may have left just before the session was killed.
        return look(world, intent, None, begun.at, false).await;
    }
    let mut noted = begun.changes.iter().rev();
    let Some(name) = noted.find_map(|change| change.operation.as_deref()) else {
        // It was over when it was noted.
        return Ok(None);
    };
    let told =
        |change: &Change| change.operation.as_deref() == Some(name) && change.fate == Fate::Failed;
    if world.changes().iter().any(told) {
        // A run that failed goes on with another try.
        return Ok(None);
    }
    match operation::fetch(world, &operation::request(world, name)).await {
        Ok(operation) => Ok(Some(operation)),
        // So long ago that GKE has forgotten it.
        Err(Error::NotFound { .. }) => {
            world.settled(name, Fate::Done)?;
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

async fn send(world: &World, intent: &Intent, plan: &Plan) -> Result<Operation, Error> {
    let path = world.target().cluster.pool(&intent.pool);
    world.may_change(&made(intent, Some(plan)))?;
    let request = intent.request(world);
    tracing::debug!(what = request.what, body = ?plan.body, "sending");
    let sent = call(
        world,
        &request,
        async |gke| match &plan.body {
            Body::Autoscaling(whole) => {
                let request = gke.set_node_pool_autoscaling().set_name(&path);
                request.set_autoscaling(whole.clone()).send().await
            }
            Body::Size(count) => {
                let request = gke.set_node_pool_size().set_name(&path);
                request.set_node_count(*count).send().await
            }
        },
        |sent| {
            account(
                world,
                intent,
                Some(plan),
                Some(operation::short(&sent.name)),
            )
        },
    );
    Ok(sent.await?.into())
}

/// What it changes, as it was found.
fn made(intent: &Intent, plan: Option<&Plan>) -> Change {
    let mut change = intent.change.clone();
    if let Some(plan) = plan {
        change.before.clone_from(&plan.before);
        change.after.clone_from(&plan.after);
    }
    change
}

/// Keeps a change: in the journal first, then in the run's account of itself.
fn account(
    world: &World,
    intent: &Intent,
    plan: Option<&Plan>,
    operation: Option<&str>,
) -> error::Result<()> {
    if let Some(text) = plan.and_then(|plan| plan.say.clone()) {
        world.emit(What::Said {
            level: Level::Info,
            text,
        });
    }
    let change = made(intent, plan);
    world.changed(Change {
        fate: if operation.is_none() {
            Fate::Done
        } else {
            Fate::InFlight
        },
        operation: operation.map(str::to_owned),
        ..change
    })
}

/// Looks for, and keeps, the operation that something sent at `at` left behind, if it arrived; if
/// it `holds` the pool, it is not over. Shielded: until that is known, stopping would lose the
/// operation's name.
async fn look(
    world: &World,
    intent: &Intent,
    plan: Option<&Plan>,
    at: Timestamp,
    holds: bool,
) -> Result<Option<Operation>, Error> {
    let looking = async {
        let found = trace(world, intent, at, holds).await?;
        if let Some(operation) = &found {
            account(world, intent, plan, Some(&operation.name))?;
        }
        Ok(found)
    };
    world.stop().shielded(looking).await
}

/// The operation that was begun at `at` or later, and not by another effect of this run.
async fn trace(
    world: &World,
    intent: &Intent,
    at: Timestamp,
    holds: bool,
) -> Result<Option<Operation>, Error> {
    world.clock().sleep(LISTED).await;
    let (kind, of_cluster) = match intent.kind {
        Kind::Autoscaling => ("UPDATE_CLUSTER", true),
        Kind::Size => ("SET_NODE_POOL_SIZE", false),
    };
    let pool = format!("/nodePools/{}", intent.pool);
    let known = world.changes();
    let known = |name: &str| {
        known
            .iter()
            .any(|change| change.operation.as_deref() == Some(name))
    };
    let found = operation::on_cluster(world).await?.into_iter();
    Ok(found
        .filter(|operation| operation.kind == kind && !(holds && operation.is_done()))
        .filter(|operation| {
            operation.target.ends_with(&pool)
                || of_cluster && !operation.target.contains("/nodePools/")
        })
        .filter(|operation| !known(&operation.name))
        .find(|operation| operation.started.is_some_and(|began| began >= at - SKEW)))
}
