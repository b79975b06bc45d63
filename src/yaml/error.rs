//! Why a file is not read, or not edited.

use super::path::{Part, Path};
use crate::error::{self, Kind};
use crate::names::nearest;

/// A failure of this room. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("it is no YAML, line {line}, column {column}: {why}")]
    Syntax {
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
        /// What the parser says.
        why: String,
    },
    /// It becomes YAML only when something is filled in.
    #[error("line {line} is a template's: what it will be nobody can tell")]
    Template {
        /// Where.
        line: usize,
    },
    /// There are several.
    #[error("it holds several documents; the second begins in line {line}")]
    Several {
        /// Where.
        line: usize,
    },
    /// It holds nothing.
    #[error("it is empty")]
    Empty,
    /// There is no such thing.
    #[error("there is no `{path}`: it ends at `{at}`{near}")]
    Missing {
        /// What was looked for.
        path: String,
        /// The part that is missing.
        at: String,
        /// What is there instead.
        near: String,
    },
    /// Readers do not agree on what it is.
    #[error("`{path}` may be one of several: there is more than one `{key}`")]
    Twice {
        /// What was looked for.
        path: String,
        /// The key that is there more than once.
        key: String,
    },
    /// It is no path.
    #[error("`{path}` is no path: {why}")]
    BadPath {
        /// As it was written.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It is something else.
    #[error("`{path}` is no list but {found}")]
    NotAList {
        /// Where.
        path: String,
        /// What it is.
        found: &'static str,
    },
    /// It is something else.
    #[error("`{path}` is no plain text but {found}")]
    NotAText {
        /// Where.
        path: String,
        /// What it is.
        found: &'static str,
    },
    /// Nothing would be left of the list.
    #[error("item {index} is the only one: without it the list would be no list any more")]
    LastItem {
        /// Its number, from 0.
        index: usize,
    },
    /// There are not so many.
    #[error("the list has {length} items, and none of number {index}")]
    NoItem {
        /// What was asked for, from 0.
        index: usize,
        /// How many there are.
        length: usize,
    },
    /// A value that takes more than a line.
    #[error("a value of several lines, or with control characters, cannot be written in one line")]
    NotOneLine,
    /// It is written in a way that cannot be edited by lines.
    #[error("the list is written in a way that is not edited here, line {line}: {why}")]
    Layout {
        /// Where.
        line: usize,
        /// How.
        why: &'static str,
    },
    /// The edit, parsed again, was not what was wanted.
    #[error("the edit would have changed more than was wanted: nothing was written")]
    Doubtful,
    /// It can be parsed and not read.
    #[error("it cannot be read: {0}")]
    Reader(String),
}

impl Error {
    pub(super) fn of_reader(why: &serde_yaml::Error) -> Self {
        Self::Reader(why.to_string())
    }

    pub(super) fn missing(path: &Path, part: &Part, known: &[&str]) -> Self {
        let at = part.to_string();
        let near = match nearest(&at, known.iter().copied()) {
            Some(near) => format!(", where there is `{near}`"),
            None if known.is_empty() => String::new(),
            None => format!(", where there are: {}", known.join(", ")),
        };
        let path = path.to_string();
        Self::Missing { path, at, near }
    }
}

impl From<Error> for error::Error {
    fn from(failure: Error) -> Self {
        let (kind, hint) = match &failure {
            Error::Missing { .. } | Error::NotAList { .. } | Error::NotAText { .. } => (
                Kind::NotFound,
                "the file may have been rewritten since the path was noted: look at it",
            ),
            Error::BadPath { .. } => (Kind::Usage, "write it as in `hub.config.\"a.b\".list[0]`"),
            Error::NotOneLine => (Kind::Usage, "leave the line breaks out"),
            Error::NoItem { .. } | Error::LastItem { .. } => {
                (Kind::Usage, "look at the list as it is now")
            }
            Error::Syntax { .. }
            | Error::Template { .. }
            | Error::Several { .. }
            | Error::Twice { .. }
            | Error::Empty
            | Error::Layout { .. }
            | Error::Doubtful
            | Error::Reader(_) => (Kind::Operation, "edit it by hand"),
        };
        Self::new(kind, failure.to_string()).hint(hint)
    }
}
