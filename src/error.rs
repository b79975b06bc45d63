//! What a person sees when something fails: the fact, then the next step, then the script's line.
//!
//! Rooms have their own `Error` enums and turn them into this one; nothing here does I/O.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of failure it was; scripts compare it as text (`err.kind == "quota"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The command line is wrong.
    Usage,
    /// `runbook.toml` or the environment is wrong.
    Config,
    /// The script is wrong, or raised an error of its own.
    Script,
    /// No usable credentials.
    Credentials,
    /// Credentials are fine, the permission is missing.
    Denied,
    /// The thing named does not exist.
    NotFound,
    /// Another operation or operator holds it.
    Busy,
    /// Somebody else has changed it meanwhile.
    Raced,
    /// A quota is used up.
    Quota,
    /// The zone has no machines left.
    Stockout,
    /// Too many requests, for longer than we were willing to wait.
    RateLimited,
    /// The service did not answer.
    Unreachable,
    /// It was sent and nobody knows whether it arrived.
    FateUnknown,
    /// An operation ended with an error.
    Operation,
    /// A container image cannot be had.
    Image,
    /// A command that ran elsewhere did not end well; its exit status is ours.
    Remote,
    /// It took longer than its limit.
    TimedOut,
    /// An answer was needed and nobody could be asked.
    NeedsAnswer,
    /// The operator said no.
    Declined,
    /// Refused for safety.
    Refused,
    /// A copy of a target cannot stand in for it here.
    Beyond,
    /// Stopped by the operator.
    Interrupted,
    /// The disk, the terminal, a file.
    Io,
    /// Our own mistake.
    Bug,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 24] = [
        Self::Usage,
        Self::Config,
        Self::Script,
        Self::Credentials,
        Self::Denied,
        Self::NotFound,
        Self::Busy,
        Self::Raced,
        Self::Quota,
        Self::Stockout,
        Self::RateLimited,
        Self::Unreachable,
        Self::FateUnknown,
        Self::Operation,
        Self::Image,
        Self::Remote,
        Self::TimedOut,
        Self::NeedsAnswer,
        Self::Declined,
        Self::Refused,
        Self::Beyond,
        Self::Interrupted,
        Self::Io,
        Self::Bug,
    ];

    /// The exit status of a run that ends with this.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage | Self::Config => 2,
            Self::NeedsAnswer => 3,
            Self::Declined => 4,
            Self::Refused => 5,
            Self::Interrupted => 130,
            Self::Script
            | Self::Credentials
            | Self::Denied
            | Self::NotFound
            | Self::Busy
            | Self::Raced
            | Self::Quota
            | Self::Stockout
            | Self::RateLimited
            | Self::Unreachable
            | Self::FateUnknown
            | Self::Operation
            | Self::Image
            | Self::Remote
            | Self::TimedOut
            | Self::Beyond
            | Self::Io
            | Self::Bug => 1,
        }
    }

    /// The word scripts, journals and JSON use.
    pub fn word(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(word)) => word,
            Ok(_) | Err(_) => format!("{self:?}"),
        }
    }
}

/// A place in a source file: line and column count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file as the person knows it (`runbooks/warm_up.rhai`).
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What to write beside it: "here", "called from here".
    pub label: String,
    /// The whole text of the file, to show lines from.
    #[serde(skip)]
    pub text: std::sync::Arc<str>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A failure as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What kind of failure.
    pub kind: Kind,
    /// The fact.
    pub message: String,
    /// The next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where in the script: innermost first, then the calls that led there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Place>,
    /// An exit status that is not its kind's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<u8>,
}

impl Error {
    /// A failure of this kind, with its fact.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            at: Vec::new(),
            exit: None,
        }
    }

    /// A command that ran elsewhere ended with this exit status, which becomes ours.
    pub fn remote(exit: u8, message: impl Into<String>) -> Self {
        Self {
            exit: Some(exit),
            ..Self::new(Kind::Remote, message)
        }
    }

    /// The exit status of a run that ends with it.
    pub fn exit_code(&self) -> u8 {
        self.exit.unwrap_or_else(|| self.kind.exit_code())
    }

    /// Adds the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The failure of ours that a library carries inside its own error: a door can fail while a
    /// client uses it.
    pub fn within(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(ours) = error.downcast_ref::<Self>() {
                return Some(ours.clone());
            }
            next = error.source();
        }
        None
    }

    /// Adds a place in a script.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.at.push(place);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What most functions of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_is_left_out_of_all() {
        // The parser's complaint lists every kind there is.
        let complaint = serde_json::from_str::<Kind>("\"?\"")
            .unwrap_err()
            .to_string();
        let known: Vec<&str> = complaint.split('`').skip(3).step_by(2).collect();
        assert_eq!(Kind::ALL.map(Kind::word).as_slice(), known);
    }
}
