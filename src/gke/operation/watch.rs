//! Watching one operation until it is over.

use std::time::Duration;

use super::super::Error;
use super::{Operation, fetch, judge, request, short};
use crate::error;
use crate::event::{Fate, Level, Usual, What};
use crate::world::World;
use crate::world::wait::Wait;

/// How long polling survives a service that does not answer.
const PATIENCE: Duration = Duration::from_mins(10);

/// A new operation may be unknown to GKE itself for a moment.
const UNSEEN: Duration = Duration::from_mins(2);

/// The pause before the next look at something that has been going on for `elapsed`.
pub(in crate::gke) fn pace(elapsed: Duration) -> Duration {
    Duration::from_secs(if elapsed < Duration::from_mins(2) {
        10
    } else {
        20
    })
}

/// Waits, visibly, until an operation has ended well, and settles the change it carried out.
///
/// `label` is what the operator sees being waited for, `usual` an estimate of its duration.
///
/// # Errors
/// When the operation failed, cannot be watched, or is still running after `limit`.
pub async fn wait(
    world: &World,
    name: &str,
    label: &str,
    usual: Option<Usual>,
    limit: Duration,
) -> error::Result<Operation> {
    let done = follow(world, name, label, usual, limit).await?;
    if let Some(cause) = &done.failure {
        world.settled(&done.name, Fate::Failed)?;
        return Err(judge::error(&done, cause, &world.target().cluster).into());
    }
    world.settled(&done.name, Fate::Done)?;
    Ok(done)
}

/// Waits, visibly, until an operation is over, well or not.
pub(in crate::gke) async fn follow(
    world: &World,
    name: &str,
    label: &str,
    usual: Option<Usual>,
    limit: Duration,
) -> Result<Operation, Error> {
    let mut wait = Wait::begin(world, label, 1, usual, limit)?;
    let mut watch = Watch::new(world, name);
    let end = loop {
        let seen = match watch.look().await {
            Ok(seen) => seen,
            Err(failure) => break Err(failure),
        };
        if let Some(operation) = seen {
            progress(&mut wait, &operation)?;
            if operation.is_done() {
                break Ok(operation);
            }
        }
        if wait.left().is_zero() {
            break Err(Error::TimedOut {
                name: short(name).to_owned(),
                limit,
                cluster: world.target().cluster.clone(),
            });
        }
        let pause = pace(wait.watched()).min(wait.left());
        world.clock().sleep(pause).await;
    };
    wait.end(end.as_ref().is_ok_and(|done| done.failure.is_none()));
    end
}

fn progress(wait: &mut Wait, operation: &Operation) -> error::Result<()> {
    let (done, of) = operation.progress.unwrap_or((0, 1));
    let done = if operation.is_done() && operation.failure.is_none() {
        of
    } else {
        done
    };
    let why = (!operation.detail.is_empty()).then(|| operation.detail.clone());
    wait.progress(done, of, Vec::new(), why)
}

/// Resolves when an operation fails, with the failure; never when it ends well, but then its
/// change is settled. For use beside a wait for what the operation should bring about.
pub async fn failure(world: &World, name: &str) -> error::Error {
    let began = world.clock().now();
    let mut watch = Watch::new(world, name);
    loop {
        match watch.look().await {
            Ok(Some(done)) if done.is_done() => {
                let fate = if done.failure.is_some() {
                    Fate::Failed
                } else {
                    Fate::Done
                };
                if let Err(unkept) = world.settled(&done.name, fate) {
                    return unkept;
                }
                let Some(cause) = &done.failure else {
                    return std::future::pending().await;
                };
                return judge::error(&done, cause, &world.target().cluster).into();
            }
            // After a silence, each try of which has been shown, it may be seen again.
            Ok(_) | Err(Error::Unreachable { .. } | Error::RateLimited { .. }) => {}
            // Not seeing it is no failure of it: what it should bring about decides.
            Err(blind) => {
                world.emit(What::Said {
                    level: Level::Warning,
                    text: format!("{} cannot be watched: {blind}", short(name)),
                });
                return std::future::pending().await;
            }
        }
        let pause = pace(world.clock().since(began));
        world.clock().sleep(pause).await;
    }
}

/// One operation, looked at again and again.
struct Watch<'a> {
    world: &'a World,
    request: super::Request,
    began: jiff::Timestamp,
    seen: bool,
}

impl<'a> Watch<'a> {
    fn new(world: &'a World, name: &str) -> Self {
        Self {
            world,
            request: super::Request {
                limit: PATIENCE,
                ..request(world, name)
            },
            began: world.clock().now(),
            seen: false,
        }
    }

    /// The operation, or none while GKE does not know it yet.
    async fn look(&mut self) -> Result<Option<Operation>, Error> {
        match fetch(self.world, &self.request).await {
            Ok(operation) => {
                self.seen = true;
                Ok(Some(operation))
            }
            Err(Error::NotFound { .. })
                if !self.seen && self.world.clock().since(self.began) < UNSEEN =>
            {
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}
