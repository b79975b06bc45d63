//! The records of a journal, as they stand in the file.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error;
use crate::event::Change;
use crate::names::{Class, Mode};

/// The format these records are in; a reader refuses a newer one.
pub const FORMAT: u32 = 1;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// First: what is run, where, by whom.
    Header(Box<Header>),
    /// An effect is about to begin; `seq` counts them from 1.
    Begin {
        /// Which effect.
        seq: u64,
        /// What it is.
        #[serde(flatten)]
        begin: Begin,
    },
    /// A service named the work it accepted.
    Note(Note),
    /// An effect has ended.
    End(End),
    /// Last: the run is over.
    Finish(Finish),
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
    /// Who started it: the system's user name.
    pub operator: String,
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
}

/// The name of accepted work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Which effect.
    pub seq: u64,
    /// GKE's name for the operation.
    pub operation: String,
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
    /// Its failure.
    Error(error::Error),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// When, in the run's own time.
    pub at: Timestamp,
    /// Exit status.
    pub exit: u8,
    /// Everything it changed.
    pub changed: Vec<Change>,
}
