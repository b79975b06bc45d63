//! The objects, the version that counts their changes, and the recent changes for watches.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::object::{Object, set_meta, stamp, text, uid};
use super::seat::Seat;

/// How many changes a watch can catch up on; whoever is further behind lists again.
pub(super) const HISTORY: usize = 8192;

/// One change of one object; both sides are kept, so that a selector can tell who entered and
/// who left.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) kind: String,
    pub(super) version: u64,
    pub(super) before: Option<Object>,
    pub(super) after: Option<Object>,
}

/// One change, as the world hears of it.
#[derive(Debug)]
pub(in crate::sim) struct Changed {
    pub(in crate::sim) kind: String,
    /// Empty for what is in none.
    pub(in crate::sim) namespace: String,
    pub(in crate::sim) name: String,
    pub(in crate::sim) fate: Fate,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Fate {
    There,
    /// It was marked as ending, or as ending at another moment.
    Ending,
    Gone,
}

/// Objects by kind, then by `namespace/name` (or `name`), which is also the order of lists.
///
/// The history is not saved: a watch that comes from before a restart is told to list again.
#[derive(Serialize, Deserialize, Clone, Default, Debug)]
pub(in crate::sim) struct Store {
    objects: BTreeMap<String, BTreeMap<String, Object>>,
    version: u64,
    #[serde(skip)]
    history: VecDeque<Change>,
}

/// Where an object lies inside its kind.
fn key(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

impl Store {
    /// Creates or replaces. `uid` and `creationTimestamp` are kept, or made if there are none.
    pub(in crate::sim) fn put(&mut self, mut object: Value, now: Timestamp) {
        let kind = text(&object, "/kind").to_owned();
        let namespace = object
            .pointer("/metadata/namespace")
            .and_then(Value::as_str);
        let key = key(namespace, text(&object, "/metadata/name"));
        let before = self
            .objects
            .get(&kind)
            .and_then(|objects| objects.get(&key));
        let old = |field: &str| {
            before
                .and_then(|object| object.pointer(&format!("/metadata/{field}")))
                .cloned()
        };
        for (field, fresh) in [
            ("uid", uid(self.version + 1)),
            ("creationTimestamp", stamp(now)),
        ] {
            if text(&object, &format!("/metadata/{field}")).is_empty() {
                set_meta(
                    &mut object,
                    field,
                    old(field).unwrap_or_else(|| json!(fresh)),
                );
            }
        }
        let before = before.cloned();
        self.commit(&kind, key, before, object);
    }

    /// Keeps the object under a new version, unless nothing but the version differs.
    fn commit(&mut self, kind: &str, key: String, before: Option<Object>, mut object: Value) {
        if let Some(before) = &before {
            let version = before.pointer("/metadata/resourceVersion").cloned();
            set_meta(
                &mut object,
                "resourceVersion",
                version.unwrap_or(Value::Null),
            );
            if **before == object {
                return;
            }
        }
        let version = json!((self.version + 1).to_string());
        set_meta(&mut object, "resourceVersion", version);
        let object = Object::from(object);
        self.objects
            .entry(kind.to_owned())
            .or_default()
            .insert(key, object.clone());
        self.record(kind, before, Some(object));
    }

    fn record(&mut self, kind: &str, before: Option<Object>, after: Option<Object>) {
        self.version += 1;
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(Change {
            kind: kind.to_owned(),
            version: self.version,
            before,
            after,
        });
    }

    /// The object of that name.
    pub(in crate::sim) fn get(
        &self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&Value> {
        let objects = self.objects.get(kind)?;
        objects.get(&key(namespace, name)).map(|object| &**object)
    }

    /// The same, to keep.
    pub(super) fn object(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Object> {
        let objects = self.objects.get(kind)?;
        objects.get(&key(namespace, name)).cloned()
    }

    /// Every object of a kind, in order of namespace and name; without the seats of a crowd, who
    /// are there for clients and not for the world.
    pub(in crate::sim) fn list<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        let objects = self.objects.get(kind).into_iter().flatten();
        (objects.filter(|(_, object)| object.seat().is_none())).map(|(_, object)| &**object)
    }

    /// Those of one namespace, or of all, that come after a key; each with its key.
    pub(super) fn after<'a>(
        &'a self,
        kind: &str,
        namespace: Option<&str>,
        after: &str,
    ) -> impl Iterator<Item = (&'a str, &'a Object)> {
        let prefix = namespace.map_or_else(String::new, |namespace| format!("{namespace}/"));
        let start = prefix.as_str().max(after).to_owned();
        let after = after.to_owned();
        let objects = self
            .objects
            .get(kind)
            .map(|objects| objects.range(start..))
            .into_iter()
            .flatten();
        objects
            .take_while(move |(key, _)| key.starts_with(&prefix))
            .filter(move |(key, _)| **key > after)
            .map(|(key, object)| (key.as_str(), object))
    }

    /// Removes an object and returns it as it was last, with the version of its removal.
    pub(in crate::sim) fn remove(
        &mut self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        now: Timestamp,
    ) -> Option<Value> {
        let objects = self.objects.get_mut(kind)?;
        let mut last = (*objects.remove(&key(namespace, name))?).clone();
        if kind == "Pod" {
            set_meta(&mut last, "deletionTimestamp", json!(stamp(now)));
        }
        let version = json!((self.version + 1).to_string());
        set_meta(&mut last, "resourceVersion", version);
        self.record(kind, Some(Object::from(last.clone())), None);
        Some(last)
    }

    /// Changes an object in place and says whether it was there; an edit that changes nothing
    /// makes no new version.
    pub(in crate::sim) fn edit(
        &mut self,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> bool {
        let Some(before) = self.object(kind, namespace, name) else {
            return false;
        };
        let mut object = (*before).clone();
        change(&mut object);
        self.commit(kind, key(namespace, name), Some(before), object);
        true
    }

    /// What became of the objects that were changed after a version; nothing when that is no
    /// longer known. The seats of a crowd are nobody's business but its clients'.
    pub(in crate::sim) fn changed(&self, version: u64) -> Option<Vec<Changed>> {
        let changes = self.since(version)?.filter_map(|change| {
            let (before, after) = (change.before.as_ref(), change.after.as_ref());
            let last = after.or(before).filter(|last| last.seat().is_none())?;
            let of = |field| last.field(field).into_owned();
            let ends = |object: Option<&Object>| {
                object.map(|object| object.field("metadata.deletionTimestamp").into_owned())
            };
            let fate = match after {
                None => Fate::Gone,
                Some(_)
                    if ends(after).is_some_and(|end| !end.is_empty())
                        && ends(after) != ends(before) =>
                {
                    Fate::Ending
                }
                Some(_) => Fate::There,
            };
            Some(Changed {
                kind: change.kind.clone(),
                namespace: of("metadata.namespace"),
                name: of("metadata.name"),
                fate,
            })
        });
        Some(changes.collect())
    }

    /// Puts a seat of a crowd where it was or where none was; says its key.
    pub(in crate::sim) fn put_seat(&mut self, seat: Seat) -> String {
        let key = key(Some(&seat.namespace), &seat.name());
        let version = self.version + 1;
        let object = Object::from(Seat { version, ..seat });
        let pods = self.objects.entry("Pod".to_owned()).or_default();
        let before = pods.insert(key.clone(), object.clone());
        self.record("Pod", before, Some(object));
        key
    }

    /// Takes a seat away.
    pub(in crate::sim) fn remove_seat(&mut self, key: &str) -> Option<Seat> {
        let last = self.objects.get_mut("Pod")?.remove(key)?;
        let seat = last.seat().cloned();
        self.record("Pod", Some(last), None);
        seat
    }

    /// The first seat at a key or after it, else the first of all.
    pub(in crate::sim) fn seat_from(&self, key: &str) -> Option<(&str, &Seat)> {
        let pods = self.objects.get("Pod")?;
        let from = pods.range(key.to_owned()..).chain(pods.iter());
        let mut seats = from.filter_map(|(key, object)| Some((key.as_str(), object.seat()?)));
        seats.next()
    }

    /// How many changes there have been.
    pub(in crate::sim) fn version(&self) -> u64 {
        self.version
    }

    /// The changes after a version, oldest first; nothing when they are no longer all known.
    pub(super) fn since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        // Each change is one version, so the history ends exactly at the present one.
        let missed = usize::try_from(self.version.saturating_sub(version)).ok()?;
        let skip = self.history.len().checked_sub(missed)?;
        Some(self.history.iter().skip(skip))
    }

    /// The version of the oldest change that is still known.
    pub(super) fn oldest(&self) -> u64 {
        self.history
            .front()
            .map_or(self.version, |change| change.version)
    }
}
