//! Following what several watches tell, until it is as wanted.

use std::pin::pin;
use std::time::Duration;

use futures::stream::SelectAll;
use futures::{Stream, StreamExt as _};
use jiff::Timestamp;

use super::error::Error;
use crate::error;
use crate::event::Item;
use crate::world::World;
use crate::world::wait::Wait;

/// A wait says this often that it goes on: whoever shows it has no clock of its own.
const BEAT: Duration = Duration::from_secs(10);

/// News this close together is one piece of news.
const MOMENT: Duration = Duration::from_millis(20);

/// How far something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Far {
    pub(super) done: u64,
    pub(super) of: u64,
    pub(super) items: Vec<Item>,
    pub(super) why: Option<String>,
}

/// What is known of something that is followed.
pub(super) trait Followed {
    /// One thing heard.
    type Heard;

    /// Takes it in.
    ///
    /// # Errors
    /// When nothing more can be heard.
    fn hear(&mut self, heard: Self::Heard, now: Timestamp) -> Result<(), Error>;

    /// Whether enough has been heard to say anything.
    fn listed(&self) -> bool;

    /// What all this amounts to.
    fn far(&self, now: Timestamp) -> Far;

    /// When it has to be looked at again though nothing is heard.
    fn alarm(&self, _: Timestamp) -> Option<Duration> {
        None
    }

    /// Why it will never be as wanted.
    fn failure(&self, _: Timestamp) -> Option<Error> {
        None
    }
}

/// Follows until all is done, saying what changes.
///
/// # Errors
/// When nothing more can be heard, or it will never be as wanted.
pub(super) async fn follow<F: Followed>(
    world: &World,
    state: &mut F,
    mut news: SelectAll<impl Stream<Item = F::Heard> + Unpin>,
    wait: &mut Wait,
) -> error::Result<()> {
    let mut told: Option<(Far, Timestamp)> = None;
    loop {
        let alarm = state.alarm(world.clock().now()).unwrap_or(BEAT).min(BEAT);
        let mut moment = pin!(world.clock().sleep(alarm));
        loop {
            tokio::select! {
                biased;
                heard = news.next() => match heard {
                    Some(heard) => state.hear(heard, world.clock().now())?,
                    // Every watch tells how it failed before it ends.
                    None => std::future::pending().await,
                },
                () = &mut moment => break,
            }
            // What changes in one moment is told in several watches, in no certain order.
            moment.set(world.clock().sleep(MOMENT));
        }
        if !state.listed() {
            continue;
        }
        let now = world.clock().now();
        let far = state.far(now);
        let due = |(_, at): &(Far, Timestamp)| {
            Duration::try_from(now.duration_since(*at)).is_ok_and(|since| since >= BEAT)
        };
        if told.as_ref().is_none_or(|last| last.0 != far || due(last)) {
            wait.progress(far.done, far.of, far.items.clone(), far.why.clone())?;
            told = Some((far.clone(), now));
        }
        if far.done >= far.of {
            return Ok(());
        }
        if let Some(failure) = state.failure(now) {
            return Err(failure.into());
        }
    }
}
