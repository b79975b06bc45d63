//! What can go wrong between us and a hub, and what to do about it.

use std::time::Duration;

use crate::error::{self, Kind};
use crate::names::{CHECK_USER, Took};
use crate::world::retry::{Failure, Verdict};

/// A failure of this room; `hub` is its address.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// There is none.
    #[error("no hub can be asked: target `{target}` has none with a token in runbook.toml")]
    None { target: String },
    /// No answer came.
    #[error("the hub at {hub} does not answer: {why}")]
    Lost { hub: String, why: String },
    /// It cannot work just now.
    #[error("the hub at {hub} cannot answer now ({code})")]
    Down { hub: String, code: u16 },
    /// The proxy before it knows of no hub: one is about to start, or there is none.
    #[error("there is no hub's API at {hub} (404)")]
    Absent { hub: String },
    /// It knows nobody of that name, or does not tell us.
    #[error(
        "the hub at {hub} could not {what}: it knows no such user, or none that the token may see"
    )]
    Missing { hub: String, what: &'static str },
    /// It has no configurator.
    #[error(
        "the hub at {hub} has no configurator: nobody but its chart says which image servers get"
    )]
    NoConfigurator { hub: String },
    /// What the configurator keeps cannot be understood.
    #[error("the configuration at {hub} is broken: {why}")]
    BrokenConfig { hub: String, why: String },
    /// Somebody else was quicker.
    #[error("somebody else has changed the image: it is {found}, and not {expected}")]
    Raced { expected: String, found: String },
    /// The hub has given a server up.
    #[error("a server for {user} did not start: {message}")]
    Spawn { user: String, message: String },
    /// The image cannot be had, or nothing runs in it.
    #[error("a server for {user} cannot start: {message}")]
    Image { user: String, message: String },
    /// It runs, and no code runs in it.
    #[error("the server for {user} runs, and its kernel does not work: {why}")]
    Kernel { user: String, why: String },
    /// Code runs in it, and computes nonsense.
    #[error("the server for {user} ran `{code}` and said `{found}` instead of `{wanted}`")]
    WrongAnswer {
        user: String,
        code: String,
        wanted: String,
        found: String,
    },
    /// It took too long.
    #[error("a server for {user} could not be used within {} (last seen: {last})", Took(*limit))]
    TimedOut {
        user: String,
        limit: Duration,
        last: String,
    },
    /// It wants somebody to log in, or this is no hub.
    #[error("{hub} answers as a website does, not as a hub that knows the token")]
    LogIn { hub: String },
    /// The token is not one of its own, or no longer.
    #[error("the hub at {hub} does not know the token")]
    Token { hub: String },
    /// The token may not do this; the hub's own words.
    #[error("the hub at {hub} does not let us {what}: {message}")]
    Narrow {
        hub: String,
        what: &'static str,
        message: String,
    },
    /// The token may do this, but not see all of it.
    #[error("the hub at {hub} does not tell {missing}: the token may not read it")]
    Blind { hub: String, missing: &'static str },
    /// It does not do this; its own words.
    #[error("the hub at {hub} refused to {what} ({code}): {message}")]
    Refused {
        hub: String,
        what: &'static str,
        code: u16,
        message: String,
    },
    /// The answer is not what a hub answers.
    #[error("cannot read what the hub at {hub} answered: {why}")]
    Strange { hub: String, why: String },
    /// From the doors.
    #[error(transparent)]
    World(#[from] error::Error),
}

impl Failure for Error {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Lost { .. } | Self::Down { .. } | Self::Absent { .. } => Verdict::Unknown,
            Self::World(error) => Verdict::of(error),
            Self::None { .. }
            | Self::LogIn { .. }
            | Self::Token { .. }
            | Self::Narrow { .. }
            | Self::Blind { .. }
            | Self::Refused { .. }
            | Self::Strange { .. }
            | Self::Missing { .. }
            | Self::NoConfigurator { .. }
            | Self::BrokenConfig { .. }
            | Self::Raced { .. }
            | Self::Spawn { .. }
            | Self::Image { .. }
            | Self::Kernel { .. }
            | Self::WrongAnswer { .. }
            | Self::TimedOut { .. } => Verdict::Final,
        }
    }
}

/// Where to look when a server does not start.
const LOOK: &str = "`runbook run logs hub` and `runbook run pods` say what it waited for";

/// The scopes that what this room does needs, for the user a check logs in as.
fn scopes() -> String {
    let all: Vec<String> = super::who::scopes(CHECK_USER).collect();
    all.join(", ")
}

impl From<Error> for error::Error {
    fn from(failure: Error) -> Self {
        let message = failure.to_string();
        let (kind, hint) = match failure {
            Error::World(error) => return error,
            Error::Lost { .. } | Error::Down { .. } => (
                Kind::Unreachable,
                "look whether it is up: `runbook run pods`; check `hub.url` in runbook.toml"
                    .to_owned(),
            ),
            Error::None { target } => (
                Kind::Config,
                format!(
                    "add `url` and `token` of its `hub` under [target.{target}]; \
                     `hub::configured()` asks beforehand"
                ),
            ),
            Error::LogIn { .. } | Error::Absent { .. } => (
                Kind::Config,
                "`hub.url` in runbook.toml is the address people log in at, without /hub"
                    .to_owned(),
            ),
            Error::Token { hub } => (
                Kind::Credentials,
                format!(
                    "make a new one at {hub}/hub/token, with the scopes {}",
                    scopes()
                ),
            ),
            Error::Narrow { hub, .. } | Error::Blind { hub, .. } => (
                Kind::Denied,
                format!(
                    "make a token at {hub}/hub/token as an admin, with the scopes {}",
                    scopes()
                ),
            ),
            Error::Missing { .. } => (
                Kind::NotFound,
                format!("the token needs the scopes {}", scopes()),
            ),
            Error::NoConfigurator { .. } => (
                Kind::NotFound,
                "set the image in the chart's values (`singleuser.image`), or check `hub.url`"
                    .to_owned(),
            ),
            Error::BrokenConfig { hub, .. } => (
                Kind::Config,
                format!(
                    "open {hub}/services/configurator/ and save it anew: until then no server starts"
                ),
            ),
            Error::Raced { .. } => (
                Kind::Raced,
                "nothing of theirs was overwritten: ask who it was, then run it again".to_owned(),
            ),
            Error::Spawn { .. } => (Kind::Operation, LOOK.to_owned()),
            Error::TimedOut { .. } => (Kind::TimedOut, LOOK.to_owned()),
            Error::Image { .. } => (
                Kind::Image,
                "check the image's name and tag: new servers of everybody get it".to_owned(),
            ),
            Error::Kernel { .. } | Error::WrongAnswer { .. } => (
                Kind::Operation,
                "log in yourself and run a cell; `runbook run pods` shows what the nodes have left"
                    .to_owned(),
            ),
            Error::Refused { .. } | Error::Strange { .. } => (
                Kind::Bug,
                "run it again with -vv and report what it says".to_owned(),
            ),
        };
        Self::new(kind, message).hint(hint)
    }
}
