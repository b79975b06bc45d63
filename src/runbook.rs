//! A runbook before it runs: where it is found, the parameters it declares, what is wrong with it.
//!
//! Reads text and the table of functions only. Never runs a script, never performs an effect.

pub mod built_in;
pub mod check;
pub mod finding;
pub mod library;
pub mod params;
pub mod parsed;
pub mod script;
mod syntax;

use crate::error::{self, Kind, Place};

/// Why a runbook could not be found or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No runbook has this name.
    #[error("there is no runbook `{name}`")]
    Unknown {
        /// As asked for.
        name: String,
        /// The nearest name there is.
        near: Option<String>,
        /// All there are.
        known: Vec<String>,
    },
    /// An import that does not have the form `lib/NAME`.
    #[error("`{path}` cannot be imported: a library is named like `lib/pools`")]
    Outside {
        /// As written.
        path: String,
    },
    /// A library that is a link to somewhere else.
    #[error("`{path}` cannot be imported: it leads out of `{folder}`")]
    Escapes {
        /// As written.
        path: String,
        /// Where it has to stay.
        folder: String,
    },
    /// No such library beside the runbook.
    #[error("there is no library `{path}` beside the runbook")]
    NoLibrary {
        /// As written.
        path: String,
        /// The file that was looked for.
        file: String,
        /// The nearest library there is.
        near: Option<String>,
    },
    /// The file is there and cannot be read.
    #[error("cannot read {file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        why: String,
    },
    /// The text is not Rhai.
    #[error("{message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: Option<String>,
        /// Where.
        place: Place,
    },
}

impl From<Error> for error::Error {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Unknown { near, known, .. } => {
                let near = near.map(|near| format!("did you mean `{near}`? "));
                let known = match known.as_slice() {
                    [] => "there are none; `runbook new NAME` writes one".to_owned(),
                    known => format!("there are: {}", known.join(", ")),
                };
                Self::new(Kind::Usage, message).hint(format!("{}{known}", near.unwrap_or_default()))
            }
            Error::Outside { .. } => Self::new(Kind::Script, message)
                .hint("put the file into the `lib` folder beside the runbook"),
            Error::Escapes { .. } => Self::new(Kind::Script, message)
                .hint("copy the file there instead of linking to it"),
            Error::NoLibrary { file, near, .. } => {
                Self::new(Kind::Script, message).hint(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("write {file}"),
                })
            }
            Error::Unreadable { .. } => Self::new(Kind::Io, message),
            Error::Syntax { help, place, .. } => {
                let error = Self::new(Kind::Script, message).at(place);
                match help {
                    Some(help) => error.hint(help),
                    None => error,
                }
            }
        }
    }
}
