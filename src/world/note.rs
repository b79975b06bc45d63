//! What an effect tells the journal while it is under way, and what it is told of its own past.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error;
use crate::event::{Change, Fate};

/// One thing worth keeping before an effect has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// A service accepted a change; the work it named, if any, is in it.
    Changed {
        /// The change.
        change: Change,
    },
    /// What became of the change that an operation carries out.
    Settled {
        /// GKE's name for the operation.
        operation: String,
        /// How it ended.
        fate: Fate,
    },
    /// Something is waited for; told at first and every few minutes.
    Watched {
        /// What.
        what: String,
        /// For how long it has been watched in all, in seconds.
        seconds: u64,
    },
    /// The machine was asleep.
    Slept {
        /// For how long, in seconds.
        seconds: u64,
    },
    /// A question was answered.
    Answered {
        /// Which `--answer KEY=` gives it.
        key: String,
        /// The question.
        question: String,
        /// The answer, as typed.
        answer: String,
        /// `terminal`, `--yes`, `--answer` or `practice`.
        by: String,
        /// Who sat there: `ann@laptop`.
        who: String,
    },
}

/// The journal's ear.
pub trait Notes: Send + Sync {
    /// Keeps a note, made at this moment; on disk before this returns.
    ///
    /// # Errors
    /// When the record could not be kept.
    fn note(&self, at: Timestamp, note: &Note) -> error::Result<()>;
}

/// What an earlier session left of an effect that it began and did not see the end of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Begun {
    /// When it was first begun, in the run's own time.
    pub at: Timestamp,
    /// What services accepted for it, in order, each with its operation if it has one.
    pub changes: Vec<Change>,
    /// For how long it has been watched, if it is a wait.
    pub watched: Duration,
}
