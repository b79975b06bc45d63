//! Watching one operation until it is over.

use std::time::Duration;

use super::super::Error;
use super::{Operation, fetch, judge, request, short};
use crate::error;
use crate::event::{self, Fate, Level, What};
use crate::world::World;

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
/// `label` is what the operator sees being waited for, `usual` its usual duration in seconds.
///
/// # Errors
/// When the operation failed, cannot be watched, or is still running after `limit`.
pub async fn wait(
    world: &World,
    name: &str,
    label: &str,
    usual: Option<(u64, u64)>,
    limit: Duration,
) -> error::Result<Operation> {
    let done = follow(world, name, label, usual, limit).await?;
    if let Some(cause) = &done.failure {
        world.settled(&done.name, Fate::Failed);
        return Err(judge::error(&done, cause, &world.target().cluster).into());
    }
    world.settled(&done.name, Fate::Done);
    Ok(done)
}

/// Waits, visibly, until an operation is over, well or not.
pub(in crate::gke) async fn follow(
    world: &World,
    name: &str,
    label: &str,
    usual: Option<(u64, u64)>,
    limit: Duration,
) -> Result<Operation, Error> {
    let (id, began) = (world.next_wait(), world.clock().now());
    world.emit(What::WaitBegan {
        id,
        what: label.to_owned(),
        of: 1,
        usual_seconds: usual,
        limit_seconds: event::seconds(limit),
    });
    let mut watch = Watch::new(world, name);
    let end = loop {
        let seen = match watch.look().await {
            Ok(seen) => seen,
            Err(failure) => break Err(failure),
        };
        if let Some(operation) = seen {
            let over = operation.is_done();
            world.emit(progress(id, &operation));
            if over {
                break Ok(operation);
            }
        }
        let elapsed = world.clock().since(began);
        if elapsed >= limit {
            break Err(Error::TimedOut {
                name: short(name).to_owned(),
                limit,
                cluster: world.target().cluster.clone(),
            });
        }
        world
            .clock()
            .sleep(pace(elapsed).min(limit.saturating_sub(elapsed)))
            .await;
    };
    world.emit(What::WaitEnded {
        id,
        what: label.to_owned(),
        ok: end.as_ref().is_ok_and(|done| done.failure.is_none()),
        took_seconds: event::seconds(world.clock().since(began)),
    });
    end
}

fn progress(id: u64, operation: &Operation) -> What {
    let (done, of) = operation.progress.unwrap_or((0, 1));
    What::Progress {
        id,
        done: if operation.is_done() && operation.failure.is_none() {
            of
        } else {
            done
        },
        of,
        items: Vec::new(),
        why: (!operation.detail.is_empty()).then(|| operation.detail.clone()),
    }
}

/// Resolves when an operation fails, with the failure; never when it ends well, but then its
/// change is settled. For use beside a wait for what the operation should bring about.
pub async fn failure(world: &World, name: &str) -> error::Error {
    let began = world.clock().now();
    let mut watch = Watch::new(world, name);
    loop {
        match watch.look().await {
            Ok(Some(done)) if done.is_done() => {
                let Some(cause) = &done.failure else {
                    world.settled(&done.name, Fate::Done);
                    return std::future::pending().await;
                };
                world.settled(&done.name, Fate::Failed);
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
