//! A run that is given up for good.

use super::*;

const UNDONE: &str = r#"
    put(1);
    on_abort(|| { put(0); say("first put back"); });
    let two = 2;
    put(two);
    on_abort(|| { say(`second, ${two}`); open(two); });
    wait(1);
    put(3);
"#;

#[test]
fn giving_up_undoes_what_the_script_says_the_last_thing_first() {
    let mut run = Run::new();
    run.session(UNDONE).outcome.unwrap();
    // header; put 3; put 3; the wait was begun.
    run.killed_after(8);
    run.abort = true;
    let sat = run.session(UNDONE);
    sat.outcome.unwrap();
    assert_eq!(
        sat.done,
        ["\"second, 2\"", "open 2", "put 0", "\"first put back\""]
    );
    let story = run.story();
    assert_eq!((story.aborting, story.steps.len()), (Some(3), 5));
}

#[test]
fn giving_up_can_be_interrupted_and_gone_on_with() {
    let mut run = Run::new();
    run.session(UNDONE).outcome.unwrap();
    run.killed_after(8);
    run.abort = true;
    run.session(UNDONE).outcome.unwrap();
    // aborting; open was done; put was begun.
    run.killed_after(13);
    let sat = run.session(UNDONE);
    sat.outcome.unwrap();
    assert_eq!(
        sat.done,
        [
            "(\"second, 2\")",
            "put 0, begun with 0 changes",
            "\"first put back\""
        ]
    );
}
