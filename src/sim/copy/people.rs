//! The people of a copy.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{moment, text};
use crate::sim::people::{CULL_EVERY, Person, SERVER, key, since_epoch};
use crate::sim::state::{State, Todo, later};
use crate::world::snapshot::Snapshot;

/// Somebody was active so recently, in minutes, that they are taken to be at work.
const AT_WORK: i64 = 10;
/// How long people work of whom nobody knows more, in milliseconds.
const WORKDAY: u64 = 8 * 3_600_000;
impl State {
    pub(super) fn copy_people(&mut self, seen: &Snapshot, at: Timestamp) {
        let active = seen.hub.seen().map(|hub| &hub.active);
        let servers: Vec<Value> = (self.store.list("Pod"))
            .filter(|pod| text(pod, "/metadata/labels/component") == SERVER)
            .filter(|pod| !["Succeeded", "Failed"].contains(&text(pod, "/status/phase")))
            .cloned()
            .collect();
        for server in servers {
            let user = text(&server, "/metadata/annotations/hub.jupyter.org~1username").to_owned();
            let started = moment(&server, "/metadata/creationTimestamp").unwrap_or(at);
            let last = active.and_then(|active| active.get(&user)).copied();
            let idle =
                last.filter(|last| at.duration_since(*last) > SignedDuration::from_mins(AT_WORK));
            let (namespace, pod) = (
                text(&server, "/metadata/namespace"),
                text(&server, "/metadata/name"),
            );
            let person = Person {
                namespace: namespace.to_owned(),
                user,
                pod: pod.to_owned(),
                image: text(&server, "/spec/containers/0/image").to_owned(),
                node: text(&server, "/spec/nodeName").to_owned(),
                started_ms: since_epoch(started),
                works_until_ms: since_epoch(idle.unwrap_or(later(at, WORKDAY))),
                heard_ms: last.map(since_epoch),
            };
            if text(&server, "/status/phase") == "Pending" && !person.node.is_empty() {
                let starts = self.soon(at, (2_000, 6_000));
                let (namespace, pod) = (person.namespace.clone(), person.pod.clone());
                self.plan(starts, Todo::StartPod { namespace, pod });
            }
            self.people.insert(key(namespace, pod), person);
        }
        let untold = self
            .people
            .values()
            .any(|person| !active.is_some_and(|active| active.contains_key(&person.user)));
        if untold && let Some(origin) = &mut self.origin {
            let at_work = "when people were last active: they are taken to be at work";
            origin.unknown.push(at_work.to_owned());
        }
        if !self.people.is_empty() {
            self.plan(later(at, CULL_EVERY), Todo::Cull);
            if let Some(origin) = &mut self.origin {
                let culls = "whether the hub stops servers that were idle for an hour: taken as yes, as z2jh does";
                origin.unknown.push(culls.to_owned());
            }
        }
    }
}
