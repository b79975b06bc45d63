//! Everything a run says while it works: the only thing doers tell `ui`, tests and JSON readers.
//!
//! Events carry their own time and their own totals, so that whoever shows them never has to ask
//! a clock or a cluster. Their JSON shape is the documented, versioned output of `--output json`.

mod plan;
mod pods;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error;
use crate::names::{Class, Mode};

pub use plan::{PLAN, People, Plan, Planned, Verdict};
pub use pods::{PodGroup, PodName, PodNews, PodRow, PodUsage};
pub use table::{Align, Cell, Column, Table, Tone};

/// Version of the JSON shape; raised when a field changes its meaning or goes away.
pub const VERSION: u32 = 1;

/// One thing that happened, and when (virtual time in the practice world).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, in the run's own time.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The run begins.
    Started(Started),
    /// An earlier run goes on. What follows, up to [`What::CaughtUp`], happened then.
    Resumed(Resumed),
    /// Everything recorded has been shown again; what follows happens now.
    CaughtUp,
    /// The machine was asleep: the wall clock is ahead of everything that was watched.
    Slept {
        /// For how long, in seconds.
        seconds: u64,
    },
    /// A heading of the script.
    Step {
        /// The heading.
        title: String,
    },
    /// A line for the operator.
    Said {
        /// How loud.
        level: Level,
        /// The line.
        text: String,
    },
    /// A table that was asked for.
    Table(Table),
    /// A line that was asked for, as it is: of a log, of what a command wrote, of a file.
    Line {
        /// Whose it is: `prod/hub-5d9c7b-x2k4b/hub`; empty for the runbook's own.
        source: String,
        /// The line.
        text: String,
        /// Whether it was written to standard error.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        error: bool,
    },
    /// News of pods that are watched.
    Pods(PodNews),
    /// A question was put.
    Asked {
        /// Which `--answer KEY=` gives it.
        key: String,
        /// The question.
        question: String,
    },
    /// A question was answered.
    Answered {
        /// Which one.
        key: String,
        /// The answer, as typed.
        answer: String,
        /// `terminal`, `--yes`, `--answer` or `practice`.
        by: String,
    },
    /// Something outside was changed, or was asked to change.
    Changed(Change),
    /// A wait begins.
    WaitBegan {
        /// Pairs this wait's events.
        id: u64,
        /// What is waited for: `2 nodes of nb-user ready with the image`.
        what: String,
        /// How many things.
        of: u64,
        /// How long it usually takes, where known.
        usual: Option<Usual>,
        /// It gives up after having been watched for this many seconds.
        limit_seconds: u64,
        /// For how long earlier sessions of this run have watched it, in seconds.
        watched_seconds: u64,
    },
    /// How far a wait is.
    Progress {
        /// Which wait.
        id: u64,
        /// How many are done.
        done: u64,
        /// Of how many.
        of: u64,
        /// For how long it has been watched in all, in seconds; time asleep does not count.
        watched_seconds: u64,
        /// Each thing waited for, in a stable order.
        items: Vec<Item>,
        /// Why it takes its time, in the cluster's own words.
        why: Option<String>,
    },
    /// A wait is over.
    WaitEnded {
        /// Which wait.
        id: u64,
        /// What was waited for.
        what: String,
        /// Whether it came.
        ok: bool,
        /// For how long it was watched, in seconds.
        took_seconds: u64,
    },
    /// A request went out and came back (shown with `-v`).
    Request {
        /// `gke` or `k8s`.
        door: String,
        /// HTTP method.
        method: String,
        /// Path, with its query.
        path: String,
        /// HTTP status, or none when nothing came back.
        status: Option<u16>,
        /// How long, in milliseconds.
        took_ms: u64,
    },
    /// A request will be sent again.
    Retrying {
        /// What was tried.
        what: String,
        /// Why it did not work.
        why: String,
        /// In how many seconds.
        after_seconds: u64,
    },
    /// The run is over.
    Finished(Finished),
}

