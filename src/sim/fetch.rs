//! Images on nodes: what a node holds, and how it comes by what a pod asks for.
//!
//! The image pullers' own image has its own steps (`pullers`); everything else comes through here.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::Trouble;
use super::images::{self, Image};
use super::objects::text;
use super::pullers::pulled;
use super::state::{Fetching, State, Todo, later};

/// How long a registry takes to say no, in milliseconds: least and most.
const NO: (u64, u64) = (1_500, 3_000);
/// How fast layers come and are unpacked: so many bytes in a millisecond.
const RATE: (u64, u64) = (3_400, 3_800);
/// What is new in another tag of an image that is there already: one part in so many.
const NEW: u64 = 4;
const BACK_OFF: u64 = 12_000;
/// After so many tries the world stops counting them: nothing new would be seen.
const TRIES: u32 = 6;
/// A kubelet reports no more images.
const REPORTED: usize = 50;

/// What becomes of an image on a node.
enum Outcome {
    /// It is there after so many milliseconds.
    Held(u64),
    /// It cannot be had.
    Refused,
}

/// The name an image goes by at its registry: with the registry in front.
pub(super) fn full(name: &str) -> String {
    let host = name.split_once('/').map_or("", |(host, _)| host);
    match host {
        "" => format!("docker.io/library/{name}"),
        host if host.contains(['.', ':']) || host == "localhost" => name.to_owned(),
        _ => format!("docker.io/{name}"),
    }
}

/// An image without its tag.
fn repository(name: &str) -> &str {
    let tag = name.rfind(':').filter(|at| !name[*at..].contains('/'));
    tag.map_or(name, |at| &name[..at])
}

/// A name no runtime can read.
fn is_malformed(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/:@".contains(c);
    let (path, tag) = name.split_at(repository(name).len());
    name.is_empty() || !path.chars().all(plain) || tag.contains(char::is_whitespace)
}

pub(super) fn not_found(image: &str) -> String {
    let full = full(image);
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{full}\": failed to \
         resolve reference \"{full}\": {full}: not found"
    )
}

impl State {
    /// Whether a node holds an image.
    pub(super) fn holds(&self, node: &str, image: &str) -> bool {
        let wanted = full(image);
        let node = self.store.get("Node", None, node);
        let images = node.and_then(|node| node.pointer("/status/images")?.as_array());
        let mut names = (images.into_iter().flatten())
            .filter_map(|image| image.pointer("/names")?.as_array())
            .flatten()
            .filter_map(Value::as_str);
        names.any(|name| full(name) == wanted)
    }

    /// The kubelet reports an image under the name its runtime uses: with the registry in front.
    pub(super) fn hold_image(&mut self, node: &str, image: &str, bytes: u64) {
        let image = full(image);
        self.store.edit("Node", None, node, |node| {
            if let Some(Value::Array(images)) = node.pointer_mut("/status/images") {
                images.push(json!({"names": [image], "sizeBytes": bytes}));
                let most = images.len().saturating_sub(REPORTED);
                images.drain(..most);
            }
        });
    }

    /// The image of a pod is asked for, unless somebody on the node has asked already.
    pub(super) fn fetch(
        &mut self,
        (namespace, name): (&str, &str),
        node: &str,
        image: &str,
        at: Timestamp,
    ) {
        if is_malformed(image) {
            let why =
                format!("Failed to apply default image tag \"{image}\": couldn't parse image name");
            let message = format!("Error: InvalidImageName: {why}");
            self.kubelet((namespace, name), ("Warning", "InspectFailed"), &why, at);
            self.kubelet((namespace, name), ("Warning", "Failed"), &message, at);
            return self.wait_for(namespace, name, ("InvalidImageName", &why));
        }
        // The image pullers are at it, and tell when it is there.
        if self.is_pulled(node, image) {
            return;
        }
        let message = format!("Pulling image \"{image}\"");
        self.kubelet((namespace, name), ("Normal", "Pulling"), &message, at);
        let fetched = Fetching {
            node: node.to_owned(),
            image: image.to_owned(),
        };
        if !self.fetching.insert(fetched.clone()) {
            return;
        }
        match self.outcome(node, image, at) {
            Outcome::Held(took_ms) => {
                self.plan(later(at, took_ms), Todo::Fetched { fetched, took_ms });
            }
            Outcome::Refused => {
                let fails = self.soon(at, NO);
                self.plan(fails, Todo::FetchFailed { fetched, tries: 1 });
            }
        }
    }

