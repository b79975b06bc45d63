//! The one retry policy, above the doors, so that practice and live meet the same one.
//!
//! The libraries' own retries are switched off. What a failure means is said by the room that
//! knows it ([`Failure`]); how long to go on and what the operator sees is decided here.

use std::time::Duration;

use crate::error::{self, Kind};
use crate::event::{self, What};
use crate::world::World;

/// How long a plain request is tried again before giving up.
pub const LIMIT: Duration = Duration::from_mins(2);

/// The pauses double from one second up to this.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What to do about a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It will not get better.
    Final,
    /// The request was not carried out; send it again, after the pause the service asked for.
    Again(Option<Duration>),
    /// It may have been carried out: only something harmless to repeat may be sent again.
    Unknown,
    /// The credentials are no longer good.
    Renew,
}

impl Verdict {
    /// What to do about a failure that is told already: opening a door can fail for a moment too.
    pub fn of(error: &error::Error) -> Self {
        match error.kind {
            Kind::RateLimited | Kind::Unreachable => Self::Again(None),
            Kind::Credentials => Self::Renew,
            _ => Self::Final,
        }
    }
}

/// A failure that can be judged.
pub trait Failure: std::fmt::Display {
    /// What to do about it.
    fn verdict(&self) -> Verdict;
}

impl Failure for error::Error {
    fn verdict(&self) -> Verdict {
        Verdict::of(self)
    }
}

/// Sends `request` until it succeeds, fails for good, or `limit` has passed since the first try.
///
/// `repeatable` says that sending it twice is harmless (a read); otherwise a failure of unknown
/// fate is returned to the caller, who must look before trying again. Credentials are renewed
/// once. Each pause is an event.
///
/// # Errors
/// The last failure.
pub async fn retry<T, E>(
    world: &World,
    what: &str,
    repeatable: bool,
    limit: Duration,
    mut request: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E>
where
    E: Failure + From<error::Error>,
{
    let limit = if world.is_hasty() {
        Duration::ZERO
    } else {
        limit
    };
    let began = world.clock().now();
    let mut pause = Duration::from_secs(1);
    let mut renewed = false;
    loop {
        let failure = match request().await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        tracing::debug!(what, %failure, verdict = ?failure.verdict(), "failed");
        let wait = match failure.verdict() {
            Verdict::Renew if !renewed => {
                renewed = true;
                world.doors().renew().await?;
                Duration::ZERO
            }
            Verdict::Again(asked) => asked.unwrap_or(pause),
            Verdict::Unknown if repeatable => pause,
            Verdict::Final | Verdict::Unknown | Verdict::Renew => return Err(failure),
        };
        if world.clock().since(began) + wait > limit {
            return Err(failure);
        }
        world.emit(What::Retrying {
            what: what.to_owned(),
            why: failure.to_string(),
            after_seconds: event::seconds(wait),
        });
        if !wait.is_zero() {
            world.clock().sleep(wait).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}
