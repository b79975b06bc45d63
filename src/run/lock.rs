//! One run at a time changes a cluster: a lease there, renewed while the run goes on.
//!
//! A lease that cannot be read is not a lost one: nothing is written until it can be. A lease that
//! somebody else has taken is lost for good, even when it is free again: the cluster may have been
//! changed meanwhile.

pub(super) mod holder;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::task::JoinHandle;

use crate::error::{Error, Kind, Result};
use crate::event::{Item, Level, Phase, What};
use crate::k8s::{self, Claim, Lease};
use crate::world::operator::Form;
use crate::world::retry::{LIMIT, retry};
use crate::world::wait::Wait;
use crate::world::{Guard, Question, World};

/// How often others are told that the run is alive; a lease lasts four times as long.
const RENEW: Duration = Duration::from_secs(15);

/// The first renewal comes a little early, so that it never falls on the instant of something
/// else: the order within one instant would depend on how fast practice goes.
const EARLY: Duration = Duration::from_millis(10);

/// How often a lease that is waited for is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// How long somebody else's lease is waited for.
const WAIT: Duration = Duration::from_hours(24);

/// How long the end of a run may be held up; an unreleased lease ends by itself.
const GOODBYE: Duration = Duration::from_secs(10);

/// What must be typed to take an abandoned lease over.
const TAKE_OVER: &str = "take-over";

/// Which lock, and for whom.
#[derive(Debug, Clone)]
pub(super) struct LockOptions {
    /// Whether to wait until another run has ended.
    pub(super) wait: bool,
    /// Who wants it: `ann@laptop`.
    pub(super) holder: String,
    /// The run's id.
    pub(super) run: String,
    /// The runbook's name.
    pub(super) runbook: String,
}

/// The lock on a cluster, held by this run; renewed until it is released or dropped.
#[derive(Debug)]
pub(super) struct Lock {
    hold: Arc<Hold>,
    renewals: JoinHandle<()>,
}

/// What the renewals share with the run.
#[derive(Debug)]
struct Hold {
    options: LockOptions,
    /// One look at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Lock {
    /// Takes the lock of the world's cluster; back, if an earlier session of this run left it.
    ///
    /// # Errors
    /// `refused` when another run has it and is not to be waited for, `declined` or `needs-answer`
    /// when an abandoned one was not to be taken over, `denied` when leases may not be used.
    pub(super) async fn take(world: &World, options: LockOptions) -> Result<Self> {
        let hold = Arc::new(Hold {
            options,
            turn: tokio::sync::Mutex::default(),
        });
        let taken = world.stop().cut(hold.take(world)).await;
        if matches!(&taken, Err(error) if error.kind == Kind::Interrupted) {
            // The request that took it may have arrived.
            hold.release(world).await;
        }
        taken?;
        let renewals = tokio::spawn(renew(world.clone(), Arc::clone(&hold)));
        Ok(Self { hold, renewals })
    }

    /// Lets others have it. Never holds up the end of a run: what cannot be released ends by
    /// itself, and that is said.
    pub(super) async fn release(&self, world: &World) {
        self.renewals.abort();
        self.hold.release(world).await;
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.renewals.abort();
    }
}

impl Guard for Lock {
    fn before_write<'a>(&'a self, world: &'a World) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(self.hold.before_write(world))
    }
}

/// Keeps the lease alive.
async fn renew(world: World, hold: Arc<Hold>) {
    let mut pause = RENEW.saturating_sub(EARLY);
    loop {
        world.clock().sleep(pause).await;
        pause = RENEW;
        match hold.keep(&world, true).await {
            Err(lost) if lost.kind == Kind::Refused => {
                world.emit(What::Said {
                    level: Level::Warning,
                    text: format!("{lost}; this run stops before its next change"),
                });
                return;
            }
            // The next look before a write says what is wrong, if it still is.
            Ok(()) | Err(_) => {}
        }
    }
}

impl Hold {
    async fn take(&self, world: &World) -> Result<()> {
        let mut wait = None;
        loop {
            let found = retry(world, "read the lock", true, LIMIT, async || {
                self.look(world).await
            })
            .await?;
            let held = found.as_ref().filter(|lease| lease.holder().is_some());
            let other = held.filter(|lease| !self.is_ours(lease));
            if let Some(other) = other.filter(|other| !other.is_expired(world.clock().now())) {
                if !self.options.wait {
                    return Err(holder::holds(world, other));
                }
                wait = Some(self.wait(world, wait, other).await?);
                continue;
            }
            if let Some(wait) = wait.take() {
                wait.end(true);
            }
            if let Some(other) = other {
                self.ask(world, other).await?;
            }
            let from = other.and_then(Lease::holder).map(str::to_owned);
            let taken = Lease::taken(found, &self.claim(world), world.clock().now());
            let put = retry(world, "take the lock", true, LIMIT, async || {
                self.put(world, &taken).await
            });
            if !put.await? {
                continue;
            }
            if let Some(from) = from {
                world.emit(What::Said {
                    level: Level::Warning,
                    text: format!("took the lock over from {from}"),
                });
            }
            return Ok(());
        }
    }

