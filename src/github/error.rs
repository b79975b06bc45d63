//! What can go wrong between us and GitHub, and what to do about it.

use std::time::Duration;

use crate::error::{self, Kind};
use crate::world::github::TokenKind;
use crate::world::retry::{Failure, Verdict};

/// A failure of this room; `what` is what could not be done, for a person.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// No answer came.
    #[error("GitHub does not answer: {0}")]
    Lost(String),
    /// It cannot work just now.
    #[error("GitHub cannot answer now ({0})")]
    Down(u16),
    /// Too many requests, until then.
    #[error("GitHub has been asked too much for now: {message}")]
    Limited { after: Duration, message: String },
    /// It does not know the token.
    #[error("GitHub does not know the token, or no longer")]
    Token,
    /// The token may not do this; GitHub's own words.
    #[error("GitHub does not let the token {what}: {message}")]
    Denied {
        what: String,
        message: String,
        token: TokenKind,
    },
    /// It is not there, or not for us.
    #[error("GitHub could not {what}: there is no such thing, or the token may not see it")]
    Missing { what: String },
    /// The file is not there.
    #[error("{repository} has no file {path} on {branch}, at commit {commit}")]
    NoFile {
        repository: String,
        path: String,
        branch: String,
        commit: String,
    },
    /// It is no file of text.
    #[error("{path} in {repository} {why}")]
    NoText {
        repository: String,
        path: String,
        why: &'static str,
    },
    /// Nobody changes it any more.
    #[error("{0} is archived: nothing in it is changed any more")]
    Archived(String),
    /// A repository of ours is in the fork's place.
    #[error("{fork} is no fork of {repository}, and has its name")]
    Taken { fork: String, repository: String },
    /// The fork is not there yet.
    #[error("{fork} was asked for and is not ready after {} s", .limit.as_secs())]
    SlowFork { fork: String, limit: Duration },
    /// Somebody else was quicker.
    #[error("{path} has been changed in {repository} since it was read")]
    Raced { repository: String, path: String },
    /// What would be proposed is not what was meant.
    #[error("what would be proposed is not what was meant: {0}")]
    Doubtful(String),
    /// It refuses; its own words.
    #[error("GitHub refused to {what} ({code}): {message}")]
    Refused {
        what: String,
        code: u16,
        message: String,
    },
    /// It was closed.
    #[error("{url} was closed and not merged")]
    Closed { url: String },
    /// Somebody changed the same lines.
    #[error("{url} cannot be merged any more: the same lines have been changed meanwhile")]
    Conflict { url: String },
    /// Nobody has merged it.
    #[error("{url} was not merged while it was watched")]
    NotMerged { url: String },
    /// The answer is not what GitHub answers.
    #[error("cannot read what GitHub answered: {0}")]
    Strange(String),
    /// From the doors.
    #[error(transparent)]
    World(#[from] error::Error),
}

impl Failure for Error {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Lost(_) | Self::Down(_) => Verdict::Unknown,
            Self::Limited { after, .. } => Verdict::Again(Some(*after)),
            Self::World(error) => Verdict::of(error),
            _ => Verdict::Final,
        }
    }
}

const CLASSIC: &str = "a classic token with the scope public_repo (github.com/settings/tokens), \
    or `gh auth login`";

impl From<Error> for error::Error {
    fn from(failure: Error) -> Self {
        let message = failure.to_string();
        let (kind, hint) = match failure {
            Error::World(error) => return error,
            Error::Lost(_) | Error::Down(_) => (
                Kind::Unreachable,
                "try again in some minutes; githubstatus.com says how it is".to_owned(),
            ),
            Error::Limited { after, .. } => (
                Kind::RateLimited,
                format!("run it again in {} min", after.as_secs().div_ceil(60)),
            ),
            Error::Token => (Kind::Credentials, format!("use {CLASSIC}")),
            Error::Denied { token, .. } => (Kind::Denied, denied(token)),
            Error::Missing { .. } => (
                Kind::NotFound,
                "check the names in runbook.toml; a private repository needs a token that may read it"
                    .to_owned(),
            ),
            Error::NoFile { repository, .. } => (
                Kind::NotFound,
                format!(
                    "it was moved or removed there: look for it at {repository}, then correct \
                     `path` of `allow_list` in runbook.toml"
                ),
            ),
            Error::NoText { .. } | Error::Archived(_) => (
                Kind::NotFound,
                "ask its owners where the list is kept now".to_owned(),
            ),
            Error::Taken { fork, .. } => (
                Kind::Refused,
                format!("rename {fork}, or pass --print-patch and send the patch yourself"),
            ),
            Error::SlowFork { fork, .. } => (
                Kind::TimedOut,
                format!("run it again when {fork} is there: it goes on from there"),
            ),
            Error::Raced { .. } => (
                Kind::Raced,
                "nothing was proposed: run it again on the file as it is now".to_owned(),
            ),
            Error::Doubtful(_) => (
                Kind::Refused,
                "nothing was proposed; --print-patch shows the change".to_owned(),
            ),
            Error::Closed { .. } => (
                Kind::Declined,
                "its comments say why; nothing was changed".to_owned(),
            ),
            Error::Conflict { .. } => (
                Kind::Raced,
                "close it, and run it again on the file as it is now".to_owned(),
            ),
            Error::NotMerged { .. } => (
                Kind::TimedOut,
                "`runbook resume` watches on; a word to its reviewers may help".to_owned(),
            ),
            Error::Refused { .. } | Error::Strange(_) => (
                Kind::Bug,
                "run it again with -vv and report what it says".to_owned(),
            ),
        };
        Self::new(kind, message).hint(hint)
    }
}

/// What to do about a token that may not.
fn denied(token: TokenKind) -> String {
    match token {
        TokenKind::FineGrained => format!(
            "a fine-grained token writes nothing in, and proposes nothing to, the repositories of \
             others: use {CLASSIC}"
        ),
        TokenKind::Installation => format!(
            "a token of an app or an action is for the repositories it is installed in: use {CLASSIC}"
        ),
        TokenKind::Classic | TokenKind::OAuth | TokenKind::Unknown => {
            format!("its scopes are too narrow, or its owner may not: use {CLASSIC}")
        }
    }
}
