use std::fs::{self, OpenOptions};
use std::io::Write as _;

use jiff::ToSpan as _;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error;
use crate::journal::testing::{begin, header};
use crate::journal::{Journal, Outcome, Resume, Scrub};
use crate::names::Mode;
use crate::world::{Note, Notes as _};

/// A run that was begun so many minutes after the first one.
fn start(folder: &Path, minutes: i64, change: impl FnOnce(&mut Header)) -> Journal {
    let mut header = header();
    header.started += minutes.minutes();
    change(&mut header);
    Journal::create(folder, header, Scrub::new(b"key")).unwrap()
}

fn finish(exit: u8) -> Finish {
    Finish {
        open: !matches!(exit, 0 | 4),
        at: "2026-01-15T13:30:00Z".parse().unwrap(),
        exit,
        error: None,
        took_seconds: 1500,
        // Who says no at once has changed nothing.
        changes: if exit == 4 { 0 } else { 2 },
    }
}

/// A finished run; its journal's path.
fn finished(folder: &Path, minutes: i64, exit: u8) -> PathBuf {
    let journal = start(folder, minutes, |_| {});
    journal.finish(finish(exit)).unwrap();
    journal.path().to_owned()
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

fn all(folder: &Path) -> Vec<Entry> {
    list(folder, &Filter::default()).unwrap()
}

fn words(folder: &Path) -> Vec<&'static str> {
    all(folder)
        .iter()
        .map(|entry| entry.ending.word())
        .collect()
}

#[test]
fn runs_are_listed_newest_first_with_what_became_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(all(&folder.join("none")).is_empty());
    for (minutes, exit) in [(0, 0), (1, 1), (2, 130), (3, 4), (4, 5), (5, 3)] {
        finished(folder, minutes, exit);
    }
    for (minutes, why) in [
        (6, Why::Aborted),
        (
            7,
            Why::Replaced {
                run: "another".to_owned(),
            },
        ),
    ] {
        let journal = start(folder, minutes, |_| {});
        journal.finish(finish(1)).unwrap();
        let at = finish(1).at;
        journal.write(&Record::Closed(Closed { at, why })).unwrap();
    }
    start(folder, 8, |_| {})
        .begin(1, begin("Pool.grow"))
        .unwrap();
    let entries = all(folder);
    assert_eq!(
        words(folder),
        [
            "stopped",
            "replaced",
            "aborted",
            "failed",
            "refused",
            "declined",
            "interrupted",
            "failed",
            "done"
        ]
    );
    assert!(matches!(&entries[1].ending, Ending::Replaced(run) if run == "another"));
    assert_eq!(entries[0].took(), None);
    assert_eq!(entries[1].took(), Some(Duration::from_mins(25)));
    let oldest = entries.last().unwrap();
    assert_eq!(oldest.run, "20260115T130000Z-warm_up");
    assert_eq!(oldest.finish, Some(finish(0)));
    assert_eq!(oldest.header.as_ref().unwrap().params["nodes"], 2);
}

#[test]
fn runs_of_one_second_are_in_the_order_they_began() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..11 {
        finished(folder.path(), 0, 0);
    }
    let entries = all(folder.path());
    assert!(entries[0].run.ends_with("warm_up-11"), "{}", entries[0].run);
    assert!(entries[9].run.ends_with("warm_up-2"), "{}", entries[9].run);
    assert!(entries[10].run.ends_with("warm_up"));
}

#[test]
fn what_was_torn_off_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    append(&finished(folder.path(), 0, 0), b"{\"sum\":\"12");
    let begun = start(folder.path(), 1, |_| {});
    append(begun.path(), b"{\"sum\":\"1234abcd\",\"rec");
    drop(begun);
    fs::write(folder.path().join("20260115T150000Z-warm_up.jsonl"), "").unwrap();
    assert_eq!(words(folder.path()), ["stopped", "stopped", "done"]);
}

