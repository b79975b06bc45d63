//! A live table of pods: what changes, never the whole.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tone;
use crate::names::{Bytes, Cpu};

/// News of pods that are watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum PodNews {
    /// The watch begins.
    Began {
        /// The target's name.
        target: String,
        /// The namespaces; none for all of them.
        namespaces: Vec<String>,
    },
    /// Pods came, changed or went.
    Rows {
        /// New or changed.
        put: Vec<Arc<PodRow>>,
        /// No longer there.
        gone: Vec<PodName>,
        /// Whether this is how things were when they were first looked at.
        first: bool,
    },
    /// Which of the hubs' own pods are missing: all of them, each time that changes.
    Missing {
        /// The namespace, and how the pod's name would begin.
        pods: Vec<PodName>,
    },
    /// What some pods use.
    Usage {
        /// Only those that were asked about.
        used: Vec<PodUsage>,
        /// Why nothing is known of the others.
        unmeasured: Option<String>,
    },
    /// Time passes.
    Beat,
    /// The watch is over.
    Ended,
}

/// A pod's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PodName {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

/// A pod. There may be a hundred thousand: texts that repeat are shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodRow {
    /// Its name.
    #[serde(flatten)]
    pub id: PodName,
    /// Whose it is.
    pub group: PodGroup,
    /// How many of its containers are ready, of how many.
    pub ready: (u16, u16),
    /// As `kubectl get pods` says it.
    pub status: Arc<str>,
    /// How it is to be taken; none when it is as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tone: Option<Tone>,
    /// How often its containers were started again.
    pub restarts: u32,
    /// When that was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted: Option<Timestamp>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The node it runs on; empty while it waits for one.
    pub node: Arc<str>,
}

/// Whose a pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodGroup {
    /// The hub's own.
    Hub,
    /// A person's server.
    User,
    /// Neither.
    Other,
}

/// What a pod uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodUsage {
    /// Which.
    #[serde(flatten)]
    pub id: PodName,
    /// CPU, in billionths of a core.
    pub cpu: Cpu,
    /// Memory, in bytes.
    pub memory: Bytes,
}
