//! Whole runs, from events to text.

mod prompts;
mod resumed;
pub(super) mod runs;
pub(super) mod screen;
mod windows;

use super::*;
use crate::error::{Error, Kind};
use crate::event::{Event, What};
use runs::{at, changes, finished, options, run, script_error};

fn shown(options: Options, events: Vec<Event>) -> Collected {
    let (ui, collected) = Ui::collecting(options);
    let to = ui.events();
    for event in events {
        to.emit(event);
    }
    ui.finish();
    collected
}

#[test]
fn a_log_has_one_line_per_change_and_a_heartbeat() {
    let collected = shown(options(Output::Plain), run());
    assert_eq!(collected.err(), "");
    insta::assert_snapshot!(collected.out(), @r"
    13:04:05 runbook warm_up · callysto · PRACTICE: nothing real is touched
    13:04:05 Warm up the hub before a hackathon.
    13:04:05 from runbooks/warm_up.rhai (3f2a90c11d4e)
    13:04:05 on callysto-202316/northamerica-northeast1/callysto-cluster
    13:04:05 with --nodes 2 --pool nb-user
    13:04:05 seed 7, faults: stockout
    13:04:05 == Look
    13:04:06 nobody is on it
    13:04:06 ! autoscaling was off by hand
    13:04:07 ? Raise the floor? yes (practice)
    13:04:08 ~ node pool nb-user: autoscaler minimum: 0 -> 2
    13:04:09 again in 4 s: getCluster (503: try later)
    13:04:15 … waiting for 2 nodes of nb-user ready with the image; usual 20-25 min, gives up after 45 min
    13:04:25 … 0/2 ready, booting 2; 10 s of usual 20-25 min; 0/2 nodes hold the image
    13:05:25 … 0/2 ready, booting 2; 1 min of usual 20-25 min
    13:11:27 … 1/2 ready, pulling 1; 7 min of usual 20-25 min
    13:26:25 ✓ 2 nodes of nb-user ready with the image  22 min 10 s
    13:26:35 ✓ warm
    13:26:35 → log in once
    13:26:36 ✓ warm_up on callysto: done in 22 min 31 s
    13:26:36   changed:
    13:26:36     node pool nb-user: autoscaler minimum: 0 -> 2
    13:26:36     node pool nb-user: size: 0 -> 2 (in flight, operation-2)
    13:26:36   next:
    13:26:36     runbook run teardown
    13:26:36   practice: nothing real was touched
    ");
}

#[test]
fn quiet_leaves_what_matters() {
    let collected = shown(
        Options {
            quiet: true,
            ..options(Output::Plain)
        },
        run(),
    );
    insta::assert_snapshot!(collected.out(), @r"
    13:04:05 runbook warm_up · callysto · PRACTICE: nothing real is touched
    13:04:06 ! autoscaling was off by hand
    13:04:07 ? Raise the floor? yes (practice)
    13:04:08 ~ node pool nb-user: autoscaler minimum: 0 -> 2
    13:26:35 → log in once
    13:26:36 ✓ warm_up on callysto: done in 22 min 31 s
    13:26:36   changed:
    13:26:36     node pool nb-user: autoscaler minimum: 0 -> 2
    13:26:36     node pool nb-user: size: 0 -> 2 (in flight, operation-2)
    13:26:36   next:
    13:26:36     runbook run teardown
    13:26:36   practice: nothing real was touched
    ");
}

#[test]
fn json_is_one_event_per_line_and_reads_back() {
    let events = run();
    let collected = shown(
        Options {
            verbose: 1,
            ..options(Output::Json)
        },
        events.clone(),
    );
    let read: Vec<Event> = collected
        .out()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // A wait that goes on as before is told once a minute.
    let mut told = events.clone();
    let items = |what: &What| match what {
        What::Progress { items, .. } => Some(items.clone()),
        _ => None,
    };
    told.dedup_by(|next, last| {
        items(&next.what).is_some_and(|now| Some(now) == items(&last.what))
            && next.at.duration_since(last.at).as_secs() < 60
    });
    assert!(told.len() < events.len());
    assert_eq!(read, told);
    let silent = shown(options(Output::Json), events.clone());
    assert_eq!(
        silent.out().lines().count(),
        told.len() - 1,
        "requests only with -v"
    );
}

#[test]
fn json_keeps_the_error_for_people_on_standard_error() {
    let collected = shown(
        options(Output::Json),
        vec![at(0, finished(1, Some(script_error()), Vec::new()))],
    );
    assert_eq!(collected.out().lines().count(), 1);
    assert!(
        collected.err().contains("quota CPUS is used up"),
        "{}",
        collected.err()
    );
}

#[test]
fn a_failure_shows_the_script_and_says_what_did_change() {
    let collected = shown(
        options(Output::Bars),
        vec![at(0, finished(1, Some(script_error()), changes()))],
    );
    insta::assert_snapshot!(collected.err(), @r"

    runbook::quota

      x quota CPUS is used up in northamerica-northeast1: 24 of 24
       ,-[runbooks/lib/pools.rhai:2:7]
     1 | fn grow(p, n) {
     2 |     p.resize(n)
       :       ^^^|^^
       :          `-- here
     3 | }
       `----
      `->   x called from here
             ,-[runbooks/warm_up.rhai:3:13]
           2 | let p = gke::pool(pool);
           3 | let ü = 1; p.grow(nodes);
             :            ^^^^^^
             `----

      help: ask for more at the quota page, or pass --nodes 1

    ✗ warm_up on callysto: failed after 22 min 31 s
      done:
        node pool nb-user: autoscaler minimum: 0 -> 2
      in flight, still running on Google's side:
        node pool nb-user: size: 0 -> 2 (operation-2)
      next:
        runbook run teardown
      practice: nothing real was touched
    ");
}

#[test]
fn an_interrupted_run_ends_with_what_it_has_changed() {
    let stopped = Error::new(Kind::Interrupted, "stopped").hint("go on with `runbook resume`");
    let collected = shown(
        options(Output::Bars),
        vec![at(0, finished(130, Some(stopped.clone()), changes()))],
    );
    insta::assert_snapshot!(collected.err(), @r"
    ✗ warm_up on callysto: interrupted after 22 min 31 s
      next:
        runbook run teardown
    Changed so far, in practice only: node pool nb-user: autoscaler minimum: 0 -> 2; node pool nb-user: size: 0 -> 2 (in flight, operation-2).
    ");
    let collected = shown(
        options(Output::Plain),
        vec![at(0, finished(130, Some(stopped), Vec::new()))],
    );
    let out = collected.out();
    assert_eq!(out.lines().last(), Some("13:04:05 Nothing was changed."));
}

#[test]
fn a_refusal_by_the_operator_shows_no_script() {
    let place = script_error().at.remove(0);
    let error = Error::new(Kind::Declined, "you said no to: Raise the floor?").at(place);
    insta::assert_snapshot!(render_error(&error, &options(Output::Bars)), @r"
    runbook::declined

      x you said no to: Raise the floor?
    ");
}

#[test]
fn an_error_in_a_file_nobody_kept_still_names_its_place() {
    let mut error = script_error();
    error.at.iter_mut().for_each(|place| place.text = "".into());
    insta::assert_snapshot!(render_error(&error, &options(Output::Bars)), @r"
    runbook::quota

      x quota CPUS is used up in northamerica-northeast1: 24 of 24
      | here: runbooks/lib/pools.rhai:2:7
      | called from here: runbooks/warm_up.rhai:3:12
      help: ask for more at the quota page, or pass --nodes 1
    ");
}

#[test]
fn colour_is_used_only_when_asked_for() {
    let fancy = Options {
        color: true,
        terminal: true,
        ..options(Output::Bars)
    };
    assert!(render_error(&script_error(), &fancy).contains("\x1b["));
    assert!(!render_error(&script_error(), &options(Output::Bars)).contains('\x1b'));
    assert!(!shown(options(Output::Bars), run()).err().contains('\x1b'));
}

#[test]
fn a_place_beyond_the_end_of_its_file_is_no_disaster() {
    let mut error = script_error();
    error.at.iter_mut().for_each(|place| place.line = 99);
    assert!(render_error(&error, &options(Output::Bars)).contains("quota CPUS"));
    error
        .at
        .iter_mut()
        .for_each(|place| (place.line, place.column) = (1, 999));
    assert!(render_error(&error, &options(Output::Bars)).contains("quota CPUS"));
}

#[test]
fn a_secret_is_found_before_wrapping_can_split_it() {
    let secret = "correct horse battery staple";
    let (ui, collected) = Ui::collecting(Options {
        width: Some(40),
        ..options(Output::Bars)
    });
    ui.redactor().add(secret);
    let error = Error::new(
        Kind::Bug,
        format!("the server answered very much at length: {secret}"),
    );
    ui.events()
        .emit(at(0, finished(1, Some(error), Vec::new())));
    ui.finish();
    let err = collected.err();
    assert!(
        err.contains("***") && !err.contains("horse") && !err.contains("battery"),
        "{err}"
    );
}

#[test]
fn log_lines_go_to_standard_error() {
    let (ui, collected) = Ui::collecting(options(Output::Json));
    ui.log().write_all(b"DEBUG connected\n").unwrap();
    ui.finish();
    assert_eq!(
        (collected.out().as_str(), collected.err().as_str()),
        ("", "DEBUG connected\n")
    );
}
