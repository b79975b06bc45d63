//! Throwing old runs away.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::{Ending, Entry, Filter, entries};
use crate::journal::{Error, read};

/// What was thrown away, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The runs whose journals are gone, newest first.
    pub removed: Vec<String>,
    /// How many finished runs are left.
    pub kept: usize,
    /// How many unfinished runs there are; none of them is ever removed.
    pub unfinished: usize,
    /// How many runs have a journal that cannot be believed; none of them is ever removed.
    pub unreadable: usize,
}

/// Removes all but the newest `keep` finished runs, with what stands beside their journals.
///
/// # Errors
/// When the folder cannot be read, or a file cannot be removed.
pub fn prune(folder: &Path, keep: usize) -> Result<Pruned, Error> {
    let mut pruned = Pruned::default();
    let entries: Vec<Entry> = entries(folder, &Filter::default())?.collect();
    if entries.is_empty() {
        return Ok(pruned);
    }
    let files = files(folder).map_err(|why| Error::Read {
        file: folder.to_owned(),
        why,
    })?;
    for entry in entries {
        if entry.is_unfinished() {
            pruned.unfinished += 1;
        } else if matches!(entry.ending, Ending::Unreadable(_)) || read(&entry.path).is_err() {
            pruned.unreadable += 1;
        } else if pruned.kept < keep || is_held(&entry.path)? {
            pruned.kept += 1;
        } else {
            remove(folder, &files, &entry)?;
            pruned.removed.push(entry.run);
        }
    }
    Ok(pruned)
}

/// Whether a process is about to go on with it.
fn is_held(path: &Path) -> Result<bool, Error> {
    let lock = File::open(path).map(|file| file.try_lock_shared());
    match lock {
        Ok(lock) => Ok(matches!(lock, Err(TryLockError::WouldBlock))),
        Err(why) => Err(Error::Read {
            file: path.to_owned(),
            why,
        }),
    }
}

/// Every file in the folder.
fn files(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for file in fs::read_dir(folder)? {
        names.insert(file?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// The journal goes last: what stands beside it is never left without it.
fn remove(folder: &Path, files: &BTreeSet<String>, entry: &Entry) -> Result<(), Error> {
    let prefix = format!("{}.", entry.run);
    let own = |file: &&String| file.starts_with(&prefix);
    let removed = || {
        for file in files.range(prefix.clone()..).take_while(own) {
            let file = folder.join(file);
            if file != entry.path {
                fs::remove_file(file)?;
            }
        }
        fs::remove_file(&entry.path)
    };
    removed().map_err(|why| Error::Remove {
        file: entry.path.clone(),
        why,
    })
}