#[test]
fn a_run_whose_journal_is_open_is_running() {
    let folder = tempfile::tempdir().unwrap();
    let journal = start(folder.path(), 0, |_| {});
    assert_eq!(words(folder.path()), ["running"]);
    drop(journal);
    assert_eq!(words(folder.path()), ["stopped"]);
}

#[test]
fn a_journal_that_is_damaged_or_newer_is_listed_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    append(&finished(folder, 0, 0), b"garbage\n");
    let garbage = folder.join("20260115T140000Z-warm_up.jsonl");
    fs::write(&garbage, "garbage\n").unwrap();
    start(folder, 90, |header| header.format = 99);
    let entries = all(folder);
    assert_eq!(words(folder), ["unreadable"; 3]);
    let why = |entry: &Entry| match &entry.ending {
        Ending::Unreadable(error) => error.to_string(),
        _ => String::new(),
    };
    assert!(why(&entries[0]).contains("in format 99, written by runbook 0.1.0"));
    assert!(why(&entries[1]).contains("line 1"), "{}", why(&entries[1]));
    assert!(why(&entries[2]).contains("line 3"), "{}", why(&entries[2]));
    assert!(entries[2].header.is_some(), "what can be read is told");
    let failed = Filter {
        failed: true,
        target: Some("elsewhere".to_owned()),
        ..Filter::default()
    };
    assert_eq!(list(folder, &failed).unwrap().len(), 2);
}

#[test]
fn a_filter_keeps_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    finished(folder, 0, 0);
    finished(folder, 1, 1);
    start(folder, 2, |header| header.runbook = "warm_up-2x".to_owned());
    start(folder, 3, |header| header.target = "callysto".to_owned());
    let count = |filter: Filter| list(folder, &filter).unwrap().len();
    let none = Filter::default;
    assert_eq!(count(none()), 4);
    let runbook = Some("warm_up".to_owned());
    assert_eq!(count(Filter { runbook, ..none() }), 3);
    let target = Some("callysto".to_owned());
    assert_eq!(count(Filter { target, ..none() }), 1);
    let since = Some("2026-01-15T13:01:00Z".parse().unwrap());
    assert_eq!(count(Filter { since, ..none() }), 3);
    let since = Some("2026-01-15T13:01:00.5Z".parse().unwrap());
    assert_eq!(count(Filter { since, ..none() }), 2);
    let failed = true;
    assert_eq!(count(Filter { failed, ..none() }), 3);
    let limit = Some(1);
    assert_eq!(count(Filter { limit, ..none() }), 1);
}

#[test]
fn a_name_that_is_not_meant_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("20250101T000000Z-other.jsonl"),
        "garbage\n",
    )
    .unwrap();
    let filter = Filter {
        runbook: Some("warm_up".to_owned()),
        ..Filter::default()
    };
    assert!(list(folder.path(), &filter).unwrap().is_empty());
    let filter = Filter {
        since: Some("2025-01-01T00:00:01Z".parse().unwrap()),
        ..Filter::default()
    };
    assert!(list(folder.path(), &filter).unwrap().is_empty());
}

#[test]
fn what_stands_before_a_damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let journal = start(folder.path(), 0, |_| {});
    journal.begin(1, begin("Pool.grow")).unwrap();
    append(journal.path(), b"garbage\n");
    let (story, damage) = story(journal.path()).unwrap();
    assert_eq!(story.steps.len(), 1);
    assert!(matches!(damage, Some(Error::Damaged { line: 3, .. })));
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = finished(folder, 0, 0);
    let second = finished(folder, 0, 0);
    let third = finished(folder, 60, 0);
    assert_eq!(find(folder, "20260115T14").unwrap(), third);
    assert_eq!(find(folder, "20260115T130000Z-warm_up-2").unwrap(), second);
    let exact = find(folder, "20260115T130000Z-warm_up").unwrap();
    assert_eq!(exact, first, "an id that others begin with");
    let error = error::Error::from(find(folder, "20260115T13").unwrap_err());
    assert_eq!(error.kind, Kind::Usage);
    assert_eq!(
        error.hint.unwrap(),
        "give more of it; there are 20260115T130000Z-warm_up-2, 20260115T130000Z-warm_up"
    );
    let error = error::Error::from(find(folder, "20260115T130000Z-warmup").unwrap_err());
    assert!(
        error
            .hint
            .unwrap()
            .contains("did you mean 20260115T130000Z-warm_up?")
    );
    let error = error::Error::from(find(folder, "x").unwrap_err());
    assert_eq!(error.hint.unwrap(), "see `runbook history`");
}

