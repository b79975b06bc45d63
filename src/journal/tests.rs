use std::fs::{self, OpenOptions};
use std::io::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::testing::{begin, header};
use super::*;
use crate::event::{Change, Fate};
use crate::names::Class;
use crate::world::{Note, Notes as _};

fn create(folder: &Path) -> Journal {
    Journal::create(folder, header(), Scrub::new(b"key")).unwrap()
}

fn change() -> Note {
    Note::Changed {
        change: Change {
            what: "node pool nb-user: size".to_owned(),
            before: "0 nodes".to_owned(),
            after: "2 nodes".to_owned(),
            call: "Pool.grow".to_owned(),
            class: Class::WriteConverge,
            operation: Some("operation-1".to_owned()),
            fate: Fate::InFlight,
        },
    }
}

#[test]
fn what_is_written_can_be_read_back_and_a_torn_end_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let journal = create(folder.path());
    let at = begin("").at;
    journal.begin(1, begin("Pool.grow")).unwrap();
    journal.note(at, &change()).unwrap();
    journal.end(at, Outcome::Ok(json!({"7": 1}))).unwrap();
    journal.begin(2, begin("gke::pool")).unwrap();
    let failed = error::Error::new(Kind::Denied, "no").hint("ask");
    journal.end(at, Outcome::Error(failed.clone())).unwrap();
    let before = read(journal.path()).unwrap();
    assert!(matches!(&before[0], Record::Header(h) if h.run == "20260115T130000Z-warm_up"));
    let story = Story::read(journal.path()).unwrap();
    assert_eq!(story.steps.len(), 2);
    assert_eq!(story.steps[0].begin, begin("Pool.grow"));
    assert_eq!(
        story.steps[0].end.as_ref().unwrap().outcome,
        Outcome::Ok(json!({"7": 1}))
    );
    assert_eq!(story.steps[1].error(), Some(&failed));
    assert_eq!(story.changes().len(), 1);

    let path = journal.path().to_owned();
    drop(journal);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"sum\":\"12").unwrap();
    assert_eq!(read(&path).unwrap(), before);
    let (journal, again) = Journal::reopen(&path, Scrub::new(b"key")).unwrap();
    assert_eq!(again, story);
    journal.begin(3, begin("gke::pool")).unwrap();
    assert_eq!(read(&path).unwrap().len(), before.len() + 1);
}

#[test]
fn two_runs_in_one_second_have_two_journals() {
    let folder = tempfile::tempdir().unwrap();
    let first = create(folder.path());
    let second = create(folder.path());
    assert_eq!(first.run(), "20260115T130000Z-warm_up");
    assert_eq!(second.run(), "20260115T130000Z-warm_up-2");
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let journal = create(&folder.path().join("runs"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(journal.path()), 0o600);
    assert_eq!(mode(&folder.path().join("runs")), 0o700);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Journal::create(&file, header(), Scrub::new(b"key")).unwrap_err();
    let error = error::Error::from(error);
    assert_eq!(error.kind, Kind::Io);
    assert!(
        error
            .hint
            .unwrap()
            .contains("never done without its journal")
    );
}

#[test]
fn the_night_between_two_sessions_is_nobody_s_work() {
    let folder = tempfile::tempdir().unwrap();
    let journal = create(folder.path());
    let at = begin("").at;
    let later = |minutes| at + jiff::SignedDuration::from_mins(minutes);
    journal.begin(1, begin("Pool.grow")).unwrap();
    journal.note(later(2), &change()).unwrap();
    let resume = Resume {
        at: later(600),
        ..another_session()
    };
    journal.write(&Record::Resume(resume)).unwrap();
    let again = Begin {
        at: later(601),
        ..begin("Pool.grow")
    };
    journal.begin(1, again).unwrap();
    journal.end(later(604), Outcome::Ok(json!(null))).unwrap();
    let story = Story::read(journal.path()).unwrap();
    assert_eq!(story.steps[0].took.as_secs(), 5 * 60);
    assert_eq!(story.took.as_secs(), 6 * 60);
}

/// Another session, by somebody else.
fn another_session() -> Resume {
    Resume {
        at: begin("").at,
        started: begin("").at,
        operator: "bob@desk".to_owned(),
        process: 9,
        program: "0.1.0".to_owned(),
        source: "warm_up.rhai".to_owned(),
        hash: "def".to_owned(),
        libraries: std::collections::BTreeMap::new(),
    }
}

/// A journal of two sessions, the first of which was killed; its bytes and its records.
fn tale() -> (tempfile::TempDir, PathBuf, Vec<u8>, Vec<Record>) {
    let folder = tempfile::tempdir().unwrap();
    let journal = create(folder.path());
    let at = begin("").at;
    journal.begin(1, begin("gke::pool")).unwrap();
    journal.end(at, Outcome::Digest("é".to_owned())).unwrap();
    journal.begin(2, begin("Pool.grow")).unwrap();
    journal.note(at, &change()).unwrap();
    let resume = another_session();
    journal.write(&Record::Resume(resume)).unwrap();
    journal.begin(2, begin("Pool.grow")).unwrap();
    journal.end(at, Outcome::Ok(json!(null))).unwrap();
    let finish = Finish {
        open: false,
        at,
        exit: 0,
        error: None,
        took_seconds: 3,
        changes: 1,
    };
    journal.finish(finish).unwrap();
    let path = journal.path().to_owned();
    let (bytes, records) = (fs::read(&path).unwrap(), read(&path).unwrap());
    assert_eq!(records.len(), 9);
    (folder, path, bytes, records)
}

/// How many lines have their end.
fn lines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

/// Reads it and opens it to go on; what both give must be the same.
fn reopened(path: &Path) -> Result<Vec<Record>, Error> {
    let before = read(path)?;
    let (journal, _) = Journal::reopen(path, Scrub::new(b"key"))?;
    drop(journal);
    assert_eq!(read(path).unwrap(), before);
    Ok(before)
}

#[test]
fn cut_off_anywhere_it_is_what_was_whole_or_refused_for_having_no_header() {
    let (_folder, path, bytes, records) = tale();
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let whole = lines(&bytes[..length]);
        match reopened(&path) {
            Ok(read) => assert_eq!(read, records[..whole], "cut off at {length}"),
            Err(error) => {
                assert_eq!(whole, 0, "cut off at {length}: {error}");
                assert!(matches!(error, Error::Damaged { line: 1, .. }), "{error}");
            }
        }
        let left = fs::read(&path).unwrap();
        assert!(bytes.starts_with(&left) && (whole == 0 || left.ends_with(b"\n")));
    }
}

