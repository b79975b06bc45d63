//! What is known of a pool whose nodes are to go, and what it amounts to.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::super::budget::Budget;
use super::super::error::Error;
use super::super::follow::{Far, Followed};
use super::super::node::Node;
use super::super::watch::Update;
use super::Activity;
use super::occupant::{Hold, Occupant};
use crate::event::{Item, Phase};

/// So many people of a node are named.
const NAMED: usize = 2;

/// The autoscaler's mark on a node it takes away.
const LEAVING: &str = "ToBeDeletedByClusterAutoscaler";

/// What is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal {
    /// Of the nodes that were there, only so many are kept.
    Gone { there: u32, keep: u32 },
    /// Everybody has been idle for so long.
    Idle(Duration),
}

/// One thing heard.
pub(super) enum Heard {
    Nodes(Update<Node>),
    Pods(Update<Occupant>),
    Budgets(Update<Budget>),
    Active(Activity),
    /// Why the autoscaler does nothing, if it says so.
    BackOff(Option<String>),
}

/// What is known.
pub(super) struct State {
    goal: Goal,
    nodes: Option<BTreeMap<String, Node>>,
    pods: Option<BTreeMap<(String, String), Occupant>>,
    budgets: BTreeMap<(String, String), Budget>,
    active: Activity,
    back_off: Option<String>,
    /// Since when nothing has kept a node, as far as was seen.
    free: BTreeMap<String, Timestamp>,
}

/// Takes an update into what was known.
fn take<K: Ord, T>(known: &mut BTreeMap<K, T>, update: Update<T>, key: impl Fn(&T) -> K) {
    match update {
        Update::All(all) => *known = all.into_iter().map(|one| (key(&one), one)).collect(),
        Update::Put(one) => drop(known.insert(key(&one), one)),
        Update::Gone(one) => drop(known.remove(&key(&one))),
        Update::Failed(_) => {}
    }
}

impl State {
    pub(super) fn new(goal: Goal) -> Self {
        Self {
            goal,
            nodes: None,
            pods: None,
            budgets: BTreeMap::new(),
            active: Activity::new(),
            back_off: None,
            free: BTreeMap::new(),
        }
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().flat_map(BTreeMap::values)
    }

    fn on(&self, node: &str) -> impl Iterator<Item = &Occupant> {
        let pods = self.pods.iter().flat_map(BTreeMap::values);
        pods.filter(move |pod| pod.node == node)
    }

    /// The people on a node, those who were active last first.
    fn people(&self, node: &str) -> Vec<(&str, Option<Timestamp>)> {
        let mut people: Vec<_> = (self.on(node))
            .filter_map(|pod| match &pod.hold {
                Hold::Person(user) => {
                    let server = (pod.namespace.clone(), user.clone());
                    Some((user.as_str(), self.active.get(&server).copied()))
                }
                _ => None,
            })
            .collect();
        people.sort_by_key(|(user, active)| (active.map(std::cmp::Reverse), *user));
        people
    }

    /// Where a node is on its way, and why it stays; people by name only if `named`.
    fn stay(&self, node: &Node, now: Timestamp, named: bool) -> (Phase, String) {
        let why = node.why.as_deref().unwrap_or_default();
        if why.contains(LEAVING) || why.starts_with("Deleting") {
            return (Phase::Leaving, "being taken away".to_owned());
        }
        let people = self.people(&node.name);
        if !people.is_empty() {
            return (Phase::Staying, told(&people, now, named));
        }
        let mut left = 0;
        for pod in self.on(&node.name) {
            let held = |why: &str| {
                let held = format!("held by {}/{}: {why}", pod.namespace, pod.name);
                (Phase::Staying, held)
            };
            match pod.hold {
                Hold::Lone => return held("nothing would start it again"),
                Hold::Pinned => return held("it says that it must not be evicted"),
                Hold::Ending => {
                    left += 1;
                    continue;
                }
                Hold::Movable | Hold::Person(_) | Hold::Nothing => {}
            }
            let mut budgets = self.budgets.values();
            if let Some(budget) = budgets.find(|budget| budget.holds(&pod.namespace, &pod.labels)) {
                let name = &budget.name;
                return held(&format!("disruption budget {name} allows no eviction now"));
            }
            left += 1;
        }
        if node.cordoned && left > 0 {
            let plural = if left == 1 { "" } else { "s" };
            return (Phase::Leaving, format!("emptying, {left} pod{plural} left"));
        }
        match self
            .free
            .get(&node.name)
            .map(|since| now.duration_since(*since))
        {
            Some(free) if free.as_secs() >= 60 => {
                let free = spoken(free.unsigned_abs().as_secs() / 60);
                (Phase::Leaving, format!("nobody on it for {free}"))
            }
            _ => (Phase::Leaving, "nobody on it".to_owned()),
        }
    }