#[test]
fn a_run_is_unfinished_while_something_is_left_to_go_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = finished(folder.path(), 0, 4);
    assert!(!Entry::read(&nothing).is_unfinished());
    let journal = start(folder.path(), 1, |_| {});
    let declined = finish(4);
    journal
        .finish(Finish {
            open: true,
            ..declined
        })
        .unwrap();
    assert!(Entry::read(journal.path()).is_unfinished());
    assert!(Story::read(journal.path()).unwrap().is_unfinished());
}

#[test]
fn pruning_takes_the_oldest_finished_runs_with_what_stands_beside_them_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let done = finished(folder, 0, 0);
    let twin = finished(folder, 0, 0);
    for path in [&done, &twin] {
        fs::write(path.with_extension("world.json"), "{}").unwrap();
    }
    let failed = finished(folder, 1, 1);
    let interrupted = finished(folder, 2, 130);
    let stopped = start(folder, 3, |_| {}).path().to_owned();
    let damaged = start(folder, 4, |_| {});
    append(damaged.path(), b"garbage\n");
    damaged.finish(finish(0)).unwrap();
    let damaged_path = damaged.path().to_owned();
    drop(damaged);
    let running = start(folder, 5, |_| {});
    let newest = finished(folder, 6, 4);

    let held = fs::File::open(&done).unwrap();
    held.lock().unwrap();
    let pruned = prune(folder, 0).unwrap();
    assert_eq!(
        pruned.removed,
        ["20260115T130600Z-warm_up", "20260115T130000Z-warm_up-2"]
    );
    assert_eq!(
        (pruned.kept, pruned.unfinished, pruned.unreadable),
        (1, 4, 1)
    );
    assert!(!newest.exists() && !twin.exists());
    assert!(!twin.with_extension("world.json").exists());
    assert!(done.with_extension("world.json").exists());
    drop(held);
    assert_eq!(prune(folder, 1).unwrap().removed, Vec::<String>::new());
    assert_eq!(
        prune(folder, 0).unwrap().removed,
        ["20260115T130000Z-warm_up"]
    );
    for path in [
        failed,
        interrupted,
        stopped,
        damaged_path,
        running.path().to_owned(),
    ] {
        assert!(path.exists(), "{}", path.display());
    }
    assert_eq!(prune(&folder.join("none"), 0).unwrap(), Pruned::default());
}

/// A run that waited so many seconds for its nodes.
fn waited(folder: &Path, minutes: i64, seconds: i64, mode: Mode) -> Journal {
    let journal = start(folder, minutes, |header| header.mode = mode);
    let mut wait = begin("k8s::wait_warm");
    wait.args = vec![json!("nb-user"), json!(minutes)];
    let at = wait.at;
    journal.begin(1, wait).unwrap();
    let what = "2 nodes".to_owned();
    journal
        .note(at, &Note::Watched { what, seconds: 0 })
        .unwrap();
    let end = at + seconds.seconds();
    journal.end(end, Outcome::Ok(json!(true))).unwrap();
    journal
}

