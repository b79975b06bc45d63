//! One mistake at a time, each with its place and what to write instead.

use super::*;
use crate::engine::table::{HandleType, Type};
use crate::engine::{Answer, Args, Function};
use crate::names::Class;
use crate::runbook::library::Library;
use crate::world::World;

const fn function(
    name: &'static str,
    params: &'static [(&'static str, Type)],
    optional: usize,
    returns: Type,
) -> Function {
    fn never(_: World, _: Args) -> Answer {
        Box::pin(async { Ok(().into()) })
    }
    Function {
        signature: Signature {
            name,
            class: Class::Read,
            params,
            optional,
            returns,
            doc: "",
        },
        run: never,
    }
}

const POOL: Type = Type::Handle("Pool");
const TEXT: &[(&str, Type)] = &[("text", Type::Text)];
const WARM: &[(&str, Type)] = &[
    ("pool", Type::Text),
    ("nodes", Type::Int),
    ("options", Type::Map),
];

static FUNCTIONS: &[Function] = &[
    function("say", TEXT, 0, Type::Unit),
    function("warn", TEXT, 0, Type::Unit),
    function("next", TEXT, 0, Type::Unit),
    function("step", TEXT, 0, Type::Unit),
    function(
        "ask::confirm",
        &[("key", Type::Text), ("question", Type::Text)],
        0,
        Type::Bool,
    ),
    function("gke::pool", &[("name", Type::Text)], 0, POOL),
    function(
        "Pool.autoscale",
        &[("minimum", Type::Int), ("maximum", Type::Int)],
        0,
        Type::Bool,
    ),
    function("Pool.grow", &[("nodes", Type::Int)], 0, Type::Any),
    function("k8s::nodes", &[("pool", Type::Text)], 0, Type::List),
    function("k8s::uncordon", &[("node", Type::Text)], 0, Type::Bool),
    function("k8s::warm", WARM, 1, Type::Map),
];

const HANDLES: &[HandleType] = &[HandleType {
    name: "Pool",
    properties: &[
        ("name", Type::Text, ""),
        ("minimum", Type::Int, ""),
        ("nodes", Type::Int, ""),
    ],
}];

fn table() -> Table {
    static ALL: &[&[Function]] = &[FUNCTIONS];
    crate::engine::table(
        ALL,
        HANDLES,
        &["nodes", "node", "images", "cordoned", "name"],
    )
}

fn script(text: &str) -> Script {
    let files: Vec<(&'static str, &'static str)> = vec![
        ("x.rhai", String::leak(text.to_owned())),
        (
            "lib/sizing.rhai",
            "//! Sizes.\nfn nodes_for(users) { let n = (users + 59) / 60; n }\nprivate fn hidden() {}",
        ),
        ("lib/broken.rhai", "\nfn f( {"),
        ("lib/wrong.rhai", "fn f() {\n  sey(\"x\")\n}"),
    ];
    let library = Library {
        folders: Vec::new(),
        built_in: Vec::leak(files),
    };
    Script::read(library.find("x").unwrap()).unwrap()
}

/// Every finding as `line:column message; suggestion`.
fn found(text: &str) -> Vec<String> {
    let findings = check(&script(text), &table());
    findings
        .into_iter()
        .map(|f| {
            let library = if f.place.file.contains("lib/") {
                format!("{} ", f.place.file)
            } else {
                String::new()
            };
            let suggestion = f.suggestion.unwrap_or_default();
            format!(
                "{library}{}:{} {}; {suggestion}",
                f.place.line, f.place.column, f.message
            )
        })
        .collect()
}

