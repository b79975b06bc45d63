//! Who pulls the image, how far each pod is, and whether a node holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::super::error::Error;
use super::super::node::Node;
use super::super::puller::{Failing, Puller, PullerPod};
use super::super::watch::Update;
use super::Proof;
use crate::names::Image;

/// So long may an image fail: registries hiccup, and the kubelet tries again.
const PATIENCE: Duration = Duration::from_mins(3);

/// What [`Proof::by`] says when nothing was proved.
const NOT_CHECKED: &str = "not checked";

/// Whether a node holds the image.
pub(super) enum Hold {
    Proved { images: Vec<String>, by: String },
    Pulling(String),
    Failing(String),
}

/// The pullers that count, and their pods.
#[derive(Default)]
pub(super) struct Pulls {
    image: Option<String>,
    pullers: Vec<Puller>,
    /// Watched namespaces in which no puller counts; `any namespace` when all are watched.
    without: Vec<String>,
    pods: BTreeMap<(String, String), PullerPod>,
    failing: BTreeMap<(String, String), (Timestamp, Failing)>,
}

impl Pulls {
    /// Of all pullers those that pull `image`, or whatever image.
    pub(super) fn new(mut pullers: Vec<Puller>, watch: &[String], image: Option<String>) -> Self {
        pullers.retain(|puller| image.as_ref().is_none_or(|image| puller.pulls(image)));
        let pulled: BTreeSet<&str> = pullers.iter().map(|p| p.namespace.as_str()).collect();
        let without = if !watch.is_empty() {
            let without = watch.iter().filter(|ns| !pulled.contains(ns.as_str()));
            without.cloned().collect()
        } else if pullers.is_empty() {
            vec!["any namespace".to_owned()]
        } else {
            Vec::new()
        };
        Self {
            image,
            pullers,
            without,
            ..Self::default()
        }
    }

    pub(super) fn in_namespace(&self, namespace: Option<&str>) -> bool {
        self.pullers
            .iter()
            .any(|puller| namespace.is_none_or(|namespace| namespace == puller.namespace))
    }

    pub(super) fn hear(
        &mut self,
        namespace: Option<&str>,
        update: Update<PullerPod>,
        now: Timestamp,
    ) {
        match update {
            Update::All(pods) => {
                self.pods
                    .retain(|(held, _), _| namespace.is_some_and(|namespace| namespace != held));
                self.pods
                    .extend(pods.into_iter().map(|pod| (key(&pod), pod)));
            }
            Update::Put(pod) => drop(self.pods.insert(key(&pod), pod)),
            Update::Gone(pod) => drop(self.pods.remove(&key(&pod))),
            Update::Failed(_) => {}
        }
        self.remember_failures(now);
    }

    /// Since when each pod fails. `Back-off` says only that it failed before: the first message
    /// is the one that tells.
    fn remember_failures(&mut self, now: Timestamp) {
        let pods = &self.pods;
        self.failing
            .retain(|key, _| pods.get(key).is_some_and(|pod| pod.failing.is_some()));
        for (key, pod) in pods {
            let Some(failing) = &pod.failing else {
                continue;
            };
            let (_, known) = self
                .failing
                .entry(key.clone())
                .or_insert_with(|| (now, failing.clone()));
            if !failing.message.starts_with("Back-off") || known.image != failing.image {
                *known = failing.clone();
            }
        }
    }

    pub(super) fn node_of(&self, namespace: &str, name: &str) -> Option<&str> {
        self.pods
            .get(&(namespace.to_owned(), name.to_owned()))
            .map(|pod| pod.node.as_str())
    }

    /// Whether `node` holds what is wanted.
    pub(super) fn hold(&self, node: &Node) -> Hold {
        if self.pullers.is_empty() {
            return self.unpulled(node);
        }
        let mut images = BTreeSet::new();
        let (mut pulled, mut listed, mut pulling) = (Vec::new(), false, Vec::new());
        for puller in &self.pullers {
            let wanted = self.wanted(puller);
            let pod = self.pod(puller, node);
            if let Some(pod) = pod.filter(|pod| pod.ready) {
                pulled.push(puller.namespace.as_str());
                images.extend(pod.images.iter().cloned());
            } else if held(node, &wanted) {
                listed = true;
                images.extend(wanted);
            } else if let Some((_, failing)) = pod.and_then(|pod| self.failing.get(&key(pod))) {
                return Hold::Failing(format!("{}: {}", failing.reason, failing.image));
            } else {
                let far = pod.map_or("waiting for its image puller".to_owned(), |pod| {
                    format!("pulling {}/{}", pod.done, pod.of)
                });
                pulling.push((far, puller.namespace.as_str()));
            }
        }
        if pulling.is_empty() {
            let by = match (pulled.is_empty(), listed) {
                (true, _) => "node.status.images".to_owned(),
                (false, false) => format!("image puller in {}", pulled.join(", ")),
                (false, true) => {
                    format!(
                        "image puller in {} and node.status.images",
                        pulled.join(", ")
                    )
                }
            };
            let images = images.into_iter().collect();
            return Hold::Proved { images, by };
        }
        // One puller needs no name.
        let told = |(far, namespace): &(String, &str)| match self.pullers.len() {
            1 => far.clone(),
            _ => format!("{far} in {namespace}"),
        };
        Hold::Pulling(pulling.iter().map(told).collect::<Vec<_>>().join(", "))
    }

