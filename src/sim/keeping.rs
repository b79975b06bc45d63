//! The world on disk: as it was when it last accepted a change, or when a run last recorded one.
//!
//! A killed process loses nothing; against a power cut nothing is done, for nothing real is in it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use jiff::Timestamp;

use super::Saving;
use super::state::State;

/// Where a world is kept.
#[derive(Default)]
pub(super) struct Keeping {
    file: OnceLock<PathBuf>,
    /// What went wrong when nobody could be told.
    failed: Mutex<Option<io::Error>>,
}

impl Keeping {
    /// From now on in this file.
    pub(super) fn keep(&self, file: PathBuf) {
        self.file.set(file).ok();
    }

    /// Puts the world there; a crash half-way leaves the old one.
    pub(super) fn save(&self, state: &State, now: Timestamp) -> io::Result<()> {
        let failed = self
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(failed) = failed {
            return Err(failed);
        }
        let Some(file) = self.file.get() else {
            return Ok(());
        };
        let half = file.with_extension("json.new");
        let world = serde_json::to_vec(&Saving { at: now, state })?;
        File::create(&half)?.write_all(&world)?;
        fs::rename(&half, file)
    }

    /// A change was accepted: it is put on disk.
    pub(super) fn accepted(&self, state: &mut State, now: Timestamp) {
        let dies = state.point();
        self.save_quietly(state, now);
        if dies {
            die();
        }
    }

    /// A record that the world was saved for is on disk.
    pub(super) fn recorded(&self, state: &mut State, now: Timestamp) {
        if state.point() {
            self.save_quietly(state, now);
            die();
        }
    }

    /// Saves it; what goes wrong is told at the next save that somebody asks for.
    fn save_quietly(&self, state: &State, now: Timestamp) {
        if let Err(why) = self.save(state, now) {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        }
    }
}

/// Ends the program as if its machine had died.
fn die() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        kill_process(getpid(), Signal::KILL).ok();
    }
    std::process::abort()
}
