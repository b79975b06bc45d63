//! What follows from a change of the store, whoever made it: pods that end, people and deployments
//! without theirs, budgets, nodes that nobody needs any more.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::apiserver::Fate;
use super::objects::text;
use super::people::key;
use super::state::{State, Todo, later};

/// A grace is written in whole seconds; the kubelet never takes a pod away before.
const WHOLE: u64 = 1_000;

impl State {
    /// Puts everything in step with the store, however its objects came and went. Call it after
    /// anything that may have changed one.
    pub(super) fn mind_pods(&mut self, at: Timestamp) {
        let seen = std::mem::replace(&mut self.pods_seen, self.store.version());
        if seen == self.pods_seen {
            return;
        }
        let (mut gone, mut ending, mut there) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut pods, mut budgets, mut nodes) = (false, false, false);
        if let Some(changes) = self.store.changed(seen) {
            for one in changes {
                pods |= one.kind == "Pod";
                budgets |= one.kind == "PodDisruptionBudget";
                nodes |= one.kind == "Node";
                let which = (one.namespace, one.name);
                match one.fate {
                    Fate::Gone if one.kind == "Pod" => gone.insert(which),
                    Fate::Ending if one.kind == "Pod" => ending.insert(which),
                    Fate::There if one.kind == "Pod" => there.insert(which),
                    _ => false,
                };
            }
        } else {
            // More has happened than is remembered: everything is looked at.
            (pods, budgets, nodes) = (true, true, true);
            let people = self.people.values();
            gone.extend(people.map(|person| (person.namespace.clone(), person.pod.clone())));
            let all = self.store.list("Pod").filter(|pod| is_ending(pod));
            ending.extend(all.map(|pod| {
                let of = |pointer| text(pod, pointer).to_owned();
                (of("/metadata/namespace"), of("/metadata/name"))
            }));
        }
        for (namespace, pod) in &there {
            self.admit_pod(namespace, pod, at);
        }
        for (namespace, pod) in &ending {
            self.await_end(namespace, pod, at);
        }
        self.miss(gone, !ending.is_empty(), at);
        if pods || budgets {
            self.mind_budgets(at);
        }
        if pods || budgets || nodes {
            self.survey(at);
        }
    }

    /// People go with their pods; a deployment makes another one.
    fn miss(&mut self, gone: BTreeSet<(String, String)>, mut others: bool, at: Timestamp) {
        let mut left = false;
        for (namespace, pod) in gone {
            let key = key(&namespace, &pod);
            let stays = self.store.get("Pod", Some(&namespace), &pod).is_some();
            match self.people.contains_key(&key) {
                true if !stays => {
                    self.people.remove(&key);
                    left = true;
                }
                true => {}
                false => others = true,
            }
        }
        if left {
            self.seat_people(at);
        }
        if others {
            self.mind_deployments(at);
        }
    }

    /// The kubelet hears that a pod is to end.
    fn await_end(&mut self, namespace: &str, pod: &str, at: Timestamp) {
        let Some(object) = self.store.get("Pod", Some(namespace), pod) else {
            return;
        };
        let ends = text(object, "/metadata/deletionTimestamp").parse();
        let ends = later(ends.unwrap_or(at), WHOLE);
        let container = text(object, "/spec/containers/0/name");
        let message = format!("Stopping container {container}");
        let what = ("Normal", "Killing", "kubelet");
        self.event(("Pod", Some(namespace), pod), what, &message, at);
        let (namespace, pod) = (namespace.to_owned(), pod.to_owned());
        self.plan(ends, Todo::EndPod { namespace, pod });
    }

    /// A pod's grace is over, unless it is another one by now.
    pub(super) fn end_pod(&mut self, namespace: &str, pod: &str, at: Timestamp) {
        let object = self.store.get("Pod", Some(namespace), pod);
        let ends = object.map(|pod| text(pod, "/metadata/deletionTimestamp").parse::<Timestamp>());
        if matches!(ends, Some(Ok(ends)) if ends <= at) {
            self.store.remove("Pod", Some(namespace), pod, at);
        }
    }
}

fn is_ending(pod: &Value) -> bool {
    !text(pod, "/metadata/deletionTimestamp").is_empty()
}
