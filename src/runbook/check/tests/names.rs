//! Variables, imports, and where they can be used.

use super::{each, found, sound};

#[test]
fn every_variable_that_is_not_there_is_told() {
    assert_eq!(
        found("let wanted = 1;\nsay(`${wnated}`);\nlet a = zebra + [1].map(|x| x + lion);\nx;"),
        [
            "2:8 there is no variable `wnated` here; did you mean `wanted`?",
            "3:9 there is no variable `zebra` here; declare it with `let` before it is used",
            "3:33 there is no variable `lion` here; declare it with `let` before it is used",
            "4:1 there is no variable `x` here; it ends with the block it is declared in: write `let x = ...;` before the block",
        ]
    );
}

#[test]
fn why_a_variable_is_not_there_is_told() {
    each(&[
        (
            "const n = 1;\nfn f() { n }",
            "2:10 there is no variable `n` here; a function sees the script's constants as `global::n`",
        ),
        (
            "let n = 1;\nfn f() { n }",
            "2:10 there is no variable `n` here; a function sees no variables from outside: hand `n` to it",
        ),
        (
            "say(n);\nlet n = \"x\";",
            "1:5 there is no variable `n` here; it is declared on line 2: declare it before it is used",
        ),
        (
            "{ let n = 1; }\nn;",
            "2:1 there is no variable `n` here; it ends with the block it is declared in: write `let n = ...;` before the block",
        ),
        (
            "let x = [\"a\"].map(up);\nfn upp(x) { x }",
            "1:19 there is no variable `up` here; did you mean `upp`?",
        ),
    ]);
}

#[test]
fn variables_of_modules_must_be_there() {
    each(&[
        (
            "const nodes = 1;\nfn f() { global::ndoes }",
            "2:10 there is no variable `global::ndoes`; did you mean `nodes`?",
        ),
        (
            "let n = 1;\nfn f() { global::n }",
            "2:10 there is no variable `global::n`; declare it with `const` at the top level",
        ),
        (
            "say(gke::MAX);",
            "1:5 there is no variable `gke::MAX`; modules have functions only: call it with `(...)`",
        ),
        (
            "say(gek::MAX);",
            "1:5 there is no module `gek`; did you mean `gke`?",
        ),
        (
            "import \"lib/shared\" as s;\ns::KEPT;",
            "2:1 there is no variable `s::KEPT`; a library shares it by `export const NAME = ...;`, or by a function",
        ),
        (
            "import \"lib/shared\" as s;\ns::MOTS;",
            "2:1 there is no variable `s::MOTS`; did you mean `MOST`?",
        ),
    ]);
    // What follows an unknown module is judged all the same.
    assert_eq!(found("gek::MAX;\nzebra;").len(), 2);
}

#[test]
fn an_import_is_used_where_it_reaches() {
    let wanted = "`s` is not imported here; it is imported on line";
    for (text, at, line) in [
        (
            "{ import \"lib/sizing\" as s; }\ns::nodes_for(1);",
            "2:1",
            1,
        ),
        ("s::nodes_for(1);\nimport \"lib/sizing\" as s;", "1:1", 2),
    ] {
        each(&[(
            text,
            &format!("{at} {wanted} {line}: move the import to the top of the file"),
        )]);
    }
    sound(&["if true { import \"lib/sizing\" as s; s::nodes_for(1); }"]);
}

#[test]
fn imports_lead_somewhere() {
    each(&[
        (
            "import \"lib/wrong\" as w;\nw::f();",
            "built in: lib/wrong.rhai 2:3 there is no function `sey`; did you mean `say`?",
        ),
        (
            "import \"lib/sizes\" as s;\ns::f();",
            "1:8 there is no library `lib/sizes` beside the runbook; did you mean `lib/sizing`?",
        ),
        (
            "import \"sizing\" as s;",
            "1:8 `sizing` cannot be imported: a library is named like `lib/pools`; put the file into the `lib` folder beside the runbook",
        ),
        (
            "let a = \"lib/sizing\";\nimport a as s;",
            "2:8 an import is written as plain text: it is read before the run; write it like `import \"lib/pools\" as pools;`",
        ),
        (
            "import \"lib/sizing\" as gke;",
            "1:8 `gke` would be used instead of the module `gke::`; give the import another name",
        ),
    ]);
    assert!(found("import \"lib/broken\" as b;")[0].starts_with("built in: lib/broken.rhai 2:"));
}

#[test]
fn imports_in_a_circle_are_found() {
    each(&[(
        "import \"lib/itself\" as i;",
        "built in: lib/itself.rhai 1:8 `lib/itself` imports this file again, without end; move what both need into a third library",
    )]);
    assert_eq!(
        found("import \"lib/left\" as l;"),
        [
            "built in: lib/left.rhai 1:8 `lib/right` imports this file again, without end; move what both need into a third library",
            "built in: lib/right.rhai 1:8 `lib/left` imports this file again, without end; move what both need into a third library",
        ]
    );
}

#[test]
fn a_parameter_is_a_constant_of_the_top_level() {
    assert_eq!(
        found("let n = param::int(\"x\", 1);"),
        ["1:5 a parameter keeps its value: declare it with `const n`; write `const n = ...`"]
    );
    assert!(found("if true { const n = param::int(\"x\"); }")[0].starts_with("1:28 "));
    assert!(found("fn f() { 1 }\nconst n = param::int(\"x\", f());")[0].starts_with("2:27 "));
}