    /// Every node that stays, and why, without anybody's name: this is put on record.
    pub(super) fn staying(&self, now: Timestamp) -> String {
        let nodes = self.nodes().map(|node| {
            let (_, note) = self.stay(node, now, false);
            format!("{}: {note}", node.name)
        });
        let nodes: Vec<String> = nodes.collect();
        if nodes.is_empty() {
            return "its nodes are gone, and more have been asked for".to_owned();
        }
        nodes.join("; ")
    }

    /// Remembers since when nothing has kept each node.
    fn look(&mut self, now: Timestamp) {
        let free: Vec<String> = (self.nodes())
            .filter(|node| self.stay(node, now, false).0 == Phase::Leaving)
            .map(|node| node.name.clone())
            .collect();
        self.free.retain(|node, _| free.contains(node));
        for node in free {
            self.free.entry(node).or_insert(now);
        }
    }
}

impl Followed for State {
    type Heard = Heard;

    fn hear(&mut self, heard: Heard, now: Timestamp) -> Result<(), Error> {
        match heard {
            Heard::Nodes(Update::Failed(failure)) | Heard::Pods(Update::Failed(failure)) => {
                return Err(failure);
            }
            Heard::Nodes(update) => {
                let nodes = self.nodes.get_or_insert_default();
                take(nodes, update, |node| node.name.clone());
            }
            Heard::Pods(update) => {
                let pods = self.pods.get_or_insert_default();
                take(pods, update, |pod| {
                    (pod.namespace.clone(), pod.name.clone())
                });
                pods.retain(|_, pod| pod.hold != Hold::Nothing);
            }
            // Who may not read them hears a little less of why a node stays.
            Heard::Budgets(update) => take(&mut self.budgets, update, |budget| {
                (budget.namespace.clone(), budget.name.clone())
            }),
            Heard::Active(active) => self.active = active,
            Heard::BackOff(why) => self.back_off = why,
        }
        if self.listed() {
            self.look(now);
        }
        Ok(())
    }

    fn listed(&self) -> bool {
        self.nodes.is_some() && self.pods.is_some()
    }

    fn far(&self, now: Timestamp) -> Far {
        let items = self.nodes().map(|node| {
            let (phase, note) = self.stay(node, now, true);
            let name = node.name.clone();
            Item { name, phase, note }
        });
        let items: Vec<Item> = items.collect();
        let (done, of) = match self.goal {
            Goal::Gone { there, keep } => {
                let left = u32::try_from(items.len()).unwrap_or(u32::MAX);
                let of = there.max(left).saturating_sub(keep);
                (of.saturating_sub(left.saturating_sub(keep)), of)
            }
            Goal::Idle(idle) => {
                let people = self.nodes().flat_map(|node| self.people(&node.name));
                let (mut done, mut of) = (0, 0);
                for (_, active) in people {
                    of += 1;
                    done += u32::from(active.is_some_and(|active| since(active, now) >= idle));
                }
                (done, of)
            }
        };
        Far {
            done: done.into(),
            of: of.into(),
            items,
            why: self.back_off.clone(),
        }
    }
}

fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

/// `4 min`, `1 h 05 min`.
fn spoken(minutes: u64) -> String {
    match minutes / 60 {
        0 => format!("{minutes} min"),
        hours => format!("{hours} h {:02} min", minutes % 60),
    }
}

/// `ann, bob and 3 more; the last active 4 min ago`.
fn told(people: &[(&str, Option<Timestamp>)], now: Timestamp, named: bool) -> String {
    let who = match people {
        [(one, _)] if named => (*one).to_owned(),
        [_] => "1 person".to_owned(),
        all if named && all.len() <= NAMED => {
            let both: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            both.join(", ")
        }
        all if named => {
            let first: Vec<&str> = all.iter().take(NAMED).map(|(name, _)| *name).collect();
            format!("{} and {} more", first.join(", "), all.len() - NAMED)
        }
        all => format!("{} people", all.len()),
    };
    // Those who were active last come first; of whom nobody tells, before them.
    match people.first().and_then(|(_, active)| *active) {
        None => who,
        Some(active) => {
            let ago = match since(active, now).as_secs() / 60 {
                0 => "now".to_owned(),
                minutes => format!("{} ago", spoken(minutes)),
            };
            let last = if people.len() == 1 {
                "active"
            } else {
                "the last active"
            };
            format!("{who}; {last} {ago}")
        }
    }
}
