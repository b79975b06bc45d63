//! The practice world that goes on from run to run: one file in the state folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::{Error, Kind, Result};
use crate::sim::{Practice, Setup, Speed};

fn file(state: &Path) -> PathBuf {
    state.join("practice.json")
}

/// The kept world, or a new quiet one.
pub(super) fn open(state: &Path, speed: Speed) -> Result<Practice> {
    let file = file(state);
    let damaged = |why: String| {
        Error::new(
            Kind::Io,
            format!(
                "the practice world in {} cannot be used: {why}",
                file.display()
            ),
        )
        .hint("start over with `runbook world reset`")
    };
    match fs::read(&file) {
        Ok(text) => {
            let snapshot = serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
            Practice::restore(snapshot, speed).map_err(|e| damaged(e.to_string()))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let setup = Setup {
                speed,
                ..Setup::default()
            };
            Ok(Practice::fresh(&setup)?)
        }
        Err(e) => Err(damaged(e.to_string())),
    }
}

/// Puts the world back for the next run; a crash half-way leaves the old one.
pub(super) fn save(state: &Path, practice: &Practice) -> Result<()> {
    let file = file(state);
    let half = file.with_extension("json.new");
    let write = || {
        let mut out = fs::File::create(&half)?;
        out.write_all(practice.snapshot().to_string().as_bytes())?;
        out.sync_data()?;
        fs::rename(&half, &file)
    };
    write().map_err(|e: io::Error| {
        Error::new(
            Kind::Io,
            format!("cannot keep the practice world in {}: {e}", file.display()),
        )
    })
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
