//! Waiting, visibly, for whatever else holds the cluster.

use std::time::Duration;

use jiff::Timestamp;

use super::operation::{self, Operation};
use super::{Error, operation::pace};
use crate::event::{self, What};
use crate::world::World;

/// How long other operations may hold us up, all together.
const LIMIT: Duration = Duration::from_mins(45);

/// Waits for the operation that holds the cluster, by name where GKE gave one; we have been held
/// up since `began`.
pub(super) async fn wait(
    world: &World,
    what: &str,
    named: Option<String>,
    began: Timestamp,
) -> Result<(), Error> {
    let held = world.clock().since(began);
    let left = LIMIT.saturating_sub(held);
    let holder = holder(world, named.as_deref()).await?;
    let busy = |operation: Option<String>| Error::Busy {
        operation,
        cluster: world.target().cluster.clone(),
    };
    if left.is_zero() {
        return Err(busy(holder.map(|holder| holder.name).or(named)));
    }
    let Some(holder) = holder else {
        let pause = pace(held).min(left);
        world.emit(What::Retrying {
            what: what.to_owned(),
            why: busy(named).to_string(),
            after_seconds: event::seconds(pause),
        });
        world.clock().sleep(pause).await;
        return Ok(());
    };
    let label = format!("another operation: {} {}", holder.kind, holder.name);
    match operation::follow(world, &holder.name, &label, None, left).await {
        // How it ended is not our affair.
        Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
        Err(Error::TimedOut { name, .. }) => Err(busy(Some(name))),
        Err(failure) => Err(failure),
    }
}

/// The operation that holds the cluster, if it can still be seen at work.
async fn holder(world: &World, named: Option<&str>) -> Result<Option<Operation>, Error> {
    if let Some(name) = named {
        return match operation::fetch(world, &operation::request(world, name)).await {
            Ok(operation) => Ok(Some(operation).filter(|operation| !operation.is_done())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(failure) => Err(failure),
        };
    }
    let running = operation::on_cluster(world).await?;
    Ok(running.into_iter().find(|operation| !operation.is_done()))
}
