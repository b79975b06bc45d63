//! The practice world: GKE and Kubernetes inside the program, on one virtual clock, from one seed.
//!
//! It never uses the clients' request code or their Kubernetes structs (a field misspelt there must
//! not be misspelt here too), and it never knows scripts or the terminal.

mod apiserver;
mod autoscaler;
mod budgets;
mod chance;
mod chatter;
mod configurator;
mod copy;
mod crowd;
mod deployments;
mod desk;
mod door;
mod doors;
mod drains;
mod fault;
mod fetch;
mod github;
mod gke;
mod handle;
mod hub;
mod iam;
mod images;
mod keeping;
mod kubelet;
mod layout;
mod leases;
mod minding;
mod mistake;
mod nodes;
mod objects;
mod obstacles;
mod operations;
mod people;
mod pools;
mod pullers;
mod refusals;
mod registry;
mod rhythm;
mod scale_up;
mod scenario;
mod seating;
mod serve;
mod shape;
mod shell;
mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod usage;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use google_cloud_container_v1::client::ClusterManager;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Events;
use crate::names::{AGE, CHECK_USER, HUB_PODS, K8sEndpoint, Mode};
use crate::world::record::Record;
use crate::world::secret::Secret;
use crate::world::{Clock, Http, Snapshot, Target};
use copy::Origin;
use handle::Sim;
use layout::Layout;
use state::State;

pub use copy::Copied;
pub use fault::{FAULTS, Fault};
pub use mistake::Error;
pub use scenario::SCENARIOS;
pub use serve::Served;
pub use state::Mutation;

/// How fast virtual time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// Waiting costs nothing.
    Max,
    /// So many virtual seconds in a real one.
    Times(u32),
}

/// What a fresh practice world is made from.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How fast time passes.
    pub speed: Speed,
    /// When it begins; a copy begins when it was looked at.
    pub begins: Timestamp,
    /// One of [`SCENARIOS`].
    pub scenario: String,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            speed: Speed::Max,
            begins: state::EPOCH,
            scenario: "quiet".to_owned(),
            faults: Vec::new(),
        }
    }
}

/// A practice world, saved.
#[derive(Serialize, Deserialize)]
struct Saved {
    at: Timestamp,
    state: State,
}

/// The same, while it is being written.
#[derive(Serialize)]
struct Saving<'a> {
    at: Timestamp,
    state: &'a State,
}

/// A practice world. Clones are the same world.
#[derive(Clone)]
pub struct Practice(Arc<Inner>);

struct Inner {
    sim: Sim,
    watch: Vec<String>,
    layout: Layout,
    /// As it was at the beginning.
    origin: Option<Box<Origin>>,
    speed: Speed,
    events: OnceLock<Events>,
    gke: OnceLock<ClusterManager>,
    k8s: OnceLock<kube::Client>,
}

impl Practice {
    /// A new world.
    ///
    /// # Errors
    /// When there is no such scenario.
    pub fn fresh(setup: &Setup) -> Result<Self, Error> {
        let state = scenario::build(setup)?;
        Ok(Self::standing(state, setup.begins, setup.speed))
    }

    /// A copy of a target that was looked at, in which things may go wrong; `setup`'s scenario is
    /// not used.
    ///
    /// # Errors
    /// When the look was put down by another version.
    pub fn copy(seen: &Snapshot, setup: &Setup) -> Result<Self, Error> {
        let state = copy::build(seen, setup)?;
        Ok(Self::standing(state, seen.taken, setup.speed))
    }

    /// A world that was saved; it goes on `away` later, and what was due meanwhile happens at its
    /// own moment.
    ///
    /// # Errors
    /// When this is not a saved world, or one of another version.
    pub fn restore(saved: &[u8], away: Duration, speed: Speed) -> Result<Self, Error> {
        let mut saved: Saved = serde_json::from_slice(saved)?;
        let away = u64::try_from(away.as_millis()).unwrap_or(u64::MAX);
        let at = state::later(saved.at, away);
        saved.state.spare_this_machine(at);
        Ok(Self::standing(saved.state, at, speed))
    }

    fn standing(state: State, since: Timestamp, speed: Speed) -> Self {
        Self::watched(state, since, speed, Vec::new())
    }

    /// The same, with namespaces to watch beside the hubs'.
    fn watched(state: State, since: Timestamp, speed: Speed, more: Vec<String>) -> Self {
        let layout = state.layout.clone();
        let origin = state.origin.clone();
        Self(Arc::new(Inner {
            watch: layout.hubs.iter().cloned().chain(more).collect(),
            layout,
            origin,
            sim: Sim::new(state, since),
            speed,
            events: OnceLock::new(),
            gke: OnceLock::new(),
            k8s: OnceLock::new(),
        }))
    }

    /// From now on the world is kept in this file: whatever it accepts is on disk before anybody is
    /// told.
    pub fn keep(&self, file: PathBuf) {
        self.0.sim.keep(file);
    }

    /// Puts the world, its time included, on disk. Call it inside the runtime's context.
    ///
    /// # Errors
    /// When the disk says no, now or when it last accepted something.
    pub fn save(&self) -> io::Result<()> {
        self.0.sim.save()
    }

    /// The record of a journal that it was saved for is on disk as well.
    pub fn recorded(&self) {
        self.0.sim.recorded();
    }

    /// Starts the clock and the one task that keeps the world moving. Call it once, inside a
    /// current-thread runtime whose time is paused. Requests to Kubernetes are told to `events`.
    pub fn start(&self, events: Events) {
        self.begin(events);
        if let Speed::Times(times) = self.0.speed {
            tokio::spawn(handle::pace(move || times));
        }
    }

    fn begin(&self, events: Events) {
        self.0.events.set(events).ok();
        self.0.sim.clock();
        tokio::spawn(self.0.sim.clone().drive());
    }

    /// The world's clock; it starts with the first look at it.
    pub fn clock(&self) -> Clock {
        self.0.sim.clock().clone()
    }

    /// Where runs in this world act.
    pub fn target(&self, mode: Mode) -> Target {
        if let Some(origin) = &self.0.origin {
            return Target {
                mode,
                ..origin.target.clone()
            };
        }
        Target {
            name: "practice".to_owned(),
            cluster: self.0.layout.cluster.clone(),
            watch: self.0.watch.clone(),
            home: "default".to_owned(),
            debt_age: AGE,
            price: None,
            hub_pods: HUB_PODS.map(str::to_owned).to_vec(),
            hub_namespace: self.0.layout.hubs.first().cloned(),
            check_user: CHECK_USER.to_owned(),
            allow_list: Some(self.0.layout.list.clone()),
            author: None,
            registry_mirror: None,
            k8s_endpoint: K8sEndpoint::default(),
            impersonate: None,
            type_name: false,
            timezone: None,
            mode,
        }
    }

    /// A door to one of its services.
    fn http(
        &self,
        door: &'static str,
        base: &str,
        authorization: Option<Secret>,
        router: fn(Sim) -> Router,
    ) -> Http {
        let service = door::service(router(self.0.sim.clone()));
        Http::new(base, authorization, service, self.record(door))
    }

    fn record(&self, door: &'static str) -> Record {
        let events = self.0.events.get().cloned();
        let events = events.unwrap_or_else(|| Events::new(|_| {}));
        Record::new(door, events, self.clock())
    }

    /// What a copy was taken from, and what has become of it.
    pub fn copied(&self) -> Copied {
        self.0.sim.peek(State::copied)
    }

    /// Every change the world accepted, in order.
    pub fn ledger(&self) -> Vec<Mutation> {
        self.0.sim.ledger()
    }
}
