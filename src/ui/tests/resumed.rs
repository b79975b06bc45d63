//! A run that goes on: what happened before, what happens now, what it learned.

use super::runs::{progress, started};
use super::windows::drawn;
use super::*;
use crate::event::{Fate, Finished, Level, Phase, Resumed, Started, Usual};
use crate::names::Mode;

fn live() -> What {
    match started(Mode::Live) {
        What::Started(head) => What::Started(Started {
            timezone: Some("America/Edmonton".into()),
            ..head
        }),
        other => other,
    }
}

fn resumed(aborting: bool) -> What {
    What::Resumed(Resumed {
        operator: "ann@laptop".into(),
        last: "2026-11-22T11:04:05Z".parse().unwrap(),
        away_seconds: 7200,
        effects: 14,
        aborting,
    })
}

fn said(text: &str) -> What {
    What::Said {
        level: Level::Info,
        text: text.into(),
    }
}

fn step(title: &str) -> What {
    What::Step {
        title: title.into(),
    }
}

fn ended(id: u64, ok: bool) -> What {
    What::WaitEnded {
        id,
        what: "limits of nb-user".into(),
        ok,
        took_seconds: 40,
    }
}

const LEARNED: Usual = Usual {
    median: 1260,
    shortest: 1140,
    longest: 1500,
    runs: 6,
};

fn watched(progress: What, seconds: u64) -> What {
    match progress {
        What::Progress {
            id,
            done,
            of,
            items,
            why,
            ..
        } => What::Progress {
            id,
            done,
            of,
            watched_seconds: seconds,
            items,
            why,
        },
        other => other,
    }
}

fn going_on() -> Vec<Event> {
    vec![
        at(0, live()),
        at(0, resumed(false)),
        at(0, step("Raise the floor")),
        at(0, What::Changed(changes().remove(0))),
        at(0, ended(0, true)),
        at(0, said("raised")),
        at(0, What::CaughtUp),
        at(
            1,
            What::WaitBegan {
                id: 1,
                what: "2 nodes of nb-user".into(),
                of: 2,
                usual: Some(LEARNED),
                limit_seconds: 2700,
                watched_seconds: 720,
            },
        ),
        at(2, watched(progress(0, &[("pulling", Phase::Pulling)]), 721)),
        at(7202, What::Slept { seconds: 7000 }),
        at(
            7203,
            watched(progress(0, &[("pulling", Phase::Pulling)]), 1400),
        ),
        at(
            7503,
            watched(progress(0, &[("pulling", Phase::Pulling)]), 1700),
        ),
        at(
            7563,
            watched(progress(0, &[("pulling", Phase::Pulling)]), 1760),
        ),
    ]
}

