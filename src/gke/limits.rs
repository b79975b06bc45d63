//! Raising the limits of a pool's autoscaler, and nothing else of it.

use std::time::Duration;

use google_cloud_container_v1::model::NodePoolAutoscaling;

use super::Error;
use super::operation::{self, Operation};
use super::pool::{Limits, Pool, fetch};
use super::write::{Body, Write, write};
use crate::error;
use crate::event::{Change, Fate, Usual};
use crate::names::Class;
use crate::world::World;

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
    let mut done = None;
    loop {
        let plan = async || plan(world, pool, minimum, maximum).await;
        let Some(sent) = write(world, plan).await? else {
            return Ok(done);
        };
        let name = &sent.operation.name;
        let label = format!("limits of node pool {pool}: {name}");
        done = Some(operation::wait(world, name, &label, Some(USUAL), LIMIT).await?);
        // One found by its trace may be somebody else's: look again.
        if !sent.found {
            return Ok(done);
        }
    }
}

async fn plan(
    world: &World,
    name: &str,
    minimum: u32,
    maximum: u32,
) -> Result<Option<Write>, Error> {
    let found = fetch(world, name).await?;
    let before = found.autoscaling.clone().unwrap_or_default();
    let pool = Pool::from(found);
    let limits = raised(pool.limits, pool.zones, minimum, maximum);
    if pool.autoscaling && limits == pool.limits {
        return Ok(None);
    }
    let (min, max) = limits.totals(pool.zones);
    let rounded = pool.zones > 1 && (min, max) != (minimum, maximum);
    Ok(Some(Write {
        pool: name.to_owned(),
        say: rounded.then(|| {
            format!(
                "{name} spans {} zones, and its limits become {}.",
                pool.zones,
                words(limits, pool.zones)
            )
        }),
        change: Change {
            what: format!("node pool {name}: autoscaler limits"),
            before: if pool.autoscaling {
                words(pool.limits, pool.zones)
            } else {
                "off".to_owned()
            },
            after: words(limits, pool.zones),
            call: "Pool.raise_limits".to_owned(),
            class: Class::WriteConverge,
            operation: None,
            fate: Fate::InFlight,
        },
        body: Body::Autoscaling(applied(before, limits)),
    }))
}

/// The limits after raising, in the same kind; per zone they are rounded up.
fn raised(limits: Limits, zones: u32, minimum: u32, maximum: u32) -> Limits {
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