/// The head of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// [`VERSION`].
    pub version: u32,
    /// The run's id.
    pub run: String,
    /// The runbook's name.
    pub runbook: String,
    /// Its first doc line.
    pub summary: String,
    /// Which file it came from, or `built in`.
    pub source: String,
    /// First 12 hex digits of its SHA-256.
    pub hash: String,
    /// The target's name.
    pub target: String,
    /// The cluster, as `project/location/name`.
    pub cluster: String,
    /// How it runs.
    pub mode: Mode,
    /// The time zone times are shown in (`America/Edmonton`); UTC when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Its parameters.
    pub params: BTreeMap<String, serde_json::Value>,
    /// When and how this version was practised; of live runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practised: Option<String>,
    /// The practice world's seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Whether standard output is for the lines that are asked for alone: a log's, a command's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bare: bool,
    /// The faults a rehearsal injects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// An earlier run, as far as it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// Who ran it last: `ann@laptop`.
    pub operator: String,
    /// When its last record was made, in the run's own time.
    pub last: Timestamp,
    /// How long ago that is, in seconds.
    pub away_seconds: u64,
    /// How many effects have been recorded.
    pub effects: u64,
    /// Whether it goes on only to be given up for good.
    pub aborting: bool,
}

/// How long something usually takes here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usual {
    /// Half of the runs were quicker, in seconds.
    pub median: u64,
    /// The quickest, in seconds.
    pub shortest: u64,
    /// The slowest, in seconds.
    pub longest: u64,
    /// How many runs this is learned from; zero when it is only an estimate.
    pub runs: u32,
}

impl Usual {
    /// An estimate of somebody who knows: shortest and longest, in seconds.
    pub const fn estimate(shortest: u64, longest: u64) -> Self {
        Self {
            median: u64::midpoint(shortest, longest),
            shortest,
            longest,
            runs: 0,
        }
    }
}

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Plain.
    Info,
    /// Good news.
    Good,
    /// Worth a look.
    Warning,
    /// What to do next.
    Next,
}

/// One change outside: what, from what, to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The thing: `node pool nb-user: autoscaler minimum`.
    pub what: String,
    /// Before.
    pub before: String,
    /// After.
    pub after: String,
    /// The function that did it, from the registration table.
    pub call: String,
    /// Its class.
    pub class: Class,
    /// GKE's name for the work, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Whether it is known to have been carried out.
    pub fate: Fate,
}

/// Remembers what became of the change that `operation` carries out; says whether that is news.
pub fn settle(changes: &mut [Change], operation: &str, fate: Fate) -> bool {
    let mut news = false;
    for change in changes {
        if change.operation.as_deref() == Some(operation) {
            news |= change.fate != fate;
            change.fate = fate;
        }
    }
    news
}

/// What became of a change that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Carried out.
    Done,
    /// Accepted; it may still be carried out.
    InFlight,
    /// Its operation ended with an error; some of it may have been carried out.
    Failed,
}

/// One thing within a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub phase: Phase,
    /// In words: `pulling 2/3`.
    pub note: String,
}

/// Where one waited-for thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Asked for, not there yet.
    Booting,
    /// There, not usable yet.
    Registering,
    /// Fetching its image.
    Pulling,
    /// Still there, for a reason.
    Staying,
    /// On its way out.
    Leaving,
    /// Something is wrong with it.
    Trouble,
    /// Done.
    Ready,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The run's id.
    pub run: String,
    /// The runbook's name.
    pub runbook: String,
    /// The target's name.
    pub target: String,
    /// How it ran.
    pub mode: Mode,
    /// Exit status.
    pub exit: u8,
    /// How long, in seconds of the run's own time.
    pub took_seconds: u64,
    /// Everything it changed, in order; what is still in flight says so.
    pub changed: Vec<Change>,
    /// Whether it was given up for good, and undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aborted: bool,
    /// Headings of the script that were not finished, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_done: Vec<String>,
    /// The command that goes on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// Lines the script left for afterwards.
    pub next: Vec<String>,
    /// What a dry run found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<Plan>>,
    /// Why it did not end well.
    pub error: Option<error::Error>,
}

/// Where events go. Cloneable; the receiver decides what to do with them.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Events that are handed to `receive`.
    pub fn new(receive: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// Hands one on.
    pub fn emit(&self, event: Event) {
        (self.0)(event);
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

/// Whole seconds, for the fields above.
pub fn seconds(duration: Duration) -> u64 {
    duration.as_secs()
}
