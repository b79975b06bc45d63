//! The pods of hubs as a person looks at them: the hub's own first, then people's, then the rest.
//!
//! Lists as tables, never whole objects; what they use comes from the metrics server, where there
//! is one.

mod judge;
mod live;
pub(super) mod places;
mod state;
mod status;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use futures::future::join;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1;
use serde::Serialize;

use self::places::Place;
use super::error::Error;
use super::metrics::{self, Container, Usage};
use super::table::table;
use crate::error;
use crate::event::Tone;
use crate::names::{Bytes, Cpu};
use crate::world::World;

pub(super) use judge::{Group, group, tone};
pub use live::{Watched, watch};
pub use places::Where;
pub(super) use places::places;

/// Namespaces looked at at the same time.
const AT_ONCE: usize = 4;

/// What to look at, and how closely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// In which namespaces.
    pub place: Where,
    /// Whether every pod is wanted, or only those that matter.
    pub all: bool,
    /// How many people's pods are wanted otherwise.
    pub top: usize,
    /// What makes a pod one of those.
    pub by: By,
}

/// What a pod uses most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// Memory: what runs out first when people compute.
    #[default]
    Memory,
    /// CPU.
    Cpu,
}

impl By {
    fn of(self, usage: Usage) -> u64 {
        match self {
            Self::Memory => usage.memory.0,
            Self::Cpu => usage.cpu.0,
        }
    }
}

/// The pods of several namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Each namespace's.
    pub namespaces: Vec<Namespace>,
    /// Why nothing is known of CPU and memory.
    pub unmeasured: Option<String>,
}

/// The pods of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// The hub's own, in the order of the configured prefixes.
    pub hub: Vec<Pod>,
    /// Prefixes no pod has, where there should be one.
    pub missing: Vec<String>,
    /// People's.
    pub users: Crowd,
    /// The rest.
    pub others: Crowd,
}

/// Many pods at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Crowd {
    /// How many there are.
    pub count: usize,
    /// How many of them run and are ready.
    pub running: usize,
    /// How many are not as they should be.
    pub trouble: usize,
    /// What they use together; empty when nobody measures it.
    pub cpu: String,
    /// What they use together; empty when nobody measures it.
    pub memory: String,
    /// Those that were asked for.
    pub pods: Vec<Pod>,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `1/1`.
    pub ready: String,
    /// As `kubectl get pods` says it.
    pub status: String,
    /// `2 (73m ago)`.
    pub restarts: String,
    /// `4h1m`.
    pub age: String,
    /// The node it runs on; empty while it waits for one.
    pub node: String,
    /// `250m`; empty when nobody measures it.
    pub cpu: String,
    /// `345Mi`; empty when nobody measures it.
    pub memory: String,
    /// The same for each container.
    pub containers: Vec<PodContainer>,
    /// How it is to be taken; none when it is as it should be.
    pub tone: Option<Tone>,
}

/// A container of a pod, and what it uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PodContainer {
    /// Its name.
    pub name: String,
    /// `250m`.
    pub cpu: String,
    /// `345Mi`.
    pub memory: String,
}

/// Looks at pods.
///
/// # Errors
/// When a namespace does not exist or its pods may not be listed.
pub async fn overview(world: &World, look: &Look) -> error::Result<Overview> {
    let places = places(world, &look.place).await?;
    let mut seen: Vec<Seen> = stream::iter(&places)
        .map(|place| see(world, place))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let unmeasured = seen.iter_mut().find_map(|seen| seen.unmeasured.take());
    let prefixes = &world.target().hub_pods;
    let arranged = seen.into_iter().map(|seen| seen.arrange(prefixes, look));
    Ok(Overview {
        namespaces: arranged.collect(),
        unmeasured,
    })
}

/// A row of the server's table.
struct Row {
    name: String,
    cells: [String; 5],
}

/// What one namespace has shown.
struct Seen {
    namespace: String,
    /// Whether there should be a hub.
    hub: bool,
    rows: Vec<Row>,
    usage: BTreeMap<String, Vec<Container>>,
    unmeasured: Option<String>,
}

