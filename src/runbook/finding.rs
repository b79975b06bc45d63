//! Something wrong with a runbook, found without running it.

use crate::error::{self, Kind, Place};

/// One mistake: where, what, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// The fact.
    pub message: String,
    /// What to write instead.
    pub suggestion: Option<String>,
    /// The rule's name, such as `unknown-function`.
    pub rule: &'static str,
}

impl From<Finding> for error::Error {
    fn from(finding: Finding) -> Self {
        let error = Self::new(Kind::Script, finding.message).at(finding.place);
        match finding.suggestion {
            Some(suggestion) => error.hint(suggestion),
            None => error,
        }
    }
}

/// `did you mean ...?`, when there is something near.
pub(crate) fn did_you_mean<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    crate::names::nearest(typed, known).map(|near| format!("did you mean `{near}`?"))
}
