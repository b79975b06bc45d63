//! Whole runs, from events to text.

mod runs;
mod screen;

use tokio::sync::oneshot;

use super::bars::Bars;
use super::writer::Face as _;
use super::*;
use crate::error::{Error, Kind};
use crate::event::{Event, What};
use crate::world::operator::{Form, Operator as _, Question};
use runs::{at, changes, finished, options, run, script_error};
use screen::Screen;

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
    assert_eq!(read, events);
    let silent = shown(options(Output::Json), events.clone());
    assert_eq!(
        silent.out().lines().count(),
        events.len() - 1,
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
      changed:
        node pool nb-user: autoscaler minimum: 0 -> 2
        node pool nb-user: size: 0 -> 2 (in flight, operation-2)
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
      go on with `runbook resume`
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

/// What a window of this width shows after `upto` events, drawn after each of them.
fn window(width: u16, upto: usize) -> String {
    let (mut streams, collected) = streams::Streams::collecting();
    let mut bars = Bars::new(
        &options(Output::Bars),
        Window::fake(24, width),
        Redactor::default(),
    );
    for event in run().iter().take(upto) {
        bars.show(event, &mut streams);
        bars.idle(false, &mut streams);
    }
    if upto > run().len() {
        bars.clear(&mut streams);
    }
    streams.flush();
    Screen::read(usize::from(width), &collected.err()).text()
}

#[test]
fn a_running_wait_in_a_wide_window() {
    insta::assert_snapshot!(window(100, 14), @r"
    runbook warm_up · callysto · PRACTICE: nothing real is touched
      Warm up the hub before a hackathon.
      from runbooks/warm_up.rhai (3f2a90c11d4e)
      on callysto-202316/northamerica-northeast1/callysto-cluster
      with --nodes 2 --pool nb-user
      seed 7, faults: stockout

    ▸ Look
      nobody is on it
    ! autoscaling was off by hand
    ? Raise the floor? yes (practice)
    ~ node pool nb-user: autoscaler minimum: 0 -> 2
      again in 4 s: getCluster (503: try later)
    ⠋ 2 nodes of nb-user ready with the image  ━━━━━━━━━━────────── 1/2  7 min 12 s, usual 20-25 min
      ✓ gke-callysto-cluster-nb-user-3c1f4a2e-node0  ready
      ↓ gke-callysto-cluster-nb-user-3c1f4a2e-node1  pulling 2/3
      why: 0/2 nodes hold the image
    ");
}

#[test]
fn a_running_wait_in_a_narrow_window() {
    insta::assert_snapshot!(window(40, 14), @r"
    runbook warm_up · callysto · PRACTICE: n
    othing real is touched
      Warm up the hub before a hackathon.
      from runbooks/warm_up.rhai (3f2a90c11d
    4e)
      on callysto-202316/northamerica-northe
    ast1/callysto-cluster
      with --nodes 2 --pool nb-user
      seed 7, faults: stockout

    ▸ Look
      nobody is on it
    ! autoscaling was off by hand
    ? Raise the floor? yes (practice)
    ~ node pool nb-user: autoscaler minimum:
     0 -> 2
      again in 4 s: getCluster (503: try lat
    er)
    ⠋ 2 nodes of nb-user …  1/2  7 min 12 s
      ✓ …b-user-3c1f4a2e-node0  ready
      ↓ …b-user-3c1f4a2e-node1  pulling 2/3
      why: 0/2 nodes hold the image
    ");
}

#[test]
fn a_running_wait_in_a_very_narrow_window() {
    insta::assert_snapshot!(window(20, 14), @r"
    runbook warm_up · ca
    llysto · PRACTICE: n
    othing real is touch
    ed
      Warm up the hub be
    fore a hackathon.
      from runbooks/warm
    _up.rhai (3f2a90c11d
    4e)
      on callysto-202316
    /northamerica-northe
    ast1/callysto-cluste
    r
      with --nodes 2 --p
    ool nb-user
      seed 7, faults: st
    ockout

    ▸ Look
      nobody is on it
    ! autoscaling was of
    f by hand
    ? Raise the floor? y
    es (practice)
    ~ node pool nb-user:
     autoscaler minimum:
     0 -> 2
      again in 4 s: getC
    luster (503: try lat
    er)
    ⠋ 2 nodes of …  1/2
      ✓ …de0  ready
      ↓ …de1  pulling …
      why: 0/2 nodes h…
    ");
}

#[test]
fn a_finished_run_leaves_only_lines() {
    insta::assert_snapshot!(window(100, 99), @r"
    runbook warm_up · callysto · PRACTICE: nothing real is touched
      Warm up the hub before a hackathon.
      from runbooks/warm_up.rhai (3f2a90c11d4e)
      on callysto-202316/northamerica-northeast1/callysto-cluster
      with --nodes 2 --pool nb-user
      seed 7, faults: stockout

    ▸ Look
      nobody is on it
    ! autoscaling was off by hand
    ? Raise the floor? yes (practice)
    ~ node pool nb-user: autoscaler minimum: 0 -> 2
      again in 4 s: getCluster (503: try later)
    ✓ 2 nodes of nb-user ready with the image  22 min 10 s
    ✓ warm
    → log in once
    ✓ warm_up on callysto: done in 22 min 31 s
      changed:
        node pool nb-user: autoscaler minimum: 0 -> 2
        node pool nb-user: size: 0 -> 2 (in flight, operation-2)
      next:
        runbook run teardown
      practice: nothing real was touched
    ");
}

#[test]
fn a_long_wait_rings_and_names_the_window() {
    let (mut streams, collected) = streams::Streams::collecting();
    let mut bars = Bars::new(
        &options(Output::Bars),
        Window::fake(24, 100),
        Redactor::default(),
    );
    let ended = |took_seconds| What::WaitEnded {
        id: 1,
        what: "pool".into(),
        ok: true,
        took_seconds,
    };
    bars.show(&at(0, ended(60)), &mut streams);
    streams.flush();
    assert!(!collected.err().contains('\x07'));
    bars.show(&at(0, ended(61)), &mut streams);
    streams.flush();
    assert!(
        collected.err().contains("\x1b]0;✓ : pool\x07\x07"),
        "{:?}",
        collected.err()
    );
}

/// Lets a writer show these, with somebody at the terminal who does this when asked.
fn asked(asker: Asker, after: Vec<What>) -> (Collected, oneshot::Receiver<error::Result<String>>) {
    let (to, from) = mpsc::channel();
    let (streams, collected) = streams::Streams::collecting();
    let writer = Writer::new(
        &options(Output::Plain),
        streams,
        Window::none(),
        to.clone(),
        asker,
    );
    let (reply, answer) = oneshot::channel();
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Text,
    };
    to.send(Message::Ask(question, reply)).unwrap();
    for what in after {
        to.send(Message::Event(Box::new(at(0, what)))).unwrap();
    }
    let thread = std::thread::spawn(move || writer.run(&from));
    to.send(Message::Finish).unwrap();
    thread.join().unwrap();
    (collected, answer)
}

#[test]
fn the_end_of_a_run_does_not_wait_for_an_open_prompt() {
    let never: Asker = |_, _| loop {
        std::thread::park();
    };
    let after = vec![
        What::Step {
            title: "held back".into(),
        },
        finished(130, None, Vec::new()),
    ];
    let (collected, mut answer) = asked(never, after);
    let out = collected.out();
    assert!(
        out.find("held back").unwrap() < out.find("interrupted after").unwrap(),
        "{out}"
    );
    assert!(answer.try_recv().is_err());
}

#[tokio::test]
async fn a_typed_answer_reaches_whoever_asked() {
    let (ui, _collected) = Ui::collecting(Options {
        terminal: true,
        ..options(Output::Plain)
    });
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Confirm,
    };
    let error = ui
        .operator(Flags::default())
        .ask(question)
        .await
        .unwrap_err();
    assert_eq!(
        error.kind,
        Kind::Io,
        "nobody is there: an error, not a hang"
    );
    let (to, from) = mpsc::channel();
    let (streams, _) = streams::Streams::collecting();
    let typist: Asker = |question, _| Ok(format!("{}!", question.text));
    let writer = Writer::new(
        &options(Output::Plain),
        streams,
        Window::none(),
        to.clone(),
        typist,
    );
    std::thread::spawn(move || writer.run(&from));
    let options = Options {
        terminal: true,
        ..options(Output::Plain)
    };
    let person = Person::new(Flags::default(), &options, to.clone());
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Text,
    };
    let answer = person.ask(question).await.unwrap();
    assert_eq!(
        (answer.value.as_str(), answer.by.as_str()),
        ("Raise?!", "terminal")
    );
    to.send(Message::Finish).unwrap();
}

#[test]
fn ctrl_c_at_a_prompt_leaves_the_question_open_for_the_stop_to_win() {
    let (to, from) = mpsc::channel();
    let (streams, _) = streams::Streams::collecting();
    let control_c: Asker = |_, _| Err(io::ErrorKind::Interrupted.into());
    let mut writer = Writer::new(
        &options(Output::Plain),
        streams,
        Window::none(),
        to,
        control_c,
    );
    let (reply, mut answer) = oneshot::channel();
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Text,
    };
    writer.take(Message::Ask(question, reply));
    writer.take(from.recv().unwrap());
    assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    drop(writer);
    assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
}