async fn see(world: &World, place: &Place) -> Result<Seen, Error> {
    let columns = ["Name", "Ready", "Status", "Restarts", "Age", "Node"];
    let row = |[name, ready, status, restarts, age, node]: [String; 6]| Row {
        name,
        cells: [ready, status, restarts, age, node],
    };
    let namespace = &place.namespace;
    let rows = table::<v1::Pod, _, 6>(world, Some(namespace), columns, row);
    let (rows, usage) = join(rows, metrics::pods(world, namespace)).await;
    let rows = rows?;
    if rows.is_empty() {
        // An empty list is all the API server says of a namespace that does not exist.
        places::must_exist(world, namespace).await?;
    }
    let (usage, unmeasured) = match usage {
        Ok(usage) => (usage, None),
        Err(failure) => (BTreeMap::new(), Some(metrics::explained(failure))),
    };
    Ok(Seen {
        namespace: namespace.clone(),
        hub: place.hub,
        rows,
        usage,
        unmeasured,
    })
}

impl Seen {
    fn arrange(mut self, prefixes: &[String], look: &Look) -> Namespace {
        self.rows.sort_by(|a, b| a.name.cmp(&b.name));
        let (mut hub, mut users, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for row in std::mem::take(&mut self.rows) {
            match group(&row.name, prefixes) {
                Group::Hub(at) => hub.push((at, row)),
                Group::User => users.push(row),
                Group::Other => others.push(row),
            }
        }
        hub.sort_by_key(|(at, _)| *at);
        let expected = self.hub || !hub.is_empty() || !users.is_empty();
        let missing = prefixes.iter().enumerate();
        let missing = missing.filter(|(at, _)| expected && !hub.iter().any(|(of, _)| of == at));
        let of = |crowd: &Vec<Row>| if look.all { crowd.len() } else { 0 };
        Namespace {
            missing: missing.map(|(_, prefix)| prefix.clone()).collect(),
            others: {
                let shown = of(&others);
                self.crowd(others, shown, look)
            },
            users: {
                let shown = of(&users).max(look.top);
                self.crowd(users, shown, look)
            },
            hub: hub.into_iter().map(|(_, row)| self.pod(row)).collect(),
            name: self.namespace,
        }
    }

    /// Sums them up, and keeps those that were asked for: all by name, or the first few by use.
    fn crowd(&self, mut rows: Vec<Row>, shown: usize, look: &Look) -> Crowd {
        let used = |row: &Row| self.used(&row.name);
        let tones = rows.iter().map(Row::tone);
        let (mut running, mut trouble) = (0, 0);
        for tone in tones {
            match tone {
                None => running += 1,
                Some(Tone::Alarm) => trouble += 1,
                Some(Tone::Warning | Tone::Good) => {}
            }
        }
        let measured = self.usage.is_empty() || rows.is_empty();
        let total = |text: String| if measured { String::new() } else { text };
        let cpu: Cpu = rows.iter().map(|row| used(row).cpu).sum();
        let memory: Bytes = rows.iter().map(|row| used(row).memory).sum();
        let count = rows.len();
        if shown < count {
            // What is in trouble comes first, whatever it uses.
            rows.sort_by_key(|row| {
                let trouble = row.tone() == Some(Tone::Alarm);
                (Reverse(trouble), Reverse(look.by.of(used(row))))
            });
            rows.truncate(shown);
        }
        Crowd {
            count,
            running,
            trouble,
            cpu: total(cpu.to_string()),
            memory: total(memory.to_string()),
            pods: rows.into_iter().map(|row| self.pod(row)).collect(),
        }
    }

    fn used(&self, name: &str) -> Usage {
        let containers = self.usage.get(name).into_iter().flatten();
        let mut used = Usage::default();
        for (_, usage) in containers {
            used.cpu += usage.cpu;
            used.memory += usage.memory;
        }
        used
    }

    fn pod(&self, row: Row) -> Pod {
        let tone = row.tone();
        let used = self.used(&row.name);
        let measured = self.usage.get(&row.name);
        let shown = |text: String| measured.map_or_else(String::new, |_| text);
        let containers = measured.into_iter().flatten();
        let [ready, status, restarts, age, node] = row.cells;
        Pod {
            namespace: self.namespace.clone(),
            cpu: shown(used.cpu.to_string()),
            memory: shown(used.memory.to_string()),
            containers: containers
                .map(|(name, usage)| PodContainer {
                    name: name.clone(),
                    cpu: usage.cpu.to_string(),
                    memory: usage.memory.to_string(),
                })
                .collect(),
            name: row.name,
            ready,
            status,
            restarts,
            age,
            // What `kubectl` writes for an empty cell.
            node: if node == "<none>" {
                String::new()
            } else {
                node
            },
            tone,
        }
    }
}

impl Row {
    fn tone(&self) -> Option<Tone> {
        let [ready, status, ..] = &self.cells;
        tone(ready, status)
    }
}
