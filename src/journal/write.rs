//! The journal a run is writing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::record::{Begin, End, Finish, Header, Outcome, Record};
use super::{Error, Scrub, Story, line, read};
use crate::error;
use crate::world::{Note, Notes};

/// What is kept beside a journal, record by record: the practice world.
pub trait Beside: Send + Sync {
    /// A record is about to be written: whatever it tells of is put on disk first.
    ///
    /// # Errors
    /// When the disk says no; the record is not written then.
    fn before(&self) -> io::Result<()>;
    /// The record is on disk.
    fn after(&self);
}

/// The open journal of one run; clones write to the same file, which no other process can open
/// for writing meanwhile.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    path: PathBuf,
    run: String,
    scrub: Scrub,
    state: Mutex<State>,
}

struct State {
    file: File,
    /// Lines written so far.
    lines: usize,
    /// The effect under way; 0 for the run itself.
    seq: u64,
    beside: Option<Arc<dyn Beside>>,
    /// The disk said no once: a gap would be worse than an early end.
    broken: bool,
}

impl Journal {
    /// Opens a new journal in `folder` (made when missing) and writes its header.
    ///
    /// The run's id is the second it began in, its runbook and, if need be, a number.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn create(folder: &Path, header: Header, scrub: Scrub) -> Result<Self, Error> {
        let at = header.started.strftime("%Y%m%dT%H%M%SZ");
        let stem = format!("{at}-{}", header.runbook);
        let failed = |why| Error::Write {
            file: folder.join(&stem),
            why,
        };
        make_private(folder).map_err(failed)?;
        for more in 1_u32.. {
            let run = match more {
                1 => stem.clone(),
                more => format!("{stem}-{more}"),
            };
            let path = folder.join(format!("{run}.jsonl"));
            match private().create_new(true).open(&path) {
                Ok(file) => {
                    file.lock().map_err(failed)?;
                    let journal = Self::standing(path, run.clone(), scrub, file, 0);
                    journal.write(&Record::Header(Box::new(Header { run, ..header })))?;
                    return Ok(journal);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failed(e)),
            }
        }
        Err(failed(io::ErrorKind::AlreadyExists.into()))
    }

    /// Opens the journal of an earlier run to go on with it; a torn last record is cut off.
    ///
    /// # Errors
    /// When another process has it open, it cannot be believed, or the disk says no.
    pub fn reopen(path: &Path, scrub: Scrub) -> Result<(Self, Story), Error> {
        let failed = |why| Error::Write {
            file: path.to_owned(),
            why,
        };
        let file = private().read(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let run = path.file_stem().unwrap_or_default();
                return Err(Error::Held {
                    run: run.to_string_lossy().into_owned(),
                });
            }
            Err(TryLockError::Error(why)) => return Err(failed(why)),
        }
        let (records, whole) = read::read_whole(path)?;
        file.set_len(whole).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        let lines = records.len();
        let story = Story::tell(path, records)?;
        let run = story.header.run.clone();
        let journal = Self::standing(path.to_owned(), run, scrub, file, lines);
        Ok((journal, story))
    }

    pub(super) fn standing(
        path: PathBuf,
        run: String,
        scrub: Scrub,
        file: File,
        lines: usize,
    ) -> Self {
        let state = Mutex::new(State {
            file,
            lines,
            seq: 0,
            beside: None,
            broken: false,
        });
        Self(Arc::new(Inner {
            path,
            run,
            scrub,
            state,
        }))
    }

    /// From now on this is kept beside it.
    pub fn keep_beside(&self, beside: Arc<dyn Beside>) {
        self.state().beside = Some(beside);
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.0.run
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What keeps secrets out of it.
    pub fn scrub(&self) -> &Scrub {
        &self.0.scrub
    }

    /// The effect of this number is about to begin.
    ///
    /// # Errors
    /// When the disk says no; the effect must not begin then.
    pub fn begin(&self, seq: u64, begin: Begin) -> Result<(), Error> {
        self.state().seq = seq;
        self.write(&Record::Begin { seq, begin })
    }

    /// The effect that was begun has ended.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn end(&self, at: Timestamp, outcome: Outcome) -> Result<(), Error> {
        let seq = self.state().seq;
        self.write(&Record::End(End { seq, at, outcome }))
    }

    /// This session is over.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn finish(&self, finish: Finish) -> Result<(), Error> {
        self.write(&Record::Finish(finish))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a record and waits until it is on disk: on the platter when it tells of something real.
    ///
    /// # Errors
    /// When the disk says no, now or earlier.
    pub fn write(&self, record: &Record) -> Result<(), Error> {
        let failed = |why| Error::Write {
            file: self.0.path.clone(),
            why,
        };
        let mut record = serde_json::to_value(record).map_err(|e| failed(e.into()))?;
        self.0.scrub.clean(&mut record);
        let mut state = self.state();
        if state.broken {
            return Err(failed(io::Error::other("an earlier record is missing")));
        }
        let state = &mut *state;
        let line = line::write(state.lines + 1, &record);
        let written = (|| {
            if let Some(beside) = &state.beside {
                beside.before()?;
            }
            state.file.write_all(line.as_bytes())?;
            match &state.beside {
                // It cannot be safer than the practice world it tells of, which a killed process
                // leaves whole and a power cut may not.
                Some(_) => Ok(()),
                None => state.file.sync_data(),
            }
        })();
        state.broken = written.is_err();
        written.map_err(failed)?;
        state.lines += 1;
        if let Some(beside) = &state.beside {
            beside.after();
        }
        Ok(())
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Journal").field(&self.0.path).finish()
    }
}

impl Notes for Journal {
    fn note(&self, at: Timestamp, note: &Note) -> error::Result<()> {
        let seq = self.state().seq;
        let note = note.clone();
        Ok(self.write(&Record::Noted { seq, at, note })?)
    }
}

/// A file only its owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
