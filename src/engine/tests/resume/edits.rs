//! A script that was edited between two sessions.

use super::*;

#[test]
fn an_edit_after_the_point_reached_is_fine() {
    let mut run = Run::new();
    run.answering(&["yes"]).session(SCRIPT).outcome.unwrap();
    run.killed_after(10);
    let edited = SCRIPT
        .replace("open(7);", "// better\n open(8);")
        .replace("    let n", "\n\n let n");
    let second = run.session(&edited);
    second.outcome.unwrap();
    assert_eq!(second.done[2..], ["wait 2", "open 8", "\"end\""]);
}

#[test]
fn an_edit_before_it_is_explained_with_both_places() {
    let refused = |edited: &str| {
        let mut run = Run::new();
        run.answering(&["yes"]).session(SCRIPT).outcome.unwrap();
        run.killed_after(10);
        let sat = run.session(edited);
        assert!(
            sat.done.iter().all(|done| !done.starts_with("wait")),
            "{:?}",
            sat.done
        );
        let error = sat.outcome.unwrap_err();
        assert_eq!(error.kind, Kind::Refused);
        assert!(error.hint.unwrap().contains("--again"));
        error.message
    };
    assert_eq!(
        refused(&SCRIPT.replace("put(n + 2)", "put(n + 3)")),
        "the script no longer does what was recorded: effect 3 was `put(2)` at main.rhai:4:5; \
         it is now `put(3)` at main.rhai:4:5"
    );
    assert_eq!(
        refused(&SCRIPT.replace("    put(n + 2);\n", "")),
        "the script no longer does what was recorded: effect 3 was `put(2)` at main.rhai:4:5; \
         it is now `wait(2)` at main.rhai:4:5"
    );
    assert_eq!(
        refused("let n = look(\"pool\").n; say(ask(\"go\"));"),
        "the script no longer does what was recorded: effect 3 was `put(2)` at main.rhai:4:5; \
         the script now ends before it"
    );
}

#[test]
fn a_mismatch_says_when_something_that_was_read_again_is_different() {
    let script = r#"
        let n = people("pool").n;
        put(n);
        wait(1);
    "#;
    let mut run = Run::new();
    run.session(script).outcome.unwrap();
    run.killed_after(6);
    LOOK.set(3);
    let error = run.session(script).outcome.unwrap_err();
    assert!(error.message.contains("effect 2 was `put(0)`"), "{error}");
    assert!(
        error
            .message
            .ends_with("perhaps because `people(pool)` gives something else now"),
        "{error}"
    );
}
