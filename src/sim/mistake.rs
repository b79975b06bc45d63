//! What can be wrong with a practice world that is asked for, and what to do then.

use std::io;

use super::{FAULTS, SCENARIOS};
use crate::error::{self, Kind};

/// What can be wrong with a practice world that is asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such scenario.
    #[error("there is no scenario `{name}`")]
    UnknownScenario {
        /// What was asked for.
        name: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// No such fault.
    #[error("there is no fault `{name}`")]
    UnknownFault {
        /// What was asked for.
        name: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A fault's moment cannot be read.
    #[error("fault `{fault}`: {why}")]
    BadMoment {
        /// As it was written.
        fault: String,
        /// What is wrong with it.
        why: String,
    },
    /// A look at a target was put down by another version.
    #[error("this look at a target is of format {found}, and this program knows {known}")]
    OtherFormat {
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A fault of the machine that a run is on, where a world is served to runs elsewhere.
    #[error(
        "fault `{fault}` is of the machine a run is on, and a served world plays no such machine"
    )]
    Elsewhere {
        /// Its name.
        fault: String,
    },
    /// A port to serve a world at cannot be had.
    #[error("cannot listen at port {port} of this machine: {why}")]
    Port {
        /// Which.
        port: u16,
        /// What is in the way.
        why: io::Error,
    },
    /// A saved world cannot be read.
    #[error("the saved practice world cannot be read: {0}")]
    BadSnapshot(#[from] serde_json::Error),
}

impl From<Error> for error::Error {
    fn from(error: Error) -> Self {
        let known = |nearest: Option<&str>, all: &[(&str, &str)]| {
            if let Some(nearest) = nearest {
                return format!("did you mean `{nearest}`?");
            }
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            format!("choose one of: {}", names.join(", "))
        };
        let (kind, hint) = match &error {
            Error::UnknownScenario { nearest, .. } => (Kind::Usage, known(*nearest, SCENARIOS)),
            Error::UnknownFault { nearest, .. } => (Kind::Usage, known(*nearest, FAULTS)),
            Error::BadMoment { .. } => (
                Kind::Usage,
                "write NAME@WHEN, with WHEN counted from the start: busy@1m30s".to_owned(),
            ),
            Error::OtherFormat { .. } => (
                Kind::Usage,
                "take it anew: `runbook world snapshot`".to_owned(),
            ),
            Error::Elsewhere { fault } => (
                Kind::Usage,
                format!("rehearse it: `runbook rehearse NAME --fault {fault}`"),
            ),
            Error::Port { .. } => (
                Kind::Usage,
                "choose others with --port, or any that are free with --port 0".to_owned(),
            ),
            Error::BadSnapshot(_) => (
                Kind::Io,
                "it was saved by another version or damaged; start a fresh one".to_owned(),
            ),
        };
        Self::new(kind, error.to_string()).hint(hint)
    }
}