proptest! {
    #[test]
    fn a_byte_that_was_flipped_is_never_believed(at in any::<prop::sample::Index>(), bit in 0..8) {
        let (_folder, path, mut bytes, records) = tale();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        fs::write(&path, &bytes).unwrap();
        match reopened(&path) {
            // Without its end the last record is a torn one.
            Ok(read) => {
                prop_assert_eq!(at, bytes.len() - 1);
                prop_assert_eq!(&read[..], &records[..records.len() - 1]);
            }
            Err(Error::Damaged { line, .. }) => {
                let before = lines(&bytes[..at]);
                prop_assert!(line == before + 1, "line {line}, flipped in {}", before + 1);
                prop_assert_eq!(fs::read(&path).unwrap(), bytes);
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}

#[test]
fn lines_that_were_left_out_or_moved_are_noticed() {
    let (_folder, path, bytes, _) = tale();
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for at in 0..lines.len() - 1 {
        let mut left = lines.clone();
        left.remove(at);
        fs::write(&path, left.concat()).unwrap();
        assert!(
            matches!(read(&path), Err(Error::Damaged { .. })),
            "without line {at}"
        );
        let mut moved = lines.clone();
        moved.swap(at, at + 1);
        fs::write(&path, moved.concat()).unwrap();
        assert!(
            matches!(read(&path), Err(Error::Damaged { .. })),
            "line {at} moved"
        );
    }
}

#[test]
fn a_newer_format_is_refused_by_name_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut newer = header();
    newer.format = FORMAT + 1;
    newer.program = "9.1.0".to_owned();
    let journal = Journal::create(folder.path(), newer, Scrub::new(b"key")).unwrap();
    let path = journal.path().to_owned();
    drop(journal);
    let before = fs::read(&path).unwrap();
    let error = error::Error::from(
        Journal::reopen(&path, Scrub::new(b"key"))
            .map(|_| ())
            .unwrap_err(),
    );
    assert!(
        error.message.contains("format 2, written by runbook 9.1.0"),
        "{error}"
    );
    assert_eq!(
        error.hint.unwrap(),
        "use runbook 9.1.0 or later for this run"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn nobody_else_can_go_on_with_a_run_that_is_going_on() {
    let folder = tempfile::tempdir().unwrap();
    let journal = create(folder.path());
    let held = Journal::reopen(journal.path(), Scrub::new(b"key")).map(|_| ());
    let error = error::Error::from(held.unwrap_err());
    assert_eq!(error.kind, Kind::Refused);
    assert!(
        error.message.contains("20260115T130000Z-warm_up"),
        "{error}"
    );
    let path = journal.path().to_owned();
    drop(journal);
    Journal::reopen(&path, Scrub::new(b"key")).unwrap();
}

#[test]
fn a_secret_is_a_marker_and_a_hash_that_only_its_key_can_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let journal = create(folder.path());
    journal.scrub().add("hunter2hunter2");
    let mut call = begin("hub::login");
    call.args = vec![json!({"token": "Bearer hunter2hunter2"})];
    journal.begin(1, call).unwrap();
    let text = fs::read_to_string(journal.path()).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let marked = |key: &[u8]| {
        let scrub = Scrub::new(key);
        scrub.add("hunter2hunter2");
        let mut value = json!("hunter2hunter2");
        scrub.clean(&mut value);
        value.as_str().unwrap().to_owned()
    };
    assert!(
        text.contains(&format!("Bearer {}", marked(b"key"))),
        "{text}"
    );
    assert_ne!(marked(b"key"), marked(b"another key"));
    assert_eq!(Scrub::of(folder.path()).map(|_| ()).unwrap(), ());
    let key = fs::read(folder.path().join("journal.key")).unwrap();
    assert_eq!(key.len(), 32);
    Scrub::of(folder.path()).unwrap();
    assert_eq!(fs::read(folder.path().join("journal.key")).unwrap(), key);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_is_said_and_nothing_is_recorded_after_the_gap() {
    let journal = testing::on_a_full_disk();
    let error = journal.begin(1, begin("Pool.grow")).unwrap_err();
    assert!(
        error.to_string().contains("No space left on device"),
        "{error}"
    );
    let error = journal.begin(2, begin("Pool.grow")).unwrap_err();
    assert!(
        error.to_string().contains("an earlier record is missing"),
        "{error}"
    );
}
