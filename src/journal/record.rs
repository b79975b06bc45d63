//! The records of a journal, as they stand in the file.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error;
use crate::names::{Class, Mode};
use crate::world::Note;

/// The format these records are in; a reader refuses a newer one.
pub const FORMAT: u32 = 1;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// First: what is run, where, by whom.
    Header(Box<Header>),
    /// An effect is about to begin; `seq` counts them from 1. One that was begun and not ended is
    /// begun again under its own number.
    Begin {
        /// Which effect.
        seq: u64,
        /// What it is.
        #[serde(flatten)]
        begin: Begin,
    },
    /// Something worth keeping before an effect has ended.
    Noted {
        /// Which effect; 0 for the run itself.
        seq: u64,
        /// When, in the run's own time.
        at: Timestamp,
        /// What.
        #[serde(flatten)]
        note: Note,
    },
    /// An effect has ended.
    End(End),
    /// This session of the run is over.
    Finish(Finish),
    /// Another session begins.
    Resume(Resume),
    /// The operator gives the run up for good; effects from here on undo.
    Aborting {
        /// When, in the run's own time.
        at: Timestamp,
    },
    /// Last: it will never be resumed.
    Closed(Closed),
}

/// What is run, where, by whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u32,
    /// The run's id.
    pub run: String,
    /// Version of this program.
    pub program: String,
    /// The runbook's name.
    pub runbook: String,
    /// The file it came from.
    pub source: String,
    /// First twelve digits of its SHA-256.
    pub hash: String,
    /// The same of every library it imports, by path.
    pub libraries: BTreeMap<String, String>,
    /// Parameters with their values.
    pub params: BTreeMap<String, Value>,
    /// The target's name.
    pub target: String,
    /// The cluster, as `project/location/name`.
    pub cluster: String,
    /// How it runs.
    pub mode: Mode,
    /// The time zone of the target, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Who started it: `ann@laptop`.
    pub operator: String,
    /// The process, on that machine.
    pub process: u32,
    /// When, by the wall clock.
    pub started: Timestamp,
    /// The practice world's seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The practice world's starting state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// What goes wrong in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// A call that is about to leave the script. Times are the run's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// When.
    pub at: Timestamp,
    /// The function's name in the table.
    pub call: String,
    /// Its class.
    pub class: Class,
    /// Its arguments, a method's subject first.
    pub args: Vec<Value>,
    /// `file:line:column` of the call.
    pub place: String,
    /// The heading it stands under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// How an effect ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Which effect.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// `{"ok": ..}` or `{"error": ..}`.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What a call gave back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its value.
    Ok(Value),
    /// Its value was bulky or personal: this is the start of its SHA-256.
    Digest(String),
    /// Its failure.
    Error(error::Error),
}

/// How a session of a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// When, in the run's own time.
    pub at: Timestamp,
    /// Exit status.
    pub exit: u8,
    /// Why it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<error::Error>,
    /// How long all sessions together were at work, in seconds.
    pub took_seconds: u64,
    /// How many changes were accepted in all.
    pub changes: u64,
    /// Whether something is left to go on with.
    pub open: bool,
}

/// Another session of the run: by whom, with which version of the script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// When it began, in the run's own time.
    pub at: Timestamp,
    /// The same by the wall clock.
    pub started: Timestamp,
    /// Who: `bob@desk`.
    pub operator: String,
    /// The process, on that machine.
    pub process: u32,
    /// Version of this program.
    pub program: String,
    /// The file the script came from.
    pub source: String,
    /// First twelve digits of its SHA-256.
    pub hash: String,
    /// The same of every library it imports, by path.
    pub libraries: BTreeMap<String, String>,
}

/// Why a run will never be resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When, by the wall clock.
    pub at: Timestamp,
    /// Why.
    #[serde(flatten)]
    pub why: Why,
}

/// Why a run was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// Given up, and undone as far as its script knows how.
    Aborted,
    /// Another run was started in its place.
    Replaced {
        /// That run's id.
        run: String,
    },
}
