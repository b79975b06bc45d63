//! Practice worlds on disk: the one that goes on from run to run, and that of each rehearsal,
//! beside its journal. A killed run finds the world as it was left.

use std::fs::{File, TryLockError};
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

/// Keeps other runs out of the world that goes on, for as long as the file is open.
///
/// # Errors
/// Kind `refused` while another process is in there.
pub(super) fn enter(state: &Path) -> Result<File> {
    let path = state.join("practice.lock");
    let failed = |why: io::Error| {
        let fact = format!(
            "cannot lock the practice world with {}: {why}",
            path.display()
        );
        Error::new(Kind::Io, fact).hint("allow writing there")
    };
    fs::create_dir_all(state).map_err(failed)?;
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(why)) => Err(failed(why)),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            Kind::Refused,
            "another run is going on in the practice world",
        )
        .hint("wait for it, or use `runbook rehearse`, which has a world of its own")),
    }
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
        Ok(text) => Practice::restore(&text, away, setup.speed).map_err(|e| damaged(e.to_string())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Practice::fresh(setup)?),
        Err(e) => Err(damaged(e.to_string())),
    }
}

/// A practice world that is put on disk with every record of a journal.
pub(super) struct Kept(pub(super) Practice);

impl Beside for Kept {
    fn before(&self) -> io::Result<()> {
        self.0.save()
    }

    fn after(&self) {
        self.0.recorded();
    }
}

/// Keeps the world in this file from now on.
pub(super) fn keep(practice: &Practice, file: PathBuf) -> Result<Kept> {
    let shown = file.display().to_string();
    practice.keep(file);
    practice.save().map_err(|why| {
        let fact = format!("cannot keep the practice world in {shown}: {why}");
        Error::new(Kind::Io, fact).hint("make room for it, or allow writing there")
    })?;
    Ok(Kept(practice.clone()))
}

/// Forgets the kept world; says whether there was one.
///
/// # Errors
/// When a run is going on in it, or the file is there and cannot be removed.
pub fn forget(state: &Path) -> Result<bool> {
    let _alone = enter(state)?;
    match fs::remove_file(file(state)) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::new(
            Kind::Io,
            format!("cannot remove {}: {e}", file(state).display()),
        )),
    }
}
