//! The doors through which effects go out, and the little a run shares: clock, stop, operator.
//!
//! A [`World`] is all a domain room ever sees. Whether the doors behind it are real
//!  or simulated (`sim`) it cannot tell, and it never knows scripts.

pub mod clock;
mod guard;
pub mod live;
mod note;
pub mod operator;
pub(crate) mod post;
pub mod record;
pub mod retry;
pub mod secret;
pub mod stop;
#[cfg(test)]
pub(crate) mod testing;
pub mod wait;
pub mod webhook;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use google_cloud_container_v1::client::ClusterManager;

use crate::error;
use crate::event::{Change, Event, Events, Fate, Usual, What};
use crate::names::{ClusterName, Mode};

pub use clock::Clock;
pub use guard::{Guard, NoGuard};
pub use note::{Begun, Note, Notes};
pub use operator::Operator;
pub use stop::Stop;

/// Where a run acts, as the rooms need to know it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name in `runbook.toml`, or `practice`.
    pub name: String,
    /// The cluster.
    pub cluster: ClusterName,
    /// Namespaces of the hubs; empty means all.
    pub watch: Vec<String>,
    /// Whether an ordinary confirmation asks for the target's name to be typed.
    pub type_name: bool,
    /// How it runs.
    pub mode: Mode,
}

/// The two services' clients; the only thing that differs between live and practice.
pub trait Doors: Send + Sync {
    /// Google's client for the GKE API.
    fn gke(&self) -> BoxFuture<'_, error::Result<ClusterManager>>;
    /// A client for the cluster's Kubernetes API.
    fn k8s(&self) -> BoxFuture<'_, error::Result<kube::Client>>;
    /// Throws the credentials away and gets new ones (after a 401).
    fn renew(&self) -> BoxFuture<'_, error::Result<()>>;
}

/// Everything an effect may touch.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    target: Target,
    clock: Clock,
    doors: Arc<dyn Doors>,
    operator: Arc<dyn Operator>,
    events: Events,
    notes: Arc<dyn Notes>,
    stop: Stop,
    changes: Mutex<Vec<Change>>,
    effect: Mutex<Effect>,
    waits: AtomicU64,
}

/// What the effect under way is told of earlier times.
#[derive(Debug, Clone, Default)]
pub struct Effect {
    /// An earlier session began it.
    pub begun: Option<Begun>,
    /// How long it usually takes.
    pub usual: Option<Usual>,
}

/// What a world is made of.
pub struct Parts {
    /// Where.
    pub target: Target,
    /// When.
    pub clock: Clock,
    /// The services.
    pub doors: Arc<dyn Doors>,
    /// The person.
    pub operator: Arc<dyn Operator>,
    /// Who listens.
    pub events: Events,
    /// The journal's ear.
    pub notes: Arc<dyn Notes>,
    /// Ctrl-C.
    pub stop: Stop,
}

impl World {
    /// A world of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            target: parts.target,
            clock: parts.clock,
            doors: parts.doors,
            operator: parts.operator,
            events: parts.events,
            notes: parts.notes,
            stop: parts.stop,
            changes: Mutex::default(),
            effect: Mutex::default(),
            waits: AtomicU64::new(1),
        }))
    }

    /// Where the run acts.
    pub fn target(&self) -> &Target {
        &self.0.target
    }

    /// The one clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The services.
    pub fn doors(&self) -> &dyn Doors {
        &*self.0.doors
    }

    /// The person.
    pub fn operator(&self) -> &dyn Operator {
        &*self.0.operator
    }

    /// Ctrl-C, and the shield that holds it while a write is on its way.
    pub fn stop(&self) -> &Stop {
        &self.0.stop
    }

    /// Says that something happened, now.
    pub fn emit(&self, what: What) {
        self.0.events.emit(Event {
            at: self.0.clock.now(),
            what,
        });
    }

    /// A number that pairs one wait's events.
    fn next_wait(&self) -> u64 {
        self.0.waits.fetch_add(1, Ordering::Relaxed)
    }

    /// Keeps a note about the effect under way.
    ///
    /// # Errors
    /// When the record could not be kept; nothing more may be changed then.
    pub fn note(&self, note: &Note) -> error::Result<()> {
        self.0.notes.note(self.0.clock.now(), note)
    }

    /// Another effect is under way.
    pub(crate) fn enter(&self, effect: Effect) {
        *lock(&self.0.effect) = effect;
    }

    /// What an earlier session left of the effect under way; given once.
    pub fn take_begun(&self) -> Option<Begun> {
        lock(&self.0.effect).begun.take()
    }

    /// For how long earlier sessions watched the effect under way, and how long it usually takes;
    /// given once.
    fn take_watched(&self) -> (Duration, Option<Usual>) {
        let mut effect = lock(&self.0.effect);
        let begun = effect.begun.as_mut();
        let watched = begun.map(|begun| std::mem::take(&mut begun.watched));
        (watched.unwrap_or_default(), effect.usual.take())
    }

    /// Keeps, remembers and shows a change that was accepted.
    ///
    /// # Errors
    /// When the record could not be kept; the change is remembered and shown all the same.
    pub fn changed(&self, change: Change) -> error::Result<()> {
        let kept = self.note(&Note::Changed {
            change: change.clone(),
        });
        self.recall(change);
        kept
    }

    /// Remembers and shows a change that is on record already.
    pub(crate) fn recall(&self, change: Change) {
        lock(&self.0.changes).push(change.clone());
        self.emit(What::Changed(change));
    }

    /// Keeps and remembers what became of the change that `operation` carries out.
    ///
    /// # Errors
    /// When the record could not be kept.
    pub fn settled(&self, operation: &str, fate: Fate) -> error::Result<()> {
        if !self.settle(operation, fate) {
            return Ok(());
        }
        self.note(&Note::Settled {
            operation: operation.to_owned(),
            fate,
        })
    }

    /// Remembers what became of it; says whether that is news.
    pub(crate) fn settle(&self, operation: &str, fate: Fate) -> bool {
        let mut news = false;
        for change in lock(&self.0.changes).iter_mut() {
            if change.operation.as_deref() == Some(operation) {
                news |= change.fate != fate;
                change.fate = fate;
            }
        }
        news
    }

    /// Everything changed so far, in order.
    pub fn changes(&self) -> Vec<Change> {
        lock(&self.0.changes).clone()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("target", &self.0.target)
            .finish_non_exhaustive()
    }
}
