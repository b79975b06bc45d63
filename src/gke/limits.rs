//! The limits of a pool's autoscaler, and nothing else of it.

use std::time::Duration;

use google_cloud_container_v1::model::NodePoolAutoscaling;

use super::Error;
use super::operation::{self, Operation};
use super::pool::{Limits, Pool, fetch};
use super::write::{Body, Intent, Kind, Plan, left_by, write};
use crate::error;
use crate::event::Usual;
use crate::names::Class;
use crate::world::{Begun, World};

/// How long GKE usually takes over it.
const USUAL: Usual = Usual::estimate(10, 90);

/// A resize of the control plane in between has been seen to take twenty minutes.
const LIMIT: Duration = Duration::from_mins(30);

/// Raises a pool's autoscaler limits to at least `minimum` and `maximum` nodes in total, and waits
/// until that is done. Higher limits stay; autoscaling found off is switched on. Returns none,
/// with nothing sent, when there is nothing to raise.
///
/// # Errors
/// When GKE refuses, or the operation fails or takes too long.
pub async fn raise_limits(
    world: &World,
    pool: &str,
    minimum: u32,
    maximum: u32,
) -> error::Result<Option<Operation>> {
    let call = ("Pool.raise_limits", Class::WriteConverge);
    bring(world, pool, (minimum, maximum), call, raised).await
}

/// Sets a pool's autoscaler limits to exactly `minimum` and `maximum` nodes in total, lower ones
/// included, and waits until that is done; the autoscaler then removes idle nodes by itself.
/// Autoscaling found off is switched on. Returns none, with nothing sent, when they are that.
///
/// # Errors
/// When the limits make no sense, GKE refuses, or the operation fails or takes too long.
pub async fn set_limits(
    world: &World,
    pool: &str,
    minimum: u32,
    maximum: u32,
) -> error::Result<Option<Operation>> {
    if maximum == 0 || minimum > maximum {
        let fact = format!("{minimum} to {maximum} nodes are no limits for node pool {pool}");
        let hint = "the maximum is at least 1, and at least the minimum";
        return Err(error::Error::new(error::Kind::Script, fact).hint(hint));
    }
    let call = ("Pool.set_limits", Class::WriteOnce);
    bring(world, pool, (minimum, maximum), call, exactly).await
}

/// Whether the limits that an earlier session was about to set were set: none when they are not
/// these, else whether anything had to be changed. Waits for what it finds.
///
/// # Errors
/// When nothing can be seen, or the operation failed.
pub async fn limits_left_by(
    world: &World,
    pool: &str,
    (minimum, maximum): (u32, u32),
    begun: &Begun,
) -> error::Result<Option<bool>> {
    let intent = intent(
        pool,
        (minimum, maximum),
        ("Pool.set_limits", Class::WriteOnce),
    );
    let left = left_by(world, &intent, begun).await?;
    if let Some(operation) = &left {
        finish(world, pool, &operation.name).await?;
    }
    // What was found by its trace may be somebody else's.
    let as_wanted = plan(world, pool, (minimum, maximum), exactly)
        .await?
        .is_none();
    Ok(as_wanted.then_some(left.is_some() || !begun.changes.is_empty()))
}

type Wanted = (u32, u32);

fn intent(pool: &str, (minimum, maximum): Wanted, (call, class): (&str, Class)) -> Intent {
    let after = format!("{minimum}..{maximum} nodes");
    Intent::new(Kind::Autoscaling, pool, call, class, after)
}

/// Brings the limits to what `change` makes of them, and waits until that is done.
async fn bring(
    world: &World,
    pool: &str,
    wanted: Wanted,
    call: (&str, Class),
    change: fn(Limits, u32, Wanted) -> Limits,
) -> error::Result<Option<Operation>> {
    let intent = intent(pool, wanted, call);
    let mut done = None;
    loop {
        let plan = async || plan(world, pool, wanted, change).await;
        let Some(sent) = write(world, &intent, plan).await? else {
            return Ok(done);
        };
        done = Some(finish(world, pool, &sent.operation.name).await?);
        // One found by its trace may be somebody else's: look again.
        if !sent.found {
            return Ok(done);
        }
    }
}

/// Waits until the operation that changes the limits is over.
async fn finish(world: &World, pool: &str, operation: &str) -> error::Result<Operation> {
    let label = format!("limits of node pool {pool}: {operation}");
    operation::wait(world, operation, &label, Some(USUAL), LIMIT).await
}

async fn plan(
    world: &World,
    name: &str,
    wanted: Wanted,
    change: fn(Limits, u32, Wanted) -> Limits,
) -> Result<Option<Plan>, Error> {
    let found = fetch(world, name).await?;
    let before = found.autoscaling.clone().unwrap_or_default();
    let pool = Pool::from(found);
    let limits = change(pool.limits, pool.zones, wanted);
    if pool.autoscaling && limits == pool.limits {
        return Ok(None);
    }
    let rounded = pool.zones > 1 && limits.totals(pool.zones) != wanted;
    Ok(Some(Plan {
        say: rounded.then(|| {
            format!(
                "{name} spans {} zones, and its limits become {}.",
                pool.zones,
                words(limits, pool.zones)
            )
        }),
        before: if pool.autoscaling {
            words(pool.limits, pool.zones)
        } else {
            "off".to_owned()
        },
        after: words(limits, pool.zones),
        body: Body::Autoscaling(applied(before, limits)),
    }))
}

/// These very limits, in the same kind; per zone they are rounded up.
fn exactly(limits: Limits, zones: u32, (minimum, maximum): Wanted) -> Limits {
    match limits {
        Limits::PerZone { .. } => Limits::PerZone {
            min: minimum.div_ceil(zones),
            max: maximum.div_ceil(zones),
        },
        Limits::Total { .. } => Limits::Total {
            min: minimum,
            max: maximum,
        },
    }
}

/// The limits after raising, in the same kind; per zone they are rounded up.
fn raised(limits: Limits, zones: u32, (minimum, maximum): Wanted) -> Limits {
    let maximum = maximum.max(minimum);
    match limits {
        Limits::PerZone { min, max } => {
            let min = min.max(minimum.div_ceil(zones));
            Limits::PerZone {
                min,
                max: max.max(maximum.div_ceil(zones)).max(min),
            }
        }
        Limits::Total { min, max } => {
            let min = min.max(minimum);
            Limits::Total {
                min,
                max: max.max(maximum).max(min),
            }
        }
    }
}

/// GKE replaces the whole message: everything that is not ours is sent back as it was.
fn applied(mut whole: NodePoolAutoscaling, limits: Limits) -> NodePoolAutoscaling {
    let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    whole.enabled = true;
    match limits {
        Limits::PerZone { min, max } => {
            whole.min_node_count = number(min);
            whole.max_node_count = number(max);
        }
        Limits::Total { min, max } => {
            whole.total_min_node_count = number(min);
            whole.total_max_node_count = number(max);
        }
    }
    whole
}

/// `2..20 nodes`, and per zone where that differs.
fn words(limits: Limits, zones: u32) -> String {
    let (least, most) = limits.totals(zones);
    match limits {
        Limits::PerZone { min, max } if zones > 1 => {
            format!("{least}..{most} nodes ({min}..{max} per zone)")
        }
        Limits::PerZone { .. } | Limits::Total { .. } => format!("{least}..{most} nodes"),
    }
}