    /// With nobody to pull the image it is not waited for; but a node may have it all the same.
    fn unpulled(&self, node: &Node) -> Hold {
        let images: Vec<String> = self.image.iter().cloned().collect();
        if !images.is_empty() && held(node, &images) {
            let by = "node.status.images".to_owned();
            return Hold::Proved { images, by };
        }
        Hold::Proved {
            images: Vec::new(),
            by: NOT_CHECKED.to_owned(),
        }
    }

    fn wanted(&self, puller: &Puller) -> Vec<String> {
        match &self.image {
            Some(image) => vec![image.clone()],
            None => puller.images.clone(),
        }
    }

    /// The puller's pod on a node; one that is being replaced, or holds another image, proves
    /// nothing.
    fn pod(&self, puller: &Puller, node: &Node) -> Option<&PullerPod> {
        let wanted = self.wanted(puller);
        self.pods.values().find(|pod| {
            pod.namespace == puller.namespace
                && pod.node == node.name
                && !pod.leaving
                && wanted
                    .iter()
                    .all(|image| pod.images.iter().any(|held| Image::same(held, image)))
        })
    }

    /// Images that fail on nodes that count, the longest first.
    fn failures<'a>(
        &'a self,
        counts: impl Fn(&str) -> Option<&'a Node>,
    ) -> impl Iterator<Item = (Timestamp, &'a PullerPod, &'a Failing)> {
        let mut failures: Vec<_> = self
            .failing
            .iter()
            .filter_map(|(key, (since, failing))| {
                let pod = self.pods.get(key)?;
                let node = counts(&pod.node)?;
                matches!(self.hold(node), Hold::Failing(_)).then_some((*since, pod, failing))
            })
            .collect();
        failures.sort_by_key(|(since, ..)| *since);
        failures.into_iter()
    }

    /// In how long the longest failure is too long.
    pub(super) fn alarm<'a>(
        &'a self,
        now: Timestamp,
        counts: impl Fn(&str) -> Option<&'a Node>,
    ) -> Option<Duration> {
        let (since, ..) = self.failures(counts).next()?;
        let failed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        Some(PATIENCE.saturating_sub(failed))
    }

    /// The failure that lasted too long.
    pub(super) fn failure<'a>(
        &'a self,
        now: Timestamp,
        counts: impl Fn(&str) -> Option<&'a Node>,
    ) -> Option<Error> {
        let (since, pod, failing) = self.failures(counts).next()?;
        let failed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        (failed >= PATIENCE).then(|| Error::Image {
            image: failing.image.clone(),
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            reason: failing.reason.clone(),
            message: failing.message.clone(),
        })
    }

    /// What was not checked, and why.
    pub(super) fn unchecked(&self, proofs: &[Proof]) -> Option<String> {
        let image = self.image.as_deref();
        let nodes: Vec<&str> = proofs
            .iter()
            .filter(|proof| proof.by == NOT_CHECKED)
            .map(|proof| proof.node.as_str())
            .collect();
        let places = self.without.join(", ");
        match image {
            // Whoever names an image cares about it, not about who pulls it.
            Some(_) if nodes.is_empty() => None,
            Some(image) => Some(format!(
                "no image puller in {places} pulls {image}, so nobody waited for it: whether {} \
                 holds it is not known",
                nodes.join(", ")
            )),
            None if self.without.is_empty() => None,
            None => Some(format!(
                "there is no image puller in {places}: whether the nodes hold its notebook image \
                 was not checked"
            )),
        }
    }
}

fn key(pod: &PullerPod) -> (String, String) {
    (pod.namespace.clone(), pod.name.clone())
}

/// Whether the kubelet says it holds all these images.
fn held(node: &Node, images: &[String]) -> bool {
    !images.is_empty()
        && images
            .iter()
            .all(|image| node.images.iter().any(|held| Image::same(held, image)))
}
