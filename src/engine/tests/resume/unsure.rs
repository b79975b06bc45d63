//! What nobody can be sure of when a run goes on: it is looked for, and only then asked about.

use super::*;

#[test]
fn what_must_not_be_sent_twice_is_looked_for_and_only_then_asked_about() {
    // Killed after `open` was begun.
    let killed = || {
        let mut run = Run::new();
        run.session("open(7); say(\"end\");").outcome.unwrap();
        run.killed_after(2);
        run
    };
    let script = "open(7); say(\"end\");";
    TRACE.set(json!(7));
    let mut run = killed();
    TRACE.set(json!(7));
    let sat = run.session(script);
    assert_eq!((sat.done, sat.asked.len()), (vec!["\"end\"".to_owned()], 0));

    let mut run = killed();
    let sat = run.answering(&["again"]).session(script);
    assert_eq!(sat.asked, ["fate"]);
    assert_eq!(sat.done, ["fate=again", "open 7", "\"end\""]);

    let mut run = killed();
    let sat = run.answering(&["done"]).session(script);
    assert_eq!(sat.done, ["fate=done", "\"end\""]);
    assert!(run.story().steps[0].is_done());

    let mut run = killed();
    let sat = run.answering(&["stop"]).session(script);
    assert_eq!(sat.outcome.unwrap_err().kind, Kind::Declined);
    assert_eq!(sat.done, ["fate=stop"]);

    let mut run = killed();
    let sat = run.session(script);
    assert_eq!(sat.outcome.unwrap_err().kind, Kind::NeedsAnswer);
    assert_eq!(sat.done, [""; 0]);
}

#[test]
fn before_the_first_write_it_is_looked_whether_the_world_has_moved_on() {
    let script = r#"
        put(1);
        let n = look("pool").n;
        wait(2);
        open(n + 7);
    "#;
    // Killed after the wait.
    let killed = || {
        let mut run = Run::new();
        run.session(script).outcome.unwrap();
        run.killed_after(8);
        run
    };
    let mut run = killed();
    let sat = run.session(script);
    sat.outcome.unwrap();
    assert_eq!(sat.done, ["look pool", "open 7"]);

    let mut run = killed();
    LOOK.set(2);
    let sat = run.answering(&["yes"]).session(script);
    sat.outcome.unwrap();
    assert_eq!(
        sat.done,
        [
            "look pool",
            "`look(pool)`: n was 0, is 2",
            "moved_on=yes",
            "open 7"
        ]
    );

    let mut run = killed();
    HOLDS.set(false);
    let sat = run.answering(&["no"]).session(script);
    assert_eq!(sat.outcome.unwrap_err().kind, Kind::Declined);
    assert_eq!(
        sat.done,
        [
            "look pool",
            "`wait(2)` no longer holds: nodes are gone",
            "moved_on=no"
        ]
    );
}