    fn outcome(&mut self, node: &str, image: &str, at: Timestamp) -> Outcome {
        let there = self.known(image, at);
        let Some(Image { bytes, .. }) = there else {
            return Outcome::Refused;
        };
        let kin = images::IMAGES.iter().any(|other| {
            repository(other.name) == repository(image) && self.holds(node, other.name)
        });
        let bytes = if kin { bytes / NEW } else { bytes };
        Outcome::Held(bytes / self.chance.between(RATE) + self.chance.between(NO))
    }

    /// The image of that name, as a node finds it.
    fn known(&mut self, image: &str, at: Timestamp) -> Option<Image> {
        let missing = (self.strikes(Trouble::ImageTypo, at) && image != self.layout.notebook)
            || (self.strikes(Trouble::ImageMissing, at) && image == self.layout.notebook);
        self.image(image).filter(|_| !missing)
    }

    /// An image has been pulled: whoever waited for it goes on.
    pub(super) fn fetched(&mut self, fetched: &Fetching, took_ms: u64, at: Timestamp) {
        self.fetching.remove(fetched);
        let Fetching { node, image } = fetched;
        if self.store.get("Node", None, node).is_none() {
            return;
        }
        let bytes = self.image(image).map_or(0, |image| image.bytes);
        self.hold_image(node, image, bytes);
        self.start_waiting(fetched, Some(&pulled(image, took_ms, bytes)), at);
    }

    /// A node holds an image now: whoever waited for it starts; `message` says how it came.
    pub(super) fn start_waiting(
        &mut self,
        fetched: &Fetching,
        message: Option<&str>,
        at: Timestamp,
    ) {
        let present = format!(
            "Container image \"{}\" already present on machine",
            fetched.image
        );
        for (namespace, pod) in self.waiting(fetched) {
            let message = message.unwrap_or(&present);
            self.kubelet((&namespace, &pod), ("Normal", "Pulled"), message, at);
            self.run_pod(&namespace, &pod, at);
        }
    }

    /// An image could not be pulled; it is tried again, ever more seldom.
    pub(super) fn fetch_failed(&mut self, fetched: Fetching, tries: u32, at: Timestamp) {
        let waiting = self.waiting(&fetched);
        if waiting.is_empty() {
            self.fetching.remove(&fetched);
            return;
        }
        let image = &fetched.image;
        let why = not_found(image);
        let failed = format!("Failed to pull image \"{image}\": {why}");
        for (namespace, pod) in waiting {
            let about = (namespace.as_str(), pod.as_str());
            self.kubelet(about, ("Warning", "Failed"), &failed, at);
            self.kubelet(about, ("Warning", "Failed"), "Error: ErrImagePull", at);
            self.wait_for(&namespace, &pod, ("ErrImagePull", &why));
        }
        self.plan(later(at, BACK_OFF), Todo::FetchBackOff { fetched, tries });
    }

    /// It will be tried again later.
    pub(super) fn fetch_back_off(&mut self, fetched: Fetching, tries: u32, at: Timestamp) {
        let image = fetched.image.clone();
        let message = format!("Back-off pulling image \"{image}\"");
        let why = format!("{message}: ErrImagePull: {}", not_found(&image));
        for (namespace, pod) in self.waiting(&fetched) {
            let about = (namespace.as_str(), pod.as_str());
            self.kubelet(about, ("Normal", "BackOff"), &message, at);
            self.kubelet(about, ("Warning", "Failed"), "Error: ImagePullBackOff", at);
            self.wait_for(&namespace, &pod, ("ImagePullBackOff", &why));
        }
        if tries < TRIES {
            let again = later(at, 10_000 << tries);
            let tries = tries + 1;
            self.plan(again, Todo::FetchFailed { fetched, tries });
        } else {
            self.fetching.remove(&fetched);
        }
    }

    /// The pods of a node that wait for an image.
    fn waiting(&self, fetched: &Fetching) -> Vec<(String, String)> {
        let pods = self.pods_on(&fetched.node).filter(|pod| {
            text(pod, "/status/phase") == "Pending"
                && text(pod, "/spec/containers/0/image") == fetched.image
        });
        pods.map(|pod| {
            let of = |pointer| text(pod, pointer).to_owned();
            (of("/metadata/namespace"), of("/metadata/name"))
        })
        .collect()
    }
}
