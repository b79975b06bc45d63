//! What a run did, on disk, while it does it.
//!
//! One JSON-lines file per run, readable by its owner only. Every record is flushed to disk before
//! the thing it announces happens: `begin` before a request leaves, `note` before an operation is
//! polled, `end` after the answer. Nothing is ever rewritten. Never touches the terminal.

mod record;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use crate::error::{self, Kind};
use crate::world::Notes;

pub use record::{Begin, End, FORMAT, Finish, Header, Note, Outcome, Record};

/// Why nothing could be recorded. A run stops then: it never goes on without its journal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error("cannot write the journal {}: {why}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// A line that is no record.
    #[error("{} line {line} is not a journal record: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl From<Error> for error::Error {
    fn from(error: Error) -> Self {
        let hint = match &error {
            Error::Write { file, .. } => format!(
                "a run is never done without its journal: make room for, or allow writing to, {}",
                file.parent().unwrap_or(file).display()
            ),
            Error::Unreadable { .. } => "move the file away".to_owned(),
        };
        Self::new(Kind::Io, error.to_string()).hint(hint)
    }
}

/// The open journal of one run; clones write to the same file.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    run: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    seq: u64,
}

impl Journal {
    /// Opens a new journal in `folder` (made when missing) and writes its header.
    ///
    /// The run's id is its runbook, the second it began in and, if need be, a number.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn create(folder: &Path, header: Header) -> Result<Self, Error> {
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
            match private().open(&path) {
                Ok(file) => {
                    let state = Mutex::new(State { file, seq: 0 });
                    let journal = Self(Arc::new(Inner {
                        path,
                        run: run.clone(),
                        state,
                    }));
                    journal.write(&Record::Header(Box::new(Header { run, ..header })))?;
                    return Ok(journal);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failed(e)),
            }
        }
        Err(failed(io::ErrorKind::AlreadyExists.into()))
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.0.run
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// An effect is about to begin.
    ///
    /// # Errors
    /// When the disk says no; the effect must not begin then.
    pub fn begin(&self, begin: Begin) -> Result<(), Error> {
        let seq = {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.seq += 1;
            state.seq
        };
        self.write(&Record::Begin { seq, begin })
    }

    /// The effect that was begun has ended.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn end(&self, at: Timestamp, outcome: &error::Result<Value>) -> Result<(), Error> {
        let outcome = match outcome {
            Ok(value) => Outcome::Ok(value.clone()),
            Err(error) => Outcome::Error(error.clone()),
        };
        let seq = self.seq();
        self.write(&Record::End(End { seq, at, outcome }))
    }

    /// The run is over.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn finish(&self, finish: Finish) -> Result<(), Error> {
        self.write(&Record::Finish(finish))
    }

    fn seq(&self) -> u64 {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.seq
    }

    fn write(&self, record: &Record) -> Result<(), Error> {
        let failed = |why| Error::Write {
            file: self.0.path.clone(),
            why,
        };
        let mut line = serde_json::to_vec(record).map_err(|e| failed(e.into()))?;
        line.push(b'\n');
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.file.write_all(&line).map_err(failed)?;
        state.file.sync_data().map_err(failed)
    }
}

impl Notes for Journal {
    fn operation(&self, name: &str) -> error::Result<()> {
        let note = Note {
            seq: self.seq(),
            operation: name.to_owned(),
        };
        Ok(self.write(&Record::Note(note))?)
    }
}

/// Every record of a journal, in order. A torn last line, which a crash leaves, is left out.
///
/// # Errors
/// When the file cannot be read, or a line before the last is no record.
pub fn read(path: &Path) -> Result<Vec<Record>, Error> {
    let text = fs::read_to_string(path).map_err(|why| Error::Write {
        file: path.to_owned(),
        why,
    })?;
    let mut records = Vec::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let Some(line) = line.strip_suffix('\n') else {
            break;
        };
        let record = serde_json::from_str(line).map_err(|e| Error::Unreadable {
            file: path.to_owned(),
            line: at + 1,
            why: e.to_string(),
        })?;
        records.push(record);
    }
    Ok(records)
}

/// A new file only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A header for tests.
#[cfg(test)]
pub(crate) mod testing {
    use std::collections::BTreeMap;

    use super::{FORMAT, Header};
    use crate::names::Mode;

    pub(crate) fn header() -> Header {
        Header {
            format: FORMAT,
            run: String::new(),
            program: "0.1.0".to_owned(),
            runbook: "warm_up".to_owned(),
            source: "built in: warm_up.rhai".to_owned(),
            hash: "abc".to_owned(),
            libraries: BTreeMap::new(),
            params: BTreeMap::from([("nodes".to_owned(), 2.into())]),
            target: "practice".to_owned(),
            cluster: "practice/here/cluster".to_owned(),
            mode: Mode::Rehearsal,
            operator: "ann".to_owned(),
            started: "2026-01-15T13:00:00Z".parse().unwrap(),
            seed: Some(1),
            scenario: Some("quiet".to_owned()),
            faults: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::header;
    use super::*;
    use crate::names::Class;

    fn begin(call: &str) -> Begin {
        Begin {
            at: "2026-01-15T13:00:01Z".parse().unwrap(),
            call: call.to_owned(),
            class: Class::WriteConverge,
            args: vec!["nb-user".into(), 2.into()],
            place: "warm_up.rhai:3:1".to_owned(),
        }
    }

    #[test]
    fn what_is_written_can_be_read_back_and_a_torn_end_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(folder.path(), header()).unwrap();
        journal.begin(begin("Pool.grow")).unwrap();
        journal.operation("operation-1").unwrap();
        let at = begin("").at;
        journal.end(at, &Ok(serde_json::json!({"7": 1}))).unwrap();
        journal.begin(begin("gke::pool")).unwrap();
        let failed = error::Error::new(Kind::Denied, "no").hint("ask");
        journal.end(at, &Err(failed.clone())).unwrap();
        let before = read(journal.path()).unwrap();
        assert!(matches!(&before[0], Record::Header(h) if h.run == "20260115T130000Z-warm_up"));
        assert_eq!(
            before[1],
            Record::Begin {
                seq: 1,
                begin: begin("Pool.grow")
            }
        );
        assert!(
            matches!(&before[2], Record::Note(n) if n.seq == 1 && n.operation == "operation-1")
        );
        let ended = |seq, outcome| Record::End(End { seq, at, outcome });
        assert_eq!(
            before[3],
            ended(1, Outcome::Ok(serde_json::json!({"7": 1})))
        );
        assert_eq!(before[5], ended(2, Outcome::Error(failed)));

        let mut file = OpenOptions::new()
            .append(true)
            .open(journal.path())
            .unwrap();
        file.write_all(b"{\"record\":\"fin").unwrap();
        assert_eq!(read(journal.path()).unwrap(), before);
    }

    #[test]
    fn two_runs_in_one_second_have_two_journals() {
        let folder = tempfile::tempdir().unwrap();
        let first = Journal::create(folder.path(), header()).unwrap();
        let second = Journal::create(folder.path(), header()).unwrap();
        assert_eq!(first.run(), "20260115T130000Z-warm_up");
        assert_eq!(second.run(), "20260115T130000Z-warm_up-2");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(&folder.path().join("runs"), header()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(journal.path()), 0o600);
        assert_eq!(mode(&folder.path().join("runs")), 0o700);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = error::Error::from(Journal::create(&file, header()).unwrap_err());
        assert_eq!(error.kind, Kind::Io);
        assert!(
            error
                .hint
                .unwrap()
                .contains("never done without its journal")
        );
    }
}
