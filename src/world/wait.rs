//! One wait: its events, its notes, and the time it has been watched.
//!
//! Only watched time counts against a limit: a night between two sessions, or a laptop that slept,
//! does not expire it.

use std::time::Duration;

use tokio::time::Instant;

use super::{Note, World};
use crate::error;
use crate::event::{Item, Usual, What, seconds};

/// How often the journal is told that it is still being watched.
const BEAT: Duration = Duration::from_mins(5);

/// Something that is being waited for.
#[derive(Debug)]
pub struct Wait {
    world: World,
    id: u64,
    what: String,
    limit: Duration,
    /// Watched by earlier sessions.
    before: Duration,
    /// Stands still while the machine sleeps.
    since: Instant,
    noted: Duration,
}

impl Wait {
    /// Begins, or goes on with, the wait for `of` things, for at most `limit`.
    ///
    /// How long earlier runs took comes before `estimate`.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub fn begin(
        world: &World,
        what: impl Into<String>,
        of: u64,
        estimate: Option<Usual>,
        limit: Duration,
    ) -> error::Result<Self> {
        let (before, usual) = world.take_watched();
        let wait = Self {
            world: world.clone(),
            id: world.next_wait(),
            what: what.into(),
            limit,
            before,
            since: Instant::now(),
            noted: before,
        };
        wait.note()?;
        world.emit(What::WaitBegan {
            id: wait.id,
            what: wait.what.clone(),
            of,
            usual: usual.or(estimate),
            limit_seconds: seconds(limit),
            watched_seconds: seconds(before),
        });
        Ok(wait)
    }

    fn note(&self) -> error::Result<()> {
        self.world.note(&Note::Watched {
            what: self.what.clone(),
            seconds: seconds(self.watched()),
        })
    }

    /// For how long it has been watched in all.
    pub fn watched(&self) -> Duration {
        self.before + self.since.elapsed()
    }

    /// How long it may still be watched.
    pub fn left(&self) -> Duration {
        self.limit.saturating_sub(self.watched())
    }

    /// Says how far it is.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub fn progress(
        &mut self,
        done: u64,
        of: u64,
        items: Vec<Item>,
        why: Option<String>,
    ) -> error::Result<()> {
        let watched = self.watched();
        self.world.emit(What::Progress {
            id: self.id,
            done,
            of,
            watched_seconds: seconds(watched),
            items,
            why,
        });
        if watched >= self.noted + BEAT {
            self.noted = watched;
            self.note()?;
        }
        Ok(())
    }

    /// It is over, well or not.
    pub fn end(self, ok: bool) {
        self.world.emit(What::WaitEnded {
            id: self.id,
            what: self.what.clone(),
            ok,
            took_seconds: seconds(self.watched()),
        });
    }
}
