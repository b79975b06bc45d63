//! Practice worlds on disk: the one that goes on from run to run, and that of each rehearsal,
//! beside its journal. A killed run finds the world as it was left.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::Earlier;
use crate::error::{Error, Kind, Result};
use crate::journal::Beside;
use crate::sim::{Practice, Setup, Speed};

/// Where the world that goes on is kept.
pub(super) fn file(state: &Path) -> PathBuf {
    state.join("practice.json")
}

/// Where a rehearsal's world is kept.
pub(super) fn beside(journal: &Path) -> PathBuf {
    journal.with_extension("world.json")
}

/// The kept world, `away` later, or a new quiet one.
pub(super) fn open(state: &Path, speed: Speed, away: Duration) -> Result<Practice> {
    let setup = Setup {
        speed,
        ..Setup::default()
    };
    load(
        &file(state),
        &setup,
        away,
        "start over with `runbook world reset`",
    )
}

/// The world of a rehearsal that goes on.
pub(super) fn restore(earlier: &Earlier, setup: &Setup) -> Result<Practice> {
    let file = beside(earlier.journal.path());
    let hint = "start over with `runbook resume --again`";
    load(&file, setup, earlier.away, hint)
}

fn load(file: &Path, setup: &Setup, away: Duration, hint: &str) -> Result<Practice> {
    let damaged = |why: String| {
        Error::new(
            Kind::Io,
            format!(
                "the practice world in {} cannot be used: {why}",
                file.display()
            ),
        )
        .hint(hint)
    };
    match fs::read(file) {
        Ok(text) => {
            let snapshot = serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
            let _ = away;
            Practice::restore(snapshot, setup.speed).map_err(|e| damaged(e.to_string()))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Practice::fresh(setup)?),
        Err(e) => Err(damaged(e.to_string())),
    }
}

/// A practice world that is put on disk with every record of a journal.
pub(super) struct Kept {
    practice: Practice,
    file: PathBuf,
}

impl Kept {
    pub(super) fn new(practice: Practice, file: PathBuf) -> Self {
        Self { practice, file }
    }

    pub(super) fn failed(&self, why: &io::Error) -> Error {
        let file = self.file.display();
        let fact = format!("cannot keep the practice world in {file}: {why}");
        Error::new(Kind::Io, fact).hint("make room for it, or allow writing there")
    }
}

impl Beside for Kept {
    fn before(&self) -> io::Result<()> {
        let half = self.file.with_extension("json.new");
        let mut out = fs::File::create(&half)?;
        out.write_all(self.practice.snapshot().to_string().as_bytes())?;
        fs::rename(&half, &self.file)
    }

    fn after(&self) {}
}

/// Forgets the kept world; says whether there was one.
///
/// # Errors
/// When the file is there and cannot be removed.
pub fn forget(state: &Path) -> Result<bool> {
    match fs::remove_file(file(state)) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::new(
            Kind::Io,
            format!("cannot remove {}: {e}", file(state).display()),
        )),
    }
}
