//! The running world: its state behind a lock, the clock, and the one task that keeps it moving.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;

use super::apiserver::{Cluster, News, Object, Refusal, Store, Usage};
use super::fault::Trouble;
use super::keeping::Keeping;
use super::leases;
use super::state::{Mutation, State, moment};
use crate::world::Clock;

/// A handle to the running world; clones are the same world.
#[derive(Clone)]
pub(super) struct Sim(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Virtual time when the clock starts.
    since: Timestamp,
    clock: OnceLock<Clock>,
    news: News,
    replan: Notify,
    keeping: Keeping,
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sim")
    }
}

impl Sim {
    pub(super) fn new(state: State, since: Timestamp) -> Self {
        let news = News::default();
        news.tell(state.store.version());
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            since,
            clock: OnceLock::new(),
            news,
            replan: Notify::new(),
            keeping: Keeping::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock; it starts with the first look.
    pub(super) fn clock(&self) -> &Clock {
        self.0
            .clock
            .get_or_init(|| Clock::starting_at(self.0.since))
    }

    /// Everybody's way to the state: what is due happens first, so the order in which tasks wake
    /// at one instant decides nothing.
    pub(super) fn change<T>(&self, f: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let mut now = self.clock().now();
        let mut state = self.lock();
        let due = state.due();
        state.advance(now);
        if let Some(asleep) = state.asleep.take() {
            // What is due meanwhile happens while nobody here can see it.
            self.clock().jump(Duration::from_millis(asleep));
            now = self.clock().now();
            state.advance(now);
            self.0.news.cut();
        }
        let accepted = state.ledger.len();
        let answer = f(&mut state, now);
        state.mind_pods(now);
        if state.ledger.len() > accepted || state.dying {
            // What was accepted is on disk before anybody is told.
            self.0.keeping.accepted(&mut state, now);
        }
        let (replan, version) = (state.due() != due, state.store.version());
        drop(state);
        self.0.news.tell(version);
        if replan {
            self.0.replan.notify_one();
        }
        answer
    }

    /// From now on the world is kept in this file.
    pub(super) fn keep(&self, file: PathBuf) {
        self.0.keeping.keep(file);
    }

    /// Puts the world on disk.
    pub(super) fn save(&self) -> io::Result<()> {
        self.change(|state, now| self.0.keeping.save(state, now))
    }

    /// What the world was saved for is on disk too.
    pub(super) fn recorded(&self) {
        self.change(|state, now| self.0.keeping.recorded(state, now));
    }

    /// What was accepted so far; needs no clock, so it can be asked for when all is over.
    pub(super) fn ledger(&self) -> Vec<Mutation> {
        self.lock().ledger.clone()
    }

    /// What is so now; needs no clock either.
    pub(super) fn peek<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// New credentials are good.
    pub(super) fn renew(&self) {
        self.change(|state, now| {
            state.strikes_once(Trouble::ExpiredToken, now);
        });
    }

    /// Lets things happen when they are due, for those who watch. With nothing due it sleeps.
    pub(super) async fn drive(self) {
        loop {
            let due = self.lock().due();
            let Some(due) = due else {
                self.0.replan.notified().await;
                continue;
            };
            let wait = moment(due).duration_since(self.clock().now());
            tokio::select! {
                biased;
                () = self.0.replan.notified() => {}
                () = tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()) => {
                    self.change(|_, _| ());
                }
            }
        }
    }
}

impl Cluster for Sim {
    fn with<T>(&self, f: impl FnOnce(&mut Store) -> T) -> T {
        self.change(|state, _| f(&mut state.store))
    }

    fn news(&self) -> &News {
        &self.0.news
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }

    fn refuse(&self, method: &str, path: &str) -> Option<Refusal> {
        self.change(|state, now| state.refuse(method, path, now))
    }

    fn measured(&self) -> bool {
        self.change(|state, now| !state.strikes(Trouble::NoMetrics, now))
    }

    fn usage(&self, pods: &[Object], at: Timestamp) -> Vec<Vec<Usage>> {
        self.change(|state, _| {
            let used = pods.iter().map(|pod| state.usage(&pod.brief(), at));
            used.collect()
        })
    }

    fn system_usage(&self, node: &str, at: Timestamp) -> Usage {
        State::system_usage(node, at)
    }

    fn mutated(&self, method: &str, path: &str, body: &Value) {
        // Who may change the cluster is not a change of it: a run that was resumed took the lock
        // once more and did nothing twice.
        if leases::is_about(path) {
            return;
        }
        self.change(|state, now| {
            state.record(method, path, body.clone(), now);
            if let Some(node) = path.strip_prefix("/api/v1/nodes/") {
                state.sync_cordon(node, now);
            }
        });
    }
}

/// How long a step of a paced world takes.
const STEP: Duration = Duration::from_millis(8);

/// Keeps virtual time at `times` the speed of real time: a step of virtual time, then as much real
/// time as it should have taken. While the real sleep holds a blocking thread, the paused clock
/// cannot run ahead.
pub(super) async fn pace(times: impl Fn() -> u32) {
    loop {
        tokio::time::sleep(STEP * times().max(1)).await;
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one real wait in practice"
        )]
        let slept = tokio::task::spawn_blocking(move || std::thread::sleep(STEP)).await;
        if slept.is_err() {
            return;
        }
    }
}
