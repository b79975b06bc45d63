//! Until a pool is warm: enough nodes that are Ready, open to pods, and hold the image.
//!
//! What was not checked is said, never assumed: a pool whose hubs have no image puller is warm
//! with `unchecked`, because waiting for a proof that cannot come would be a lie of its own.

mod pulls;
mod report;
mod state;
#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, SelectAll};
use serde::{Deserialize, Serialize};

use self::state::{Heard, State, View};
use super::call::{Scope, list};
use super::follow::follow;
use super::object::{EventObject, NodeObject, PodObject};
use super::watch::{Renewals, Update, watch};
use super::{node, puller};
use crate::error;
use crate::event::{Item, Usual, seconds};
use crate::world::World;
use crate::world::wait::Wait;

/// What is wanted of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The pool.
    pub pool: String,
    /// How many nodes, in total.
    pub nodes: u32,
    /// The image they must hold; none for whatever the hubs' image pullers pull.
    pub image: Option<String>,
    /// How long it usually takes; zero when nobody knows.
    pub usual: Duration,
    /// When to give up.
    pub limit: Duration,
}

impl Want {
    /// `2 nodes of nb-user`.
    fn what(&self) -> String {
        let plural = if self.nodes == 1 { "" } else { "s" };
        format!("{} node{plural} of {}", self.nodes, self.pool)
    }
}

/// A pool that is warm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warm {
    /// What was proved of each node.
    pub nodes: Vec<Proof>,
    /// How long it took; zero when it was warm already.
    pub took: Duration,
    /// What was not checked, and why.
    pub unchecked: Option<String>,
}

/// What was proved of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The node.
    pub node: String,
    /// The images it holds for certain.
    pub images: Vec<String>,
    /// By what: `image puller in prod, staging`, `node.status.images`, `not checked`.
    pub by: String,
}

/// What one look at a pool found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It is warm.
    Warm(Warm),
    /// It is not: where each node is, those that are not there yet among them.
    Cold(Vec<Item>),
}

/// Looks once whether a pool is warm.
///
/// # Errors
/// When nodes or pods cannot be listed.
pub async fn check(world: &World, want: &Want) -> error::Result<Look> {
    let now = world.clock().now();
    let mut state = State::new(want, now);
    state.choose(puller::puller(world).await?, &world.target().watch);
    let nodes = list::<NodeObject, _>(world, &node::scope(&want.pool), From::from).await?;
    state.nodes(Update::All(nodes));
    for scope in pulling(world, &state) {
        let pods = list::<PodObject, _>(world, &scope, From::from).await?;
        state.pods(scope.namespace.as_deref(), Update::All(pods), now);
    }
    let view = state.view(now);
    Ok(if view.done >= want.nodes {
        Look::Warm(warm(&state, view, Duration::ZERO))
    } else {
        Look::Cold(view.items)
    })
}

/// Waits until a pool is warm. `failure` ends the wait at once with its error: what the caller
/// knows of (a failed operation) decides over what is seen here.
///
/// # Errors
/// Kind `image` when an image cannot be pulled, `timed-out` naming each node that is missing,
/// `failure`'s own error, or that of a request.
pub async fn wait(
    world: &World,
    want: Want,
    failure: impl Future<Output = error::Error>,
) -> error::Result<Warm> {
    let began = world.clock().now();
    let usual = seconds(want.usual);
    let estimate = (usual > 0).then_some(Usual::estimate(usual, usual));
    let of = want.nodes.into();
    let mut watched = Wait::begin(world, want.what(), of, estimate, want.limit)?;
    let left = watched.left();
    let mut state = State::new(&want, began);
    let failure = pin!(failure);
    let result = tokio::select! {
        biased;
        error = failure => Err(error),
        warm = until_warm(world, &mut state, &mut watched) => warm,
        () = world.clock().sleep(left) => {
            Err(report::timed_out(&want, &state.view(world.clock().now())).into())
        }
    };
    watched.end(result.is_ok());
    result
}

/// Follows the pool until it is warm.
async fn until_warm(world: &World, state: &mut State, wait: &mut Wait) -> error::Result<Warm> {
    state.choose(puller::puller(world).await?, &world.target().watch);
    let news = open(world, state);
    follow(world, state, news, wait).await?;
    let view = state.view(world.clock().now());
    Ok(warm(state, view, wait.watched()))
}

fn warm(state: &State, view: View, took: Duration) -> Warm {
    Warm {
        unchecked: state.unchecked(&view.proofs),
        nodes: view.proofs,
        took,
    }
}

/// Where to look for pods of the pullers that count.
fn pulling(world: &World, state: &State) -> Vec<Scope> {
    let mut scopes = puller::scopes(world);
    scopes.retain(|scope| state.pulls_in(scope.namespace.as_deref()));
    scopes
}

/// Opens every watch of the wait.
fn open(world: &World, state: &mut State) -> SelectAll<stream::BoxStream<'static, Heard>> {
    let renewals = Renewals::default();
    let mut all = stream::select_all([
        watch::<NodeObject, _>(world, node::scope(state.pool()), &renewals)
            .map(Heard::Nodes)
            .boxed(),
        watch::<EventObject, _>(world, Scope::cluster(""), &renewals)
            .map(Heard::Events)
            .boxed(),
    ]);
    for scope in pulling(world, state) {
        let namespace: Option<Arc<str>> = scope.namespace.as_deref().map(Arc::from);
        state.expect(namespace.as_deref());
        all.push(
            watch::<PodObject, _>(world, scope, &renewals)
                .map(move |update| Heard::Pods(namespace.clone(), update))
                .boxed(),
        );
    }
    all
}
