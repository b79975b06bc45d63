//! What was run before: which runs there are, which of them is meant, how long things usually
//! take, what was given last, and what may be thrown away.
//!
//! Listing reads the first and the last line of each journal and nothing between; what is wrong
//! with a journal is listed too, never passed over.

mod ends;
mod find;
mod names;
mod prune;
mod receipt;
mod usuals;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::record::{Closed, Finish, Header, Record, Why};
use super::{Error, Story, read};
use crate::error::Kind;

pub use find::find;
pub use prune::{Pruned, prune};
pub use receipt::{NEVER, Receipt};
pub use usuals::{Usuals, last_params, usual_run};

use ends::Ends;

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this runbook.
    pub runbook: Option<String>,
    /// Those on this target.
    pub target: Option<String>,
    /// Those started at this moment or later.
    pub since: Option<Timestamp>,
    /// Those that did not end well.
    pub failed: bool,
    /// So many, the newest.
    pub limit: Option<usize>,
}

/// One run, as its first and last lines tell it.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub run: String,
    /// Its journal.
    pub path: PathBuf,
    /// What was run; none when it cannot be read.
    pub header: Option<Box<Header>>,
    /// How its last session ended, where that is on record.
    pub finish: Option<Finish>,
    /// What became of it.
    pub ending: Ending,
}

/// What became of a run.
#[derive(Debug)]
pub enum Ending {
    /// A process has its journal open.
    Running,
    /// It has no end, and no process: killed, or the machine went down.
    Stopped,
    /// It did what it was to do.
    Done,
    /// It failed.
    Failed,
    /// The operator stopped it.
    Interrupted,
    /// The operator said no.
    Declined,
    /// It was refused for safety.
    Refused,
    /// It was given up for good.
    Aborted,
    /// This run was started in its place.
    Replaced(String),
    /// Its journal cannot be believed, or not be read.
    Unreadable(Error),
}

impl Ending {
    /// In a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Declined => "declined",
            Self::Refused => "refused",
            Self::Aborted => "aborted",
            Self::Replaced(_) => "replaced",
            Self::Unreadable(_) => "unreadable",
        }
    }

    fn is_bad(&self) -> bool {
        !matches!(self, Self::Running | Self::Done | Self::Declined)
    }

    fn of(finish: &Finish) -> Self {
        let kinds = [
            (Kind::Declined, Self::Declined),
            (Kind::Refused, Self::Refused),
            (Kind::Interrupted, Self::Interrupted),
        ];
        let mut kinds = kinds.into_iter();
        match kinds.find(|(kind, _)| kind.exit_code() == finish.exit) {
            Some((_, ending)) => ending,
            None if finish.exit == 0 => Self::Done,
            None => Self::Failed,
        }
    }
}

impl Entry {
    /// What the first and the last line of this journal tell.
    pub fn read(path: &Path) -> Self {
        let stem = path.file_stem().unwrap_or_default();
        Self::of(stem.to_string_lossy().into_owned(), path.to_owned())
    }

    fn of(run: String, path: PathBuf) -> Self {
        let mut entry = Self {
            run,
            path,
            header: None,
            finish: None,
            ending: Ending::Stopped,
        };
        if let Err(error) = entry.fill() {
            entry.ending = Ending::Unreadable(error);
        }
        entry
    }

