//! What is known of watched pods, and what each piece of news changes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt as _;

use super::super::error::Error;
use super::super::object::{LeanPod, created};
use super::super::watch::Update;
use super::judge::{Group, group, tone};
use super::places::Place;
use super::status::Status;
use crate::event::{PodGroup, PodName, PodRow};

/// A pod as a watch brings it, before its texts are shared.
#[derive(Debug)]
pub(super) struct Raw {
    namespace: String,
    name: String,
    status: Status,
    created: Option<Timestamp>,
    node: String,
}

impl From<LeanPod> for Raw {
    fn from(pod: LeanPod) -> Self {
        let meta = kube::Resource::meta(&pod);
        let deleting = meta.deletion_timestamp.is_some();
        Self {
            status: Status::of(&pod.spec, &pod.status, deleting),
            created: created(meta),
            namespace: pod.namespace().unwrap_or_default(),
            name: pod.name_any(),
            node: pod.spec.node_name,
        }
    }
}

/// What is known.
pub(super) struct State {
    prefixes: Vec<String>,
    /// Namespaces where there should be a hub, and whether their pods have been listed.
    hubs: BTreeMap<String, bool>,
    rows: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Arc<PodRow>>>,
    /// Texts that repeat: namespaces, nodes, statuses.
    words: BTreeSet<Arc<str>>,
    missing: Vec<PodName>,
}

/// What changed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The newest of each pod.
    put: BTreeMap<PodName, Arc<PodRow>>,
    gone: BTreeSet<PodName>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.put.is_empty() && self.gone.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.put.len() + self.gone.len()
    }

    fn put(&mut self, row: &Arc<PodRow>) {
        self.gone.remove(&row.id);
        self.put.insert(row.id.clone(), Arc::clone(row));
    }

    fn gone(&mut self, id: PodName) {
        self.put.remove(&id);
        self.gone.insert(id);
    }

    pub(super) fn take(&mut self) -> (Vec<Arc<PodRow>>, Vec<PodName>) {
        let Self { put, gone } = std::mem::take(self);
        (put.into_values().collect(), gone.into_iter().collect())
    }
}

impl State {
    pub(super) fn new(prefixes: &[String], places: &[Place]) -> Self {
        let hubs = places.iter().filter(|place| place.hub);
        Self {
            prefixes: prefixes.to_vec(),
            hubs: hubs.map(|place| (place.namespace.clone(), false)).collect(),
            rows: BTreeMap::new(),
            words: BTreeSet::new(),
            missing: Vec::new(),
        }
    }

    /// Takes in what a watch of `namespace`, or of all of them, says.
    pub(super) fn hear(
        &mut self,
        namespace: Option<&str>,
        update: Update<Raw>,
        changes: &mut Changes,
    ) -> Result<(), Error> {
        match update {
            Update::All(pods) => self.all(namespace, pods, changes),
            Update::Put(pod) => self.put(pod, changes),
            Update::Gone(pod) => self.remove(&pod.namespace, &pod.name, changes),
            Update::Failed(failure) => return Err(failure),
        }
        Ok(())
    }

    /// A whole list: only what differs from what was known is a change.
    fn all(&mut self, namespace: Option<&str>, pods: Vec<Raw>, changes: &mut Changes) {
        for (hub, listed) in &mut self.hubs {
            *listed |= namespace.is_none_or(|namespace| namespace == hub);
        }
        let mut before: BTreeSet<PodName> = match namespace {
            Some(namespace) => (self.rows.get(namespace).into_iter())
                .flat_map(|rows| rows.values().map(|row| row.id.clone()))
                .collect(),
            None => self.each().map(|row| row.id.clone()).collect(),
        };
        for pod in pods {
            let id = PodName {
                namespace: self.word(&pod.namespace),
                name: pod.name.as_str().into(),
            };
            before.remove(&id);
            self.put(pod, changes);
        }
        for id in before {
            self.remove(&id.namespace, &id.name, changes);
        }
    }

    fn put(&mut self, pod: Raw, changes: &mut Changes) {
        let namespace = self.word(&pod.namespace);
        let status = self.word(&pod.status.says);
        let node = self.word(&pod.node);
        let known = self.rows.entry(Arc::clone(&namespace)).or_default();
        let ready = pod.status.ready;
        let row = PodRow {
            group: match group(&pod.name, &self.prefixes) {
                Group::Hub(_) => PodGroup::Hub,
                Group::User => PodGroup::User,
                Group::Other => PodGroup::Other,
            },
            tone: tone(&format!("{}/{}", ready.0, ready.1), &status),
            id: PodName {
                namespace,
                name: pod.name.into(),
            },
            ready,
            status,
            restarts: pod.status.restarts,
            restarted: pod.status.restarted,
            created: pod.created,
            node,
        };
        if known.get(&row.id.name).is_none_or(|known| **known != row) {
            let row = Arc::new(row);
            changes.put(&row);
            known.insert(Arc::clone(&row.id.name), row);
        }
    }

    fn remove(&mut self, namespace: &str, name: &str, changes: &mut Changes) {
        let gone = self
            .rows
            .get_mut(namespace)
            .and_then(|rows| rows.remove(name));
        if let Some(row) = gone {
            changes.gone(row.id.clone());
        }
    }

    /// The one copy of a text that repeats.
    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(word) = self.words.get(text) {
            return Arc::clone(word);
        }
        let word: Arc<str> = text.into();
        self.words.insert(Arc::clone(&word));
        word
    }

    /// Every pod.
    pub(super) fn each(&self) -> impl Iterator<Item = &Arc<PodRow>> {
        self.rows.values().flat_map(BTreeMap::values)
    }

    /// How many pods are in a namespace.
    pub(super) fn count(&self, namespace: &str) -> usize {
        self.rows.get(namespace).map_or(0, BTreeMap::len)
    }

    /// Namespaces with pods.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &Arc<str>> {
        let some = self.rows.iter().filter(|(_, rows)| !rows.is_empty());
        some.map(|(namespace, _)| namespace)
    }

    /// The hubs' own pods that should be there and are not, when that has changed.
    pub(super) fn missing(&mut self) -> Option<Vec<PodName>> {
        let mut missing = Vec::new();
        for (hub, _) in self.hubs.iter().filter(|(_, listed)| **listed) {
            let rows = self.rows.get(hub.as_str());
            for prefix in &self.prefixes {
                // Names that begin so stand together.
                let here = (Bound::Included(prefix.as_str()), Bound::Unbounded);
                let from = rows.and_then(|rows| rows.range::<str, _>(here).next());
                if !from.is_some_and(|(name, _)| name.starts_with(prefix.as_str())) {
                    missing.push(PodName {
                        namespace: hub.as_str().into(),
                        name: prefix.as_str().into(),
                    });
                }
            }
        }
        (missing != self.missing).then(|| {
            self.missing.clone_from(&missing);
            missing
        })
    }
}
