use std::fs::{self, OpenOptions};
use std::io::Write as _;

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