    /// Whether nobody else had it last. A run's id has only seconds in it, so two machines may be
    /// at runs of one id.
    fn is_ours(&self, lease: &Lease) -> bool {
        lease.run() == self.options.run
            && (lease.holder()).is_none_or(|holder| holder == self.options.holder)
    }

    /// Waits a little for another run to end, and says what it is doing.
    async fn wait(&self, world: &World, begun: Option<Wait>, other: &Lease) -> Result<Wait> {
        let what = holder::awaited(world, other);
        let mut wait = match begun {
            Some(wait) => wait,
            None => Wait::begin(world, what, 1, None, WAIT)?,
        };
        let item = Item {
            name: holder::name(other).to_owned(),
            phase: Phase::Booting,
            note: other.step().to_owned(),
        };
        wait.progress(0, 1, vec![item], Some(holder::doing(other)))?;
        if wait.left().is_zero() {
            wait.end(false);
            let error = holder::holds(world, other);
            return Err(Error {
                kind: Kind::TimedOut,
                ..error
            });
        }
        world.clock().sleep(LOOK).await;
        Ok(wait)
    }

    /// Asks whether a lease whose holder is silent is to be taken over.
    async fn ask(&self, world: &World, other: &Lease) -> Result<()> {
        let question = Question {
            key: "lock".to_owned(),
            text: holder::silent(world, other),
            form: Form::Type(TAKE_OVER.to_owned()),
        };
        if world.ask(question).await? == TAKE_OVER {
            return Ok(());
        }
        let fact = format!("the lock was left to {}", holder::name(other));
        Err(Error::new(Kind::Declined, fact))
    }

    /// Makes sure that this run has the lease: renews it, or takes it again when it is gone.
    /// Otherwise, unless `always`, writes it only if it has expired or tells of another step.
    async fn keep(&self, world: &World, always: bool) -> Result<()> {
        let _turn = self.turn.lock().await;
        loop {
            let found = self.look(world).await?;
            let (claim, now) = (self.claim(world), world.clock().now());
            let next = match found {
                Some(other) if !self.is_ours(&other) => {
                    return Err(holder::took(world, &other, &claim.run));
                }
                Some(ours) if ours.holder().is_some() => {
                    if !always && !ours.is_expired(now) && ours.step() == claim.step {
                        return Ok(());
                    }
                    ours.renewed(&claim, now)
                }
                found => Lease::taken(found, &claim, now),
            };
            if self.put(world, &next).await? {
                return Ok(());
            }
        }
    }

    /// Waits, as long as it takes, until it is known whose the lease is.
    async fn before_write(&self, world: &World) -> Result<()> {
        let what = "look at the lock before changing anything";
        let known = retry(world, what, true, Duration::MAX, async || {
            self.keep(world, false).await
        });
        known.await.map_err(|mut error| {
            error.message.push_str("; nothing more was changed");
            error
        })
    }

    async fn release(&self, world: &World) {
        let released = retry(world, "release the lock", true, GOODBYE, async || {
            while let Some(lease) = self.look(world).await? {
                let ours = lease.holder().is_some() && self.is_ours(&lease);
                if !ours
                    || self
                        .put(world, &lease.released(world.clock().now()))
                        .await?
                {
                    break;
                }
            }
            Ok::<(), Error>(())
        });
        let why = tokio::select! {
            biased;
            released = released => match released {
                Ok(()) => return,
                Err(error) => error.message,
            },
            () = world.clock().sleep(GOODBYE) => "Kubernetes does not answer".to_owned(),
        };
        world.emit(What::Said {
            level: Level::Warning,
            text: format!("the lock could not be released; it ends within a minute ({why})"),
        });
    }

    fn claim(&self, world: &World) -> Claim {
        Claim {
            holder: self.options.holder.clone(),
            run: self.options.run.clone(),
            runbook: self.options.runbook.clone(),
            step: world.steps().pop().unwrap_or_default(),
        }
    }

    /// What the lease says now.
    async fn look(&self, world: &World) -> Result<Option<Lease>> {
        let found = k8s::lease(world, &world.target().home).await;
        found.map_err(|error| told(world, error))
    }

    async fn put(&self, world: &World, lease: &Lease) -> Result<bool> {
        let written = k8s::put_lease(world, &world.target().home, lease).await;
        written.map_err(|error| told(world, error))
    }
}

/// A missing permission in words that name everything that is needed.
fn told(world: &World, error: Error) -> Error {
    if error.kind == Kind::Denied {
        return holder::denied(&world.target().home, &error);
    }
    error
}
