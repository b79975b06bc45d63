//! A crowd: a cluster of any size, for whoever wants to know how long a hundred thousand pods take.
//!
//! Its pods are for clients to see: they are no [`people`](super::people), and nothing happens to
//! them but what [`Practice::churn`] makes happen.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::apiserver::Seat;
use super::chance::Chance;
use super::nodes;
use super::pools::Stage;
use super::scenario;
use super::state::{EPOCH, State, Todo, later};
use super::{Practice, Setup, Speed};

/// The most pods a namespace has: what Kubernetes is tested with.
const NAMESPACE: u32 = 3000;
const POOL: &str = "nb-user";

/// What goes on in a crowd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Churn {
    /// Milliseconds between one change and the next.
    every_ms: u64,
    /// How many changes happen at once.
    at_once: u32,
    turn: u64,
    /// The namespace and node of whoever went last, until somebody comes in their place.
    left: Option<(String, String)>,
    /// The key of the server asked for last.
    starting: String,
}

fn namespace(number: u32) -> String {
    format!("school-{number:02}")
}

impl Practice {
    /// A world with so many nodes for users, all ready, and so many servers on them, in namespaces
    /// of up to 3,000. It is built in seconds and holds a few hundred bytes for each pod; a client
    /// gets 12 KB for each. Run it in a runtime that is not paused to have its time pass as ours.
    #[must_use]
    pub fn crowd(nodes: u32, pods: u32) -> Self {
        let mut state = scenario::build(&Setup::default())
            .unwrap_or_else(|_| State::empty(Chance::new(1), EPOCH));
        let schools = state.gather(nodes, pods);
        Self::watched(state, EPOCH, Speed::Max, schools)
    }

    /// From now on there are so many changes of pods each second: they come, go, start, restart. Call it inside the
    /// runtime's context.
    pub fn churn(&self, per_second: u32) {
        let at_once = per_second.div_ceil(1000).max(1);
        let every = Duration::from_secs(1) * at_once / per_second.max(1);
        let churn = Churn {
            every_ms: u64::try_from(every.as_millis()).unwrap_or(1000).max(1),
            at_once,
            turn: 0,
            left: None,
            starting: String::new(),
        };
        self.0.sim.change(|state, now| {
            state.plan(later(now, churn.every_ms), Todo::Churn(churn));
        });
    }

    /// The Kubernetes API server of this world, for other clients than ours: serve it on a
    /// listener, inside the runtime in which the world was started.
    pub fn kubernetes(&self) -> axum::Router {
        super::apiserver::router(self.0.sim.clone())
    }
}

impl State {
    /// Says the namespaces of its pods.
    fn gather(&mut self, nodes: u32, pods: u32) -> Vec<String> {
        let past = self.ago(SignedDuration::from_hours(3));
        let zone = (self
            .pools
            .get(POOL)
            .and_then(|pool| pool.groups.keys().next()))
        .cloned()
        .unwrap_or_default();
        let mut names: Vec<Arc<str>> = Vec::new();
        for _ in 0..nodes {
            let name = loop {
                // Four letters are drawn twice now and then.
                let known = self.pools.get(POOL).map_or(0, |pool| pool.instances.len());
                let name = self.create(POOL, &zone, Stage::Ready);
                if self
                    .pools
                    .get(POOL)
                    .is_none_or(|pool| pool.instances.len() > known)
                {
                    break name;
                }
            };
            if let Some((pool, instance)) = self.home(&name) {
                let node = nodes::standing(&name, pool, instance, past);
                self.store.put(node, past);
            }
            names.push(name.into());
        }
        if let Some(pool) = self.pools.get_mut(POOL) {
            let most = i32::try_from(nodes).unwrap_or(i32::MAX);
            pool.autoscaling.min_node_count = most;
            pool.autoscaling.max_node_count = most;
        }
        let mut homes: Vec<Arc<str>> = Vec::new();
        for number in 0..pods.div_ceil(NAMESPACE) {
            let name = namespace(number);
            self.store.put(
                json!({"apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}),
                past,
            );
            homes.push(name.into());
        }
        let places = names.iter().cycle().zip(homes.iter().cycle());
        for (number, (node, namespace)) in (0..pods).zip(places) {
            let began = later(past, u64::from(number) * 37 % 10_000_000);
            self.store
                .put_seat(seat(namespace, node, u64::from(number), began, true));
        }
        self.publish_autoscaler(self.began);
        homes.iter().map(ToString::to_string).collect()
    }

    /// Changes of a crowd, in turn: somebody goes, somebody comes in their place, their server
    /// starts, another one's restarts.
    pub(super) fn churn(&mut self, mut churn: Churn, at: Timestamp) {
        for _ in 0..churn.at_once {
            self.stir(&mut churn, at);
        }
        self.plan(later(at, churn.every_ms), Todo::Churn(churn));
    }

    fn stir(&mut self, churn: &mut Churn, at: Timestamp) {
        churn.turn += 1;
        let anywhere = self.chance.hex(16);
        let namespaces = self.store.list("Namespace").count().try_into().unwrap_or(0);
        let school = u32::try_from(self.chance.between((0, namespaces))).unwrap_or(0);
        let anywhere = format!("{}/jupyter-{anywhere}", namespace(school));
        let found = |state: &Self, key: &str| {
            let found = state.store.seat_from(key)?;
            Some((found.0.to_owned(), found.1.clone()))
        };
        let Some((key, one)) = found(self, &anywhere) else {
            return;
        };
        match churn.turn % 4 {
            1 => {
                self.store.remove_seat(&key);
                churn.left = Some((one.namespace.to_string(), one.node.to_string()));
            }
            2 => {
                let Some((namespace, node)) = churn.left.take() else {
                    return;
                };
                // Numbers above those of the beginning.
                let number = (1 << 32) + churn.turn;
                let (namespace, node) = (namespace.into(), node.into());
                churn.starting = self
                    .store
                    .put_seat(seat(&namespace, &node, number, at, false));
            }
            3 => {
                let started = found(self, &churn.starting);
                if let Some((_, seat)) = started.filter(|(key, _)| *key == churn.starting) {
                    let running = true;
                    self.store.put_seat(Seat { running, ..seat });
                }
            }
            _ => {
                let restarts = one.restarts + 1;
                self.store.put_seat(Seat { restarts, ..one });
            }
        }
    }
}

fn seat(
    namespace: &Arc<str>,
    node: &Arc<str>,
    number: u64,
    began: Timestamp,
    running: bool,
) -> Seat {
    Seat {
        namespace: namespace.clone(),
        node: node.clone(),
        number,
        created: began.as_second(),
        restarts: 0,
        running,
        version: 0,
    }
}
