//! Until the nodes of a pool are gone, or the people on them are idle.
//!
//! Takes nothing away itself: the autoscaler does, or a resize. It says of every node that is still
//! there why it stays.

mod crowd;
mod occupant;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, LocalBoxStream, SelectAll};
use jiff::Timestamp;

use self::state::{Goal, Heard, State};
use super::call::Scope;
use super::error::Error;
use super::follow::{Far, Followed as _, follow};
use super::object::{BudgetObject, NodeObject, PodObject};
use super::watch::{Renewals, watch};
use super::{autoscaler, node, user};
use crate::error;
use crate::event::{Usual, seconds};
use crate::names::Took;
use crate::world::World;
use crate::world::wait::Wait;

pub use crowd::{Crowd, crowd};

/// When people were last active, by their hub's namespace and their name, as far as a hub tells:
/// the same name at another hub is another server.
pub type Activity = BTreeMap<(String, String), Timestamp>;

/// What is wanted of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// The pool.
    pub pool: String,
    /// How many nodes may stay, in total.
    pub keep: u32,
    /// How long it usually takes; zero when nobody knows.
    pub usual: Duration,
    /// When to give up.
    pub limit: Duration,
}

/// What became of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// How many nodes have gone since this began.
    pub gone: u32,
    /// How many are left.
    pub left: u32,
    /// How long it was watched.
    pub took: Duration,
}

/// What the autoscaler says is read this often.
const ASK: Duration = Duration::from_mins(1);

/// The pool's size is looked at this often once its nodes are gone.
const LOOK: Duration = Duration::from_secs(10);

/// Waits until no more than `keep` nodes of a pool are left, as node objects and as its size.
/// `active` tells from time to time when people were last active; `failure` ends the wait at once
/// with its error.
///
/// # Errors
/// Kind `timed-out` naming each node and why it stays, `failure`'s own error, or that of a request.
pub async fn wait_gone(
    world: &World,
    want: Leave,
    active: LocalBoxStream<'_, Activity>,
    failure: impl Future<Output = error::Error>,
) -> error::Result<Gone> {
    let there = count(node::nodes(world, &want.pool).await?.len());
    let what = match want.keep {
        0 => format!("all nodes of {} gone", want.pool),
        keep => format!("nodes of {} down to {keep}", want.pool),
    };
    let of = there.saturating_sub(want.keep).into();
    let usual = seconds(want.usual);
    let estimate = (usual > 0).then_some(Usual::estimate(usual, usual));
    let mut watched = Wait::begin(world, what.clone(), of, estimate, want.limit)?;
    let left = watched.left();
    let goal = Goal::Gone {
        there,
        keep: want.keep,
    };
    let mut state = State::new(goal);
    let failure = pin!(failure);
    let result = tokio::select! {
        biased;
        error = failure => Err(error),
        gone = until_gone(world, &want, &mut state, active, &mut watched) => gone,
        () = world.clock().sleep(left) => {
            let hint = format!(
                "the nodes go by themselves some ten minutes after the last person has left; go \
                 on watching with `runbook resume`, or empty {} with --now",
                want.pool
            );
            Err(timed_out(world, what, want.limit, &state, hint))
        }
    };
    let took = watched.watched();
    watched.end(result.is_ok());
    let left = result?;
    Ok(Gone {
        gone: there.saturating_sub(left),
        left,
        took,
    })
}

async fn until_gone(
    world: &World,
    want: &Leave,
    state: &mut State,
    active: LocalBoxStream<'_, Activity>,
    watched: &mut Wait,
) -> error::Result<u32> {
    let news = open(world, &want.pool, active);
    follow(world, state, news, watched).await?;
    loop {
        // A machine that is being made has no node yet, and would still come.
        let total = autoscaler::present(world, &want.pool).await?.total;
        if total <= want.keep {
            return Ok(total);
        }
        world.clock().sleep(LOOK).await;
    }
}

/// Waits until nobody with a server on the nodes of `pool` has been active for `idle`. Those of
/// whom nobody tells when they were active count as active until their server is gone.
///
/// # Errors
/// Kind `timed-out` saying where people are, or that of a request.
pub async fn wait_idle(
    world: &World,
    pool: &str,
    idle: Duration,
    limit: Duration,
    active: LocalBoxStream<'_, Activity>,
) -> error::Result<()> {
    let people = count(user::users(world, Some(pool)).await?.len());
    let what = format!("people on {pool} idle for {}", Took(idle));
    let mut watched = Wait::begin(world, what.clone(), people.into(), None, limit)?;
    let left = watched.left();
    let mut state = State::new(Goal::Idle(idle));
    let news = open(world, pool, active);
    let result = tokio::select! {
        biased;
        idle = follow(world, &mut state, news, &mut watched) => idle,
        () = world.clock().sleep(left) => {
            let hint = "go on waiting with `runbook resume`, or ask them to save and stop";
            Err(timed_out(world, what, limit, &state, hint.to_owned()))
        }
    };
    watched.end(result.is_ok());
    result
}

fn count(nodes: usize) -> u32 {
    u32::try_from(nodes).unwrap_or(u32::MAX)
}

/// Everything that is heard of a pool whose nodes are to go.
fn open<'a>(
    world: &World,
    pool: &str,
    active: LocalBoxStream<'a, Activity>,
) -> SelectAll<LocalBoxStream<'a, Heard>> {
    let renewals = Renewals::default();
    stream::select_all([
        watch::<NodeObject, _>(world, node::scope(pool), &renewals)
            .map(Heard::Nodes)
            .boxed_local(),
        watch::<PodObject, _>(world, Scope::cluster(""), &renewals)
            .map(Heard::Pods)
            .boxed_local(),
        watch::<BudgetObject, _>(world, Scope::cluster(""), &renewals)
            .map(Heard::Budgets)
            .boxed_local(),
        active.map(Heard::Active).boxed_local(),
        back_off(world, pool).map(Heard::BackOff).boxed_local(),
    ])
}

/// Why the autoscaler does nothing about a pool, from time to time; none when it works.
fn back_off(world: &World, pool: &str) -> LocalBoxStream<'static, Option<String>> {
    let (world, pool) = (world.clone(), pool.to_owned());
    let looks = stream::unfold((world, pool, true), async |(world, pool, first)| {
        if !first {
            world.clock().sleep(ASK).await;
        }
        // Who may not read it hears a little less of why nodes stay.
        let groups = autoscaler::groups(&world).await.unwrap_or_default();
        let mut ours = groups.iter().filter(|group| group.pool == pool);
        let backs_off = ours.find(|group| group.scale_up == "Backoff");
        let why = backs_off.map(|group| format!("the autoscaler backs off: {}", group.why));
        Some((why, (world, pool, false)))
    });
    looks.boxed_local()
}

fn timed_out(
    world: &World,
    what: String,
    limit: Duration,
    state: &State,
    hint: String,
) -> error::Error {
    let Far { done, of, .. } = state.far(world.clock().now());
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let timed_out = Error::TimedOut {
        what,
        done: small(done),
        of: small(of),
        limit,
        missing: state.staying(world.clock().now()),
        hint,
    };
    timed_out.into()
}