#[test]
fn a_sound_script_has_no_mistakes() {
    let sound = r#"//! Warm up the hub before a hackathon.
        import "lib/sizing" as sizing;
        const nodes = param::int("Nodes to keep warm, in total", 1..=20);
        const users = param::int("People expected", 1..=1000, #{ instead_of: "nodes" });
        const pool = param::text("Node pool", "nb-user");
        const max = param::int("Upper limit of the autoscaler", 20, 1..=100);
        fn describe(n) { `${n} of ${global::max}` }
        step("Look");
        let group = gke::pool(pool);
        let wanted = if users == () { nodes } else { sizing::nodes_for(users) };
        let options = #{};
        options.image = "x";
        let seen = k8s::warm(pool, wanted, options);
        if seen.nodes.len() >= wanted { say(`${seen.nodes.len()} nodes: ${describe(wanted)}`); return; }
        for node in k8s::nodes(pool).filter(|n| n.cordoned) {
            if ask::confirm("uncordon", `Uncordon ${node.name}?`) { k8s::uncordon(node.name); }
        }
        try { group.autoscale(wanted, max); }
        catch (err) { if err.kind == "quota" { warn(err.message); } throw err; }
        let more = [1, 2].map(|x| x + wanted).len;
        group.grow(wanted + more);
        for proof in seen.nodes { say(`${proof.node}: ${proof.images}`); }
        next("Take it down afterwards");
    "#;
    assert_eq!(found(sound), Vec::<String>::new());
}

#[test]
fn the_planted_mistakes_are_all_found() {
    let planted = [
        (
            "autoscal(1);",
            "1:1 there is no function `autoscal`; there is none",
        ),
        (
            "let p = gke::pool(\"x\");\np.autoscal(1, 2);",
            "2:3 there is no method `autoscal` on a Pool; did you mean `autoscale`?",
        ),
        (
            "let p = gke::pool(\"x\");\np.autoscale(1);",
            "2:3 `Pool.autoscale` takes 2 arguments, 1 given; it is Pool.autoscale(minimum: int, maximum: int) -> bool",
        ),
        (
            "gke::pol(\"x\");",
            "1:6 there is no function `gke::pol`; did you mean `pool`?",
        ),
        (
            "gke::pool(7);",
            "1:11 `gke::pool`, `name` wants text, got int; it is gke::pool(name: text) -> Pool",
        ),
        (
            "gk::pool(\"x\");",
            "1:1 there is no module `gk`; did you mean `gke`?",
        ),
        (
            "fn helper(a, b) { a + b }\nhelper(1);",
            "2:1 `helper` takes 2 arguments, 1 given; give it 2",
        ),
        (
            "let p = gke::pool(\"x\");\nsay(`${p.ndoes}`);",
            "2:10 there is no property `ndoes` on a Pool; did you mean `nodes`?",
        ),
        (
            "eval(\"1\");",
            "1:1 `eval` is not allowed in a runbook; write the code out",
        ),
        (
            "if false { sya(\"x\"); }",
            "1:12 there is no function `sya`; did you mean `say`?",
        ),
        (
            "switch 1 { 1 => sya(\"x\"), _ => () }",
            "1:17 there is no function `sya`; did you mean `say`?",
        ),
        (
            "[1].for_each(|| sya(\"x\"));",
            "1:17 there is no function `sya`; did you mean `say`?",
        ),
        (
            "let a = `x ${sya(1)}`;",
            "1:14 there is no function `sya`; did you mean `say`?",
        ),
    ];
    for (text, wanted) in planted.iter().skip(1) {
        assert_eq!(found(text), [*wanted], "{text}");
    }
    let (text, _) = planted[0];
    assert!(
        found(text)[0].starts_with("1:1 there is no function `autoscal`; "),
        "{:?}",
        found(text)
    );
}

#[test]
fn a_method_called_as_a_function_that_is_not_there_says_where_it_is() {
    assert_eq!(
        found("confirm(\"a\", \"b\");"),
        [
            "1:1 there is no function `confirm`; there is ask::confirm(key: text, question: text) -> bool"
        ]
    );
}

#[test]
fn properties_of_unknown_things_must_exist_somewhere() {
    assert_eq!(
        found("for n in k8s::nodes(\"x\") { say(n.cordonned); }"),
        ["1:34 there is no property `cordonned` on anything; did you mean `cordoned`?"]
    );
    assert_eq!(
        found("let m = #{ a: 1 }; say(`${m.a}`);"),
        Vec::<String>::new()
    );
}

#[test]
fn a_variable_must_be_there() {
    assert_eq!(
        found("let wanted = 1;\nsay(`${wnated}`);"),
        ["2:8 there is no variable `wnated` here; did you mean `wanted`?"]
    );
    assert_eq!(
        found("const n = 1;\nfn f() { n }\nf();"),
        [
            "2:10 there is no variable `n` here; a function sees the script's constants as `global::n`"
        ]
    );
}

#[test]
fn what_scripts_must_not_do_says_what_to_do_instead() {
    for (text, instead) in [
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
    ] {
        let name = text.split('(').next().unwrap();
        assert_eq!(
            found(text),
            [format!(
                "1:1 `{name}` is not allowed in a runbook; {instead}"
            )]
        );
    }
}

#[test]
fn parameters_are_constants_of_the_top_level_and_take_no_common_flag() {
    assert_eq!(
        found("let n = param::int(\"x\", 1);"),
        ["1:5 a parameter keeps its value: declare it with `const n`; write `const n = ...`"]
    );
    assert_eq!(
        found("const dry_run = param::flag(\"x\");"),
        ["1:24 every run has an option --dry-run of its own; give `dry_run` another name"]
    );
}

#[test]
fn a_function_that_hides_a_method_is_found() {
    assert_eq!(
        found("let p = gke::pool(\"x\");\nfn grow(n) { n }\np.grow(2);"),
        ["2:4 this function would be called instead of `Pool.grow`; give it another name"]
    );
}

#[test]
fn a_caught_error_has_three_properties() {
    assert_eq!(
        found("try { say(\"x\") } catch (e) { say(e.mesage) }"),
        ["1:36 there is no property `mesage` on a caught error; did you mean `message`?"]
    );
}

#[test]
fn libraries_are_checked_in_their_own_files() {
    assert_eq!(
        found("import \"lib/sizing\" as s;\ns::nodes_for();\ns::nodes();\ns::hidden();"),
        [
            "2:4 `s::nodes_for` takes 1 argument, 0 given; give it 1",
            "3:4 there is no function `s::nodes`; it has: nodes_for",
            "4:4 there is no function `s::hidden`; it has: nodes_for",
        ]
    );
    assert_eq!(
        found("import \"lib/wrong\" as w;\nw::f();"),
        ["built in: lib/wrong.rhai 2:3 there is no function `sey`; did you mean `say`?"]
    );
    assert!(found("import \"lib/broken\" as b;")[0].starts_with("built in: lib/broken.rhai 2:"));
    assert_eq!(
        found("import \"lib/sizes\" as s;"),
        ["1:8 there is no library `lib/sizes` beside the runbook; did you mean `lib/sizing`?"]
    );
    assert_eq!(
        found("let a = \"lib/sizing\";\nimport a as s;")[0],
        "2:8 an import is written as plain text: it is read before the run; write it like import \"lib/pools\" as pools;"
    );
}

#[test]
fn calls_are_told_once_and_in_order() {
    let script = script(
        "let p = gke::pool(\"x\");\np.grow(k8s::nodes(\"x\").len());\np.grow(3);\nsay(\"x\");",
    );
    let names: Vec<&str> = calls(&script, &table())
        .iter()
        .map(|call| call.name)
        .collect();
    assert_eq!(names, ["gke::pool", "Pool.grow", "k8s::nodes", "say"]);
}