#[test]
fn a_log_tells_what_was_before_from_what_is_now() {
    let collected = shown(options(Output::Plain), going_on());
    insta::assert_snapshot!(collected.out(), @r"
    06:04:05 runbook warm_up · callysto · LIVE
    06:04:05 Warm up the hub before a hackathon.
    06:04:05 from runbooks/warm_up.rhai (3f2a90c11d4e)
    06:04:05 on callysto-202316/northamerica-northeast1/callysto-cluster
    06:04:05 with --nodes 2 --pool nb-user
    06:04:05 run 20261122T130405Z-warm_up
    06:04:05 times are America/Edmonton (-07:00)
    06:04:05 resuming: ann@laptop stopped 2 h 00 min ago, at 04:04:05 (-07:00), after 14 effects
    06:04:05 ┆ == Raise the floor
    06:04:05 ┆ ~ node pool nb-user: autoscaler minimum: 0 -> 2
    06:04:05 ┆ ✓ limits of nb-user  40 s
    06:04:05 ┆ raised
    06:04:05 caught up: what follows happens now
    06:04:06 … waiting for 2 nodes of nb-user; 12 min watched so far, usual 21 min (last 6 runs here, 19-25), gives up after 45 min
    06:04:07 … 0/2 ready, pulling 1; 12 min of usual 21 min (19-25); 0/2 nodes hold the image
    08:04:07 ! this machine was asleep for 1 h 56 min; what it knows is looked at again before anything is changed
    08:04:08 … 0/2 ready, pulling 1; 23 min of usual 21 min (19-25)
    08:09:08 … 0/2 ready, pulling 1; 28 min of usual 21 min (19-25)
    08:09:08 ! longer than ever seen here (25 min): gke-callysto-cluster-nb-user-3c1f4a2e-node0 (pulling): 0/2 nodes hold the image
    08:10:08 … 0/2 ready, pulling 1; 29 min of usual 21 min (19-25)
    ");
}

#[test]
fn a_screen_tells_it_too_without_colours() {
    let collected = shown(options(Output::Bars), going_on());
    insta::assert_snapshot!(collected.err(), @r"
    runbook warm_up · callysto · LIVE
      Warm up the hub before a hackathon.
      from runbooks/warm_up.rhai (3f2a90c11d4e)
      on callysto-202316/northamerica-northeast1/callysto-cluster
      with --nodes 2 --pool nb-user
      run 20261122T130405Z-warm_up
    resuming: ann@laptop stopped 2 h 00 min ago, at 04:04:05 (-07:00), after 14 effects
    ┆ ▸ Raise the floor
    ┆ ~ node pool nb-user: autoscaler minimum: 0 -> 2
    ┆ ✓ limits of nb-user  40 s
    ┆   raised
    caught up: what follows happens now
    ! this machine was asleep for 1 h 56 min; what it knows is looked at again before anything is changed
    ");
}

#[test]
fn quiet_leaves_out_what_was_before() {
    let quiet = |output| Options {
        quiet: true,
        ..options(output)
    };
    let out = shown(quiet(Output::Plain), going_on()).out();
    assert!(
        !out.contains('┆') && out.contains("resuming: ann@laptop"),
        "{out}"
    );
    let err = shown(quiet(Output::Bars), going_on()).err();
    assert!(
        !err.contains('┆') && err.contains("resuming: ann@laptop"),
        "{err}"
    );
}

#[test]
fn giving_up_is_said_at_both_ends() {
    let What::Finished(end) = finished(0, None, changes()) else {
        unreachable!("it is finished")
    };
    let end = Finished {
        aborted: true,
        ..end
    };
    let events = vec![at(0, resumed(true)), at(3, What::Finished(end))];
    let out = shown(options(Output::Plain), events).out();
    assert!(
        out.contains("giving it up for good: ann@laptop stopped"),
        "{out}"
    );
    assert!(
        out.contains("✓ warm_up on callysto: given up for good and undone"),
        "{out}"
    );
}

#[test]
fn the_account_says_what_was_done_what_is_in_flight_what_failed_and_what_was_not_done() {
    let mut all = changes();
    let mut failed = all[1].clone();
    failed.fate = Fate::Failed;
    failed.operation = Some("operation-3".into());
    all.push(failed);
    let error = Error::new(Kind::Operation, "operation-3 failed");
    let What::Finished(end) = finished(1, Some(error), all) else {
        unreachable!("it is finished")
    };
    let end = Finished {
        not_done: vec!["Wait for the nodes".into(), "Report".into()],
        resume: Some("runbook resume 20261122T130405Z-warm_up".into()),
        mode: Mode::Live,
        ..end
    };
    let collected = shown(
        options(Output::Bars),
        vec![at(0, What::Finished(end.clone()))],
    );
    insta::assert_snapshot!(collected.err(), @r"

    runbook::operation

      x operation-3 failed

    ✗ warm_up on callysto: failed after 22 min 31 s
      done:
        node pool nb-user: autoscaler minimum: 0 -> 2
      in flight, still running on Google's side:
        node pool nb-user: size: 0 -> 2 (operation-2)
      failed, perhaps done in part:
        node pool nb-user: size: 0 -> 2 (operation-3)
      not done: Wait for the nodes; Report
      next:
        runbook run teardown
      go on with: runbook resume 20261122T130405Z-warm_up
    ");
    let error = Error::new(Kind::Interrupted, "stopped");
    let end = Finished {
        error: Some(error),
        exit: 130,
        ..end
    };
    let collected = shown(options(Output::Plain), vec![at(0, What::Finished(end))]);
    insta::assert_snapshot!(collected.out(), @r"
    13:04:05 ✗ warm_up on callysto: interrupted after 22 min 31 s
    13:04:05   not done: Wait for the nodes; Report
    13:04:05   next:
    13:04:05     runbook run teardown
    13:04:05   go on with: runbook resume 20261122T130405Z-warm_up
    13:04:05 Changed so far: node pool nb-user: autoscaler minimum: 0 -> 2; node pool nb-user: size: 0 -> 2 (in flight, operation-2); node pool nb-user: size: 0 -> 2 (FAILED, perhaps done in part, operation-3).
    ");
}

#[test]
fn a_failure_while_it_is_told_again_is_shown_as_what_happens_now() {
    let error = Error::new(Kind::Script, "step 3 no longer matches");
    let events = vec![
        at(0, resumed(false)),
        at(0, step("Raise the floor")),
        at(1, finished(1, Some(error), Vec::new())),
    ];
    let quiet = Options {
        quiet: true,
        ..options(Output::Bars)
    };
    insta::assert_snapshot!(shown(options(Output::Bars), events.clone()).err(), @r"
    resuming: ann@laptop stopped 2 h 00 min ago, at 11:04:05 UTC, after 14 effects
    ┆ ▸ Raise the floor

    runbook::script

      x step 3 no longer matches

    ✗ warm_up on callysto: failed after 22 min 31 s
      nothing was changed
      next:
        runbook run teardown
      practice: nothing real was touched
    ");
    let err = shown(quiet, events).err();
    assert!(
        err.contains("step 3 no longer matches") && !err.contains('┆'),
        "{err}"
    );
}

#[test]
fn a_wait_that_goes_on_is_drawn_in_windows_wide_and_narrow() {
    insta::assert_snapshot!(drawn(40, &going_on(), false), @r"
    runbook warm_up · callysto · LIVE
      Warm up the hub before a hackathon.
      from runbooks/warm_up.rhai (3f2a90c11d
    4e)
      on callysto-202316/northamerica-northe
    ast1/callysto-cluster
      with --nodes 2 --pool nb-user
      run 20261122T130405Z-warm_up
    resuming: ann@laptop stopped 2 h 00 min 
    ago, at 04:04:05 (-07:00), after 14 effe
    cts
    ┆ ▸ Raise the floor
    ┆ ~ node pool nb-user: autoscaler minimu
    m: 0 -> 2
    ┆ ✓ limits of nb-user  40 s
    ┆   raised
    caught up: what follows happens now
    ! this machine was asleep for 1 h 56 min
    ; what it knows is looked at again befor
    e anything is changed
    ⠋ 2 nodes of nb-user  0/2  29 min 20 s
      ↓ …er-nb-user-3c1f4a2e-node0  pulling
      longer than ever seen here (25 min)
      why: 0/2 nodes hold the image
    ");
    insta::assert_snapshot!(drawn(100, &going_on(), false), @r"
    runbook warm_up · callysto · LIVE
      Warm up the hub before a hackathon.
      from runbooks/warm_up.rhai (3f2a90c11d4e)
      on callysto-202316/northamerica-northeast1/callysto-cluster
      with --nodes 2 --pool nb-user
      run 20261122T130405Z-warm_up
    resuming: ann@laptop stopped 2 h 00 min ago, at 04:04:05 (-07:00), after 14 effects
    ┆ ▸ Raise the floor
    ┆ ~ node pool nb-user: autoscaler minimum: 0 -> 2
    ┆ ✓ limits of nb-user  40 s
    ┆   raised
    caught up: what follows happens now
    ! this machine was asleep for 1 h 56 min; what it knows is looked at again before anything is change
    d
    ⠋ 2 nodes of nb-user  ──────────────────── 0/2  29 min 20 s, usual 21 min (19-25)
      ↓ gke-callysto-cluster-nb-user-3c1f4a2e-node0  pulling
      why: longer than ever seen here (25 min): 0/2 nodes hold the image
    ");
}
