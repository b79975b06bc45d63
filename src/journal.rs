//! What a run did, on disk, while it does it.
//!
//! One JSON-lines file per run, readable by its owner only. Every record is flushed to disk before
//! the thing it announces happens: `begin` before a request leaves, a note before an operation is
//! polled, `end` after the answer. Nothing is ever rewritten; each line carries a checksum, so that
//! what was damaged is refused instead of believed. Never touches the terminal.

pub mod history;
mod line;
mod read;
mod record;
mod scrub;
mod story;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::error::{self, Kind};
use crate::names::hex;

pub use history::{Usuals, find, usual_run};
pub use read::read;
pub use record::{Begin, Closed, End, FORMAT, Finish, Header, Outcome, Record, Resume, Why};
pub use scrub::Scrub;
pub use story::{Step, Story};
pub use write::{Beside, Journal};

/// What is recorded instead of a value that is bulky or personal: the start of its SHA-256.
pub fn digest(value: &Value) -> String {
    hex(Sha256::digest(value.to_string()).iter().take(12))
}

/// The folder of journals within the state folder.
pub fn folder(state: &Path) -> PathBuf {
    state.join("runs")
}

/// Why nothing could be recorded, or nothing can be believed. A run stops then: it never goes on
/// without its journal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error("cannot write the journal {}: {why}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The disk gave nothing.
    #[error("cannot read the journal {}: {why}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// A line that is not what was written.
    #[error("the journal {} is damaged: line {line}: {why}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A later version of this program wrote it.
    #[error("the journal {} is in format {format}, written by runbook {program}; this program reads up to {FORMAT}", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        format: u32,
        /// The program that wrote it.
        program: String,
    },
    /// There is no such run.
    #[error("there is no run `{text}`")]
    Unknown {
        /// What was typed.
        text: String,
        /// The run that may have been meant.
        near: Option<String>,
    },
    /// Several runs may be meant.
    #[error("{} runs begin with `{text}`", runs.len())]
    Ambiguous {
        /// What was typed.
        text: String,
        /// Their ids, newest first.
        runs: Vec<String>,
    },
    /// The disk kept it.
    #[error("cannot remove the journal {}: {why}", file.display())]
    Remove {
        /// The file.
        file: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Another process writes it.
    #[error("the run {run} is going on in another process on this machine")]
    Held {
        /// The run.
        run: String,
    },
}

impl From<Error> for error::Error {
    fn from(error: Error) -> Self {
        let (kind, hint) = match &error {
            Error::Write { file, .. } => (
                Kind::Io,
                format!(
                    "a run is never done without its journal: make room for, or allow writing to, {}",
                    file.parent().unwrap_or(file).display()
                ),
            ),
            Error::Read { .. } => (Kind::Io, "make it readable, or move it away".to_owned()),
            Error::Damaged { .. } => (
                Kind::Io,
                "it cannot be resumed: look at what it changed (`runbook history RUN` shows what is \
                 before the damage), then start the runbook again"
                    .to_owned(),
            ),
            Error::Newer { program, .. } => {
                (Kind::Io, format!("use runbook {program} or later for this run"))
            }
            Error::Remove { .. } => (
                Kind::Io,
                "make its folder writable; nothing else is missing".to_owned(),
            ),
            Error::Unknown { near, .. } => (
                Kind::Usage,
                match near {
                    Some(near) => format!("did you mean {near}? See `runbook history`"),
                    None => "see `runbook history`".to_owned(),
                },
            ),
            Error::Ambiguous { runs, .. } => (Kind::Usage, candidates(runs)),
            Error::Held { .. } => (
                Kind::Refused,
                "look for the other terminal; it can be stopped there with Ctrl-C".to_owned(),
            ),
        };
        Self::new(kind, error.to_string()).hint(hint)
    }
}

/// `give more of it: A, B, or one of 3 older ones`.
fn candidates(runs: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = runs.iter().map(String::as_str).take(SHOWN).collect();
    let more = runs.len() - shown.len();
    let shown = shown.join(", ");
    if more == 0 {
        format!("give more of it; there are {shown}")
    } else {
        format!("give more of it; there are {shown} and {more} older ones")
    }
}

/// A header for tests.
#[cfg(test)]
pub(crate) mod testing {
    use std::collections::BTreeMap;

    use super::{Begin, FORMAT, Header, Journal, Scrub};
    use crate::names::{Class, Mode};

    /// A journal no record of which can be written.
    #[cfg(target_os = "linux")]
    pub(crate) fn on_a_full_disk() -> Journal {
        let full = std::path::PathBuf::from("/dev/full");
        let file = std::fs::OpenOptions::new()
            .append(true)
            .open(&full)
            .unwrap();
        Journal::standing(full, "full".to_owned(), Scrub::new(b"key"), file, 0)
    }

    /// A call for tests.
    pub(crate) fn begin(call: &str) -> Begin {
        Begin {
            at: "2026-01-15T13:00:01Z".parse().unwrap(),
            call: call.to_owned(),
            class: Class::WriteConverge,
            args: vec!["nb-user".into(), 2.into()],
            place: "warm_up.rhai:3:1".to_owned(),
            step: None,
        }
    }

    pub(crate) fn header() -> Header {
        Header {
            format: FORMAT,
            run: String::new(),
            program: "0.1.0".to_owned(),
            runbook: "warm_up".to_owned(),
            source: "built in: warm_up.rhai".to_owned(),
            hash: "abc".to_owned(),
            libraries: BTreeMap::new(),
            params: BTreeMap::from([("nodes".to_owned(), 2.into())]),
            target: "practice".to_owned(),
            cluster: "practice/here/cluster".to_owned(),
            mode: Mode::Rehearsal,
            timezone: None,
            operator: "ann@laptop".to_owned(),
            process: 7,
            started: "2026-01-15T13:00:00Z".parse().unwrap(),
            seed: Some(1),
            scenario: Some("quiet".to_owned()),
            faults: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
