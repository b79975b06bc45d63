//! The size of a pool: larger without losing a node, or smaller on purpose.

use super::Error;
use super::operation::Operation;
use super::pool::{Pool, fetch};
use super::write::{Body, Intent, Kind, Plan, left_by, write};
use crate::error;
use crate::names::Class;
use crate::world::{Begun, World};

/// How many nodes there are: the greater of node objects and the autoscaler's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// In all zones together.
    pub total: u32,
    /// In the zone that has most; GKE gives every zone the same size, so this one must not lose
    /// any. The same as `total` in a pool of one zone.
    pub fullest: u32,
}

/// Sets a pool's size so that it has at least `wanted` nodes in total, and returns as soon as GKE
/// has accepted that; none, with nothing sent, when they are there already.
///
/// `present` is asked before every try, because waiting for another operation can take long
/// enough for an old number to shrink the pool.
///
/// # Errors
/// When GKE refuses, or `present` fails.
pub async fn grow(
    world: &World,
    pool: &str,
    wanted: u32,
    present: impl AsyncFn() -> error::Result<Present>,
) -> error::Result<Option<Operation>> {
    let after = nodes(wanted);
    let intent = Intent::new(Kind::Size, pool, "Pool.grow", Class::WriteConverge, after);
    let plan = async || {
        let zones = Pool::from(fetch(world, pool).await?).zones;
        let present = present().await?;
        // Every zone gets the same size: the fullest must not lose any.
        let each = wanted.div_ceil(zones).max(present.fullest);
        Ok::<_, Error>((wanted > present.total).then(|| plan(pool, (zones, each), wanted, present)))
    };
    let sent = write(world, &intent, plan).await?;
    Ok(sent.map(|sent| sent.operation))
}

/// Sets a pool's size so that it has `keep` nodes in total, and returns as soon as GKE has accepted
/// that; none, with nothing sent, when there are no more than that. GKE chooses the nodes by chance,
/// whoever works on them, and evicts their pods: look first.
///
/// `present` is asked before every try, so that a pool is never made larger.
///
/// # Errors
/// When GKE refuses, or `present` fails.
pub async fn shrink(
    world: &World,
    pool: &str,
    keep: u32,
    present: impl AsyncFn() -> error::Result<Present>,
) -> error::Result<Option<Operation>> {
    let plan = async || {
        let zones = Pool::from(fetch(world, pool).await?).zones;
        let present = present().await?;
        let each = keep.div_ceil(zones);
        let smaller = each.saturating_mul(zones) < present.total;
        Ok::<_, Error>(smaller.then(|| plan(pool, (zones, each), keep, present)))
    };
    let sent = write(world, &shrinking(pool, keep), plan).await?;
    Ok(sent.map(|sent| sent.operation))
}

/// The resize that an earlier session was about to send, if it arrived.
///
/// # Errors
/// When nothing can be seen.
pub async fn shrink_left_by(
    world: &World,
    pool: &str,
    keep: u32,
    begun: &Begun,
) -> error::Result<Option<Operation>> {
    Ok(left_by(world, &shrinking(pool, keep), begun).await?)
}

fn shrinking(pool: &str, keep: u32) -> Intent {
    let after = nodes(keep);
    Intent::new(Kind::Size, pool, "Pool.shrink", Class::WriteOnce, after)
}

fn plan(pool: &str, (zones, each): (u32, u32), wanted: u32, present: Present) -> Plan {
    let total = each.saturating_mul(zones);
    Plan {
        body: Body::Size(i32::try_from(each).unwrap_or(i32::MAX)),
        say: (total != wanted).then(|| {
            format!(
                "{pool} spans {zones} zones of one size: {each} in each, {total} in all instead of \
                 {wanted}."
            )
        }),
        before: nodes(present.total),
        after: nodes(total),
    }
}

fn nodes(count: u32) -> String {
    format!("{count} node{}", if count == 1 { "" } else { "s" })
}
