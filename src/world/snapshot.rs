//! What a look at a target found: plain data, from which a copy of it is made.
//!
//! There are no secrets in it and no names of people: each room keeps the fields it knows to be
//! harmless, and drops the rest.

use std::collections::BTreeMap;

use google_cloud_container_v1::model;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Target;
use crate::error;

/// Version of the shape.
pub const FORMAT: u32 = 1;

/// A target, as it was at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`FORMAT`].
    pub format: u32,
    /// When it was taken.
    pub taken: Timestamp,
    /// Of what.
    pub target: Target,
    /// Its node pools and their operations.
    #[serde(default)]
    pub gke: Part<Gke>,
    /// Its Kubernetes objects; pods of people's servers are named after `user-1`, `user-2`, ...
    #[serde(default)]
    pub objects: Part<Objects>,
    /// Its hub.
    #[serde(default)]
    pub hub: Part<Hub>,
    /// The images that were asked for at their registries.
    #[serde(default)]
    pub images: BTreeMap<String, Image>,
    /// What those registries answered.
    #[serde(default)]
    pub web: Vec<Exchange>,
    /// The repository with the list of domains.
    #[serde(default)]
    pub github: Part<GitHub>,
    /// What our credentials may not do, and the sentence that says so.
    #[serde(default)]
    pub denied: BTreeMap<String, error::Error>,
    /// What could not be found out.
    #[serde(default)]
    pub unknown: Vec<String>,
}

impl Snapshot {
    /// What the target is like, in words: what a plan rests on.
    pub fn facts(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        let mut say = |what: String, is: String| facts.insert(what, is);
        for pool in self.gke.seen().into_iter().flat_map(|gke| &gke.pools) {
            let limits = pool.autoscaling.clone().unwrap_or_default();
            let (min, max, kind) = match limits.total_max_node_count {
                0 => (limits.min_node_count, limits.max_node_count, "a zone"),
                max => (limits.total_min_node_count, max, "in total"),
            };
            let is = if limits.enabled {
                format!("{min} to {max} {kind}")
            } else {
                "off".to_owned()
            };
            say(format!("autoscaling of {}", pool.name), is);
        }
        for operation in self.gke.seen().into_iter().flat_map(|gke| &gke.operations) {
            let kind = operation.operation_type.name().unwrap_or("UNKNOWN");
            say(format!("operation {}", operation.name), kind.to_owned());
        }
        let objects = || self.objects.seen().into_iter().flat_map(|seen| &seen.all);
        let text = |object: &Value, pointer: &str| {
            let text = object.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let mut nodes: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for node in objects().filter(|one| text(one, "/kind") == "Node") {
            let pool = text(node, "/metadata/labels/cloud.google.com~1gke-nodepool");
            let count = nodes.entry(pool).or_default();
            count.0 += 1;
            count.1 += u32::from(node.pointer("/spec/unschedulable") == Some(&Value::Bool(true)));
        }
        for (pool, (count, cordoned)) in nodes {
            let cordoned = match cordoned {
                0 => String::new(),
                some => format!(", {some} cordoned"),
            };
            say(format!("nodes of {pool}"), format!("{count}{cordoned}"));
        }
        let component = "/metadata/labels/component";
        let people = objects()
            .filter(|one| text(one, component) == "singleuser-server")
            .count();
        if self.objects.seen().is_some() {
            say("people with a server".to_owned(), people.to_string());
        }
        if let Some(config) = self.hub.seen().and_then(|hub| hub.config.clone()) {
            say("configuration of the hub".to_owned(), config);
        }
        if let Some(github) = self.github.seen() {
            let file = self
                .target
                .allow_list
                .as_ref()
                .map(|list| list.path.clone());
            let commit = github.commit.get(..7).unwrap_or(&github.commit);
            say(
                format!("tip of {}", file.unwrap_or_default()),
                commit.to_owned(),
            );
            let pulls: Vec<String> = github
                .pulls
                .iter()
                .map(|pull| pull.number.to_string())
                .collect();
            say("open pull requests".to_owned(), pulls.join(", "));
        }
        facts
    }
}

/// One part of a look.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part<T> {
    /// Nobody looked: nothing that would be run reaches it.
    #[default]
    Unseen,
    /// There is none.
    Absent,
    /// It could not be looked at; whoever asks meets the same.
    Failed(error::Error),
    /// It was seen.
    Seen(T),
}

impl<T> Part<T> {
    /// What was seen, if it was.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(part) => Some(part),
            Self::Unseen | Self::Absent | Self::Failed(_) => None,
        }
    }
}

impl<T> From<error::Result<T>> for Part<T> {
    fn from(looked: error::Result<T>) -> Self {
        match looked {
            Ok(part) => Self::Seen(part),
            Err(error) => Self::Failed(error),
        }
    }
}

/// A cluster, as GKE tells it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Gke {
    /// Version of its control plane.
    pub version: String,
    /// Its node pools.
    pub pools: Vec<model::NodePool>,
    /// Operations that were not over.
    pub operations: Vec<model::Operation>,
}

/// Kubernetes objects as JSON.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Objects {
    /// All of them, each with its kind.
    pub all: Vec<Value>,
    /// Resources (`pods`) that we may not list, and what was said.
    pub refused: BTreeMap<String, error::Error>,
}

/// A hub.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Hub {
    /// Its version.
    pub version: String,
    /// Whether the owner of our token is an admin.
    pub admin: bool,
    /// What our token may do.
    pub scopes: Vec<String>,
    /// Whether its configurator is of the newer kind, with a schema.
    pub schema: bool,
    /// What its configurator keeps, as text; none where there is none, or we may not read it.
    pub config: Option<String>,
    /// When people were last active, by their name.
    pub active: BTreeMap<String, Timestamp>,
}

/// An image, as its registry tells it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Image {
    /// Whether it exists; none where nobody could tell.
    pub exists: Option<bool>,
    /// All its layers, compressed.
    pub bytes: Option<u64>,
    /// What it runs on.
    pub architectures: Vec<String>,
}

/// A request to a registry, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// `GET` or `HEAD`.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Which kind of answer was wanted.
    pub accept: String,
    /// Whether it brought a token.
    pub known: bool,
    /// HTTP status.
    pub status: u16,
    /// The headers that matter, by their names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The answer; tokens are left out.
    pub body: String,
}

/// A repository on GitHub.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GitHub {
    /// Whose our token is.
    pub me: String,
    /// Whether the token is of the kind that may do nothing in a stranger's repository.
    pub narrow: bool,
    /// Whether we may push there.
    pub push: bool,
    /// Its default branch.
    pub branch: String,
    /// The commit at its tip.
    pub commit: String,
    /// The file with the list; none when it is not there.
    pub text: Option<String>,
    /// What of ours has the name that a fork of it would have.
    pub fork: Fork,
    /// Branches where ours would be made: name and commit.
    pub branches: BTreeMap<String, String>,
    /// The pull requests that are open.
    pub pulls: Vec<Pull>,
}

/// What has the name that a fork of ours would have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fork {
    /// Nothing.
    #[default]
    None,
    /// Our fork.
    Ours,
    /// Something else.
    Taken,
}

/// An open pull request.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Whose it is.
    pub author: String,
    /// Where from: `owner:branch`.
    pub label: String,
    /// The commit at its tip.
    pub head: String,
    /// The files it changes, as GitHub tells them.
    pub files: Value,
}