#[test]
fn usual_durations_are_those_of_undisturbed_live_runs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let args = [json!("nb-user")];
    let learn = || Usuals::learn(folder, "warm_up", "practice");
    assert_eq!(learn().of("k8s::wait_warm", &args), None);
    for (minutes, seconds) in [(0, 1200), (1, 1500), (2, 1260), (3, 1300), (4, 9)] {
        let journal = waited(folder, minutes, seconds, Mode::Live);
        journal.finish(finish(0)).unwrap();
    }
    let rehearsed = waited(folder, 5, 60, Mode::Rehearsal);
    rehearsed.finish(finish(0)).unwrap();
    let failed = waited(folder, 6, 61, Mode::Live);
    failed.finish(finish(1)).unwrap();
    waited(folder, 7, 62, Mode::Live);
    let resumed = waited(folder, 8, 63, Mode::Live);
    resumed.write(&Record::Resume(resume())).unwrap();
    resumed.finish(finish(0)).unwrap();
    let usual = learn().of("k8s::wait_warm", &args).unwrap();
    assert_eq!(
        (usual.shortest, usual.median, usual.longest),
        (1200, 1280, 1500)
    );
    assert_eq!(usual.runs, 4);
    assert_eq!(learn().of("k8s::wait_warm", &[json!("other")]), None);
    assert_eq!(learn().of("k8s::warm", &args), None);
    let elsewhere = Usuals::learn(folder, "warm_up", "callysto");
    assert_eq!(elsewhere.of("k8s::wait_warm", &args), None);
    assert_eq!(Usuals::default().of("k8s::wait_warm", &args), None);
    let handle = json!({"$handle": "Pool", "name": "nb-user", "minimum": 3});
    assert!(learn().of("k8s::wait_warm", &[handle]).is_some());
}

#[test]
fn only_the_newest_runs_say_what_is_usual() {
    let folder = tempfile::tempdir().unwrap();
    for minutes in 0..12 {
        let seconds = if minutes < 2 { 5000 } else { 1000 + minutes };
        let journal = waited(folder.path(), minutes, seconds, Mode::Live);
        journal.finish(finish(0)).unwrap();
    }
    let usuals = Usuals::learn(folder.path(), "warm_up", "practice");
    let usual = usuals.of("k8s::wait_warm", &[json!("nb-user")]).unwrap();
    assert_eq!((usual.runs, usual.longest), (10, 1011));
}

fn resume() -> Resume {
    let header = header();
    Resume {
        at: header.started,
        started: header.started,
        operator: "bob@desk".to_owned(),
        process: 8,
        program: header.program,
        source: header.source,
        hash: header.hash,
        libraries: header.libraries,
    }
}

#[test]
fn the_last_parameters_are_those_of_the_newest_run_there_that_could_begin() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(last_params(folder, "warm_up", "practice"), None);
    let with = |nodes: u8| {
        move |header: &mut Header| {
            header.params.insert("nodes".to_owned(), nodes.into());
        }
    };
    let failed = start(folder, 0, with(3));
    failed.finish(finish(1)).unwrap();
    let refused = start(folder, 1, with(4));
    refused.finish(finish(2)).unwrap();
    start(folder, 2, |header| {
        with(5)(header);
        header.target = "callysto".to_owned();
    });
    let (params, at) = last_params(folder, "warm_up", "practice").unwrap();
    assert_eq!((&params["nodes"], at), (&json!(3), header().started));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_ends_of_a_file_are_found_however_long_its_lines_are(
        lines in prop::collection::vec(0_usize..9000, 0..5),
        torn in 0_usize..9000,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let digit = |at: usize| char::from_digit(u32::try_from(at % 10).unwrap(), 10).unwrap();
        let lines: Vec<String> = (lines.iter().enumerate())
            .map(|(at, length)| digit(at).to_string().repeat(*length))
            .collect();
        let whole: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        fs::write(&file, whole + "x".repeat(torn).as_str()).unwrap();
        let mut ends = Ends::open(&file).unwrap();
        let text = |line: Option<&[u8]>| line.map(|line| String::from_utf8(line.to_vec()).unwrap());
        prop_assert_eq!(text(ends.first().unwrap()), lines.first().cloned());
        for before in 0..3 {
            let line = lines.iter().rev().nth(before).cloned();
            prop_assert_eq!(text(ends.last(before).unwrap()), line);
        }
    }
}
