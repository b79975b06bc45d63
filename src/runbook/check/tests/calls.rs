//! Functions, modules, arguments.

use super::{each, found, sound};

const POOL: &str = "it is gke::pool(name: text) -> Pool";

#[test]
fn arguments_of_the_wrong_type_are_told_by_name() {
    for (argument, is) in [
        ("-5", "an int"),
        ("1.5", "a fraction"),
        ("1..=3", "a range"),
        ("1 == 2", "a bool"),
        ("!true", "a bool"),
        ("1 + 2", "an int"),
        ("[1]", "a list"),
        ("#{}", "a map"),
        ("()", "nothing"),
        ("|x| x", "a function"),
        ("gke::pool(\"x\")", "a Pool"),
    ] {
        let wanted = format!("1:11 `gke::pool`, `name` wants text, got {is}; {POOL}");
        assert_eq!(found(&format!("gke::pool({argument});")), [wanted]);
    }
}

#[test]
fn what_a_variable_holds_is_known() {
    let grow = "`Pool.grow`, `nodes` wants int, got a text; it is Pool.grow(nodes: int) -> any";
    for (text, at) in [
        (
            "const n = param::text(\"x\");\ngke::pool(\"x\").grow(n);",
            "2:21",
        ),
        (
            "const p = gke::pool(\"x\");\n[1].map(|x| p.grow(\"x\"));",
            "2:20",
        ),
        (
            "let n = gke::pool(\"x\").name;\ngrow(gke::pool(\"y\"), n);",
            "2:22",
        ),
        ("for p in k8s::nodes(\"x\") {\n  p.grow(\"x\"); }", "2:10"),
    ] {
        assert_eq!(found(text), [format!("{at} {grow}")], "{text}");
    }
    // One that another stands in for may have no value.
    sound(&[
        "const n = param::int(\"x\"); const m = param::int(\"y\", #{ instead_of: \"n\" }); gke::pool(n);",
        "try { say(\"x\"); } catch (e) { say(e); k8s::warm(\"x\", 1, e); }",
    ]);
}

#[test]
fn optional_arguments_may_be_left_off() {
    sound(&["k8s::warm(\"x\", 1); k8s::warm(\"x\", 1, #{});"]);
    let warm = "it is k8s::warm(pool: text, nodes: int, options?: map) -> map";
    for (arguments, given) in [("\"x\"", 1), ("\"x\", 1, #{}, 2", 4)] {
        assert_eq!(
            found(&format!("k8s::warm({arguments});")),
            [format!(
                "1:6 `k8s::warm` takes 2 to 3 arguments, {given} given; {warm}"
            )]
        );
    }
}

#[test]
fn a_function_that_is_not_there_is_looked_for_elsewhere() {
    each(&[
        (
            "confirm(\"a\", \"b\");",
            "1:1 there is no function `confirm`; there is ask::confirm(key: text, question: text) -> bool",
        ),
        (
            "let f = |x| x;\nf(1);",
            "2:1 there is no function `f`; `f` is a variable: a closure in it is called by `f.call(...)`",
        ),
        (
            "zebra_stripes();",
            "1:1 there is no function `zebra_stripes`; write it: `fn zebra_stripes(...) { ... }`",
        ),
        (
            "let f = Fn(\"sya\");",
            "1:12 there is no function `sya`; did you mean `say`?",
        ),
        (
            "gke::zebra();",
            "1:6 there is no function `gke::zebra`; it has: pool",
        ),
        (
            "zoo::zebra();",
            "1:1 there is no module `zoo`; there are: ask, gke, k8s, param",
        ),
        (
            "\"abc\".sub_string();",
            "1:7 `sub_string` takes 1 or 2 arguments, 0 given; give it 1 or 2",
        ),
        (
            "grow(gke::pool(\"x\"), 2, 3);",
            "1:1 `Pool.grow` takes 1 argument, 2 given; it is Pool.grow(nodes: int) -> any",
        ),
    ]);
}

#[test]
fn what_scripts_must_not_do_says_what_to_do_instead() {
    for (text, instead) in [
        ("eval(\"1\");", "write the code out"),
        (
            "sleep(1);",
            "wait for what you are waiting for, such as `k8s::wait_warm`",
        ),
        (
            "timestamp();",
            "scripts have no clock; waits say how long they took",
        ),
        ("exit();", "use `return` or `fail(\"why\")`"),
        ("print(1);", "use `say`"),
        ("debug(1);", "use `say`"),
    ] {
        let name = text.split('(').next().unwrap();
        let wanted = format!("`{name}` is not allowed in a runbook; {instead}");
        assert_eq!(found(text), [format!("1:1 {wanted}")]);
    }
    let eval = "`eval` is not allowed in a runbook; write the code out";
    assert_eq!(found("let e = Fn(\"eval\");"), [format!("1:12 {eval}")]);
    assert!(found("1.sleep();")[0].starts_with("1:3 `sleep` is not allowed in a runbook; "));
}

#[test]
fn functions_of_libraries_are_judged_too() {
    assert_eq!(
        found("import \"lib/sizing\" as s;\ns::nodes_for();\ns::nodes();\ns::hidden();"),
        [
            "2:4 `s::nodes_for` takes 1 argument, 0 given; it is nodes_for(users)",
            "3:4 there is no function `s::nodes`; it has: nodes_for",
            "4:4 there is no function `s::hidden`; it has: nodes_for",
        ]
    );
}

#[test]
fn a_function_that_hides_one_of_ours_is_found() {
    each(&[
        (
            "let p = gke::pool(\"x\");\nfn grow(n) { n }\np.grow(2);",
            "2:4 this function would be called instead of `Pool.grow`; give it another name",
        ),
        (
            "fn say(x) { x }",
            "1:4 this function would be called instead of `say`; give it another name",
        ),
    ]);
}