    fn fill(&mut self) -> Result<(), Error> {
        let failed = |why| Error::Read {
            file: self.path.clone(),
            why,
        };
        let mut ends = Ends::open(&self.path).map_err(failed)?;
        let Some(first) = ends.first().map_err(failed)? else {
            // Its process has not come further than making it, now or when it was killed.
            self.ending = unended(ends.file());
            return Ok(());
        };
        let Record::Header(header) = read::record(&self.path, 1, first)? else {
            return Err(Error::Damaged {
                file: self.path.clone(),
                line: 1,
                why: "it has no header".to_owned(),
            });
        };
        self.header = Some(header);
        let last = ends.last(0).map_err(failed)?;
        match self.record(last)? {
            Some(Record::Finish(finish)) => {
                self.ending = Ending::of(&finish);
                self.finish = Some(finish);
            }
            Some(Record::Closed(Closed { why, .. })) => {
                self.ending = match why {
                    Why::Aborted => Ending::Aborted,
                    Why::Replaced { run } => Ending::Replaced(run),
                };
                let before = ends.last(1).map_err(failed)?;
                if let Some(Record::Finish(finish)) = self.record(before)? {
                    self.finish = Some(finish);
                }
            }
            _ => self.ending = unended(ends.file()),
        }
        Ok(())
    }

    /// The record in a line whose number is not known, so that its checksum cannot be checked.
    fn record(&self, line: Option<&[u8]>) -> Result<Option<Record>, Error> {
        let Some(line) = line else { return Ok(None) };
        match serde_json::from_slice(line) {
            Ok(record) => Ok(Some(record)),
            // Reading all of it says which line is wrong, and how.
            Err(_) => Ok(read(&self.path)?.pop()),
        }
    }

    /// Whether `runbook resume` can go on with it.
    pub fn is_unfinished(&self) -> bool {
        match &self.ending {
            Ending::Running | Ending::Stopped => true,
            Ending::Failed | Ending::Interrupted | Ending::Declined | Ending::Refused => {
                self.finish.as_ref().is_none_or(|finish| finish.open)
            }
            Ending::Done | Ending::Aborted | Ending::Replaced(_) | Ending::Unreadable(_) => false,
        }
    }

    /// How long all its sessions together were at work, once the last has ended.
    pub fn took(&self) -> Option<Duration> {
        let finish = self.finish.as_ref()?;
        Some(Duration::from_secs(finish.took_seconds))
    }

    /// What its name or its header say of it, where they say anything.
    fn passes(&self, filter: &Filter) -> bool {
        let Some(header) = &self.header else {
            return true;
        };
        (filter.runbook.as_ref()).is_none_or(|runbook| header.runbook == *runbook)
            && (filter.target.as_ref()).is_none_or(|target| header.target == *target)
            && filter.since.is_none_or(|since| header.started >= since)
    }
}

/// Whether a run without an end is still going on.
fn unended(file: &File) -> Ending {
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ending::Running,
        Ok(()) | Err(TryLockError::Error(_)) => Ending::Stopped,
    }
}

/// The runs whose journals are in this folder, newest first. A journal that is damaged, or newer
/// than this program, is listed unless its name alone says that it is not meant.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path, filter: &Filter) -> Result<Vec<Entry>, Error> {
    let limit = filter.limit.unwrap_or(usize::MAX);
    Ok(entries(folder, filter)?.take(limit).collect())
}

/// The same, each read when it is asked for, and without a limit.
fn entries(folder: &Path, filter: &Filter) -> Result<impl Iterator<Item = Entry>, Error> {
    let since = filter.since.map(names::time);
    let names = names::all(folder)?.into_iter().filter(move |name| {
        since.as_ref().is_none_or(|since| name.is_since(since))
            && (filter.runbook.as_ref()).is_none_or(|runbook| name.may_be_of(runbook))
    });
    Ok(names
        .map(|name| {
            let path = folder.join(format!("{}.jsonl", name.run));
            Entry::of(name.run, path)
        })
        .filter(|entry| entry.passes(filter) && (!filter.failed || entry.ending.is_bad())))
}

/// Everything a journal tells; of a damaged one, what stands before the damage, and the damage.
///
/// # Errors
/// When it cannot be read at all.
pub fn story(path: &Path) -> Result<(Story, Option<Error>), Error> {
    let (records, damage) = read::sound(path)?;
    match (Story::tell(path, records), damage) {
        (Ok(story), damage) => Ok((story, damage)),
        (Err(_), Some(damage)) | (Err(damage), None) => Err(damage),
    }
}

#[cfg(test)]
mod tests;
