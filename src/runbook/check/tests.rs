//! One mistake at a time, each with its place and what to write instead.

mod calls;
mod catches;
mod members;
mod names;
mod planted;

use super::*;
use crate::engine::Function;
use crate::engine::table::{HandleType, Type};
use crate::names::Class;
use crate::runbook::library::Library;

const fn function(
    name: &'static str,
    class: Class,
    params: &'static [(&'static str, Type)],
    optional: usize,
    returns: Type,
) -> Function {
    let signature = Signature {
        name,
        class,
        params,
        optional,
        returns,
        doc: "",
    };
    Function::new(signature, |_, _| Box::pin(async { Ok(().into()) }))
}

const POOL: Type = Type::Handle("Pool");
const TEXT: &[(&str, Type)] = &[("text", Type::Text)];
const KEYED: &[(&str, Type)] = &[("key", Type::Text), ("question", Type::Text)];
const LIMITS: &[(&str, Type)] = &[("minimum", Type::Int), ("maximum", Type::Int)];
const NODES: &[(&str, Type)] = &[("nodes", Type::Int)];
const NAME: &[(&str, Type)] = &[("name", Type::Text)];
const WARM: &[(&str, Type)] = &[
    ("pool", Type::Text),
    ("nodes", Type::Int),
    ("options", Type::Map),
];

static FUNCTIONS: &[Function] = &[
    function("say", Class::Local, TEXT, 0, Type::Unit),
    function("warn", Class::Local, TEXT, 0, Type::Unit),
    function("next", Class::Local, TEXT, 0, Type::Unit),
    function("step", Class::Local, TEXT, 0, Type::Unit),
    function("ask::confirm", Class::Ask, KEYED, 0, Type::Bool),
    function("gke::pool", Class::Read, NAME, 0, POOL),
    function(
        "Pool.autoscale",
        Class::WriteConverge,
        LIMITS,
        0,
        Type::Bool,
    ),
    function(
        "Pool.raise_limits",
        Class::WriteConverge,
        LIMITS,
        0,
        Type::Bool,
    ),
    function("Pool.grow", Class::WriteConverge, NODES, 0, Type::Any),
    function("Node.drain_now", Class::WriteOnce, &[], 0, Type::Unit),
    function("k8s::look", Class::Read, NAME, 0, Type::Map),
    function("k8s::nodes", Class::Read, NAME, 0, Type::List),
    function("k8s::uncordon", Class::WriteConverge, NAME, 0, Type::Bool),
    function("k8s::warm", Class::Read, WARM, 1, Type::Map),
    function("k8s::wait_warm", Class::Wait, WARM, 1, Type::Map),
];

const HANDLES: &[HandleType] = &[
    HandleType {
        name: "Pool",
        properties: &[
            ("name", Type::Text, ""),
            ("minimum", Type::Int, ""),
            ("nodes", Type::Int, ""),
        ],
    },
    HandleType {
        name: "Node",
        properties: &[("name", Type::Text, ""), ("pool", POOL, "")],
    },
];

const KEYS: &[&str] = &["nodes", "node", "images", "cordoned", "name", "warm"];

const LIBRARIES: [(&str, &str); 7] = [
    (
        "lib/sizing.rhai",
        "//! Sizes.\nfn nodes_for(users) { let n = (users + 59) / 60; n }\nprivate fn hidden() {}",
    ),
    ("lib/broken.rhai", "\nfn f( {"),
    ("lib/wrong.rhai", "fn f() {\n  sey(\"x\")\n}"),
    (
        "lib/shared.rhai",
        "const KEPT = 1;\nexport const MOST = 20;\nlet a = 1;\nexport a as first;\nfn f() { global::KEPT }",
    ),
    (
        "lib/itself.rhai",
        "import \"lib/itself\" as me;\nfn f() { 1 }",
    ),
    (
        "lib/left.rhai",
        "import \"lib/right\" as right;\nfn f() { right::g() }",
    ),
    (
        "lib/right.rhai",
        "import \"lib/left\" as left;\nfn g() { 1 }",
    ),
];

fn table() -> Table {
    static ALL: &[&[Function]] = &[FUNCTIONS];
    crate::engine::table(ALL, HANDLES, KEYS)
}

fn script(text: &str) -> Script {
    let mut files: Vec<(&'static str, &'static str)> =
        vec![("x.rhai", String::leak(text.to_owned()))];
    files.extend(LIBRARIES);
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

/// Each script has exactly this mistake.
fn each(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        assert_eq!(found(text), [*wanted], "{text}");
    }
}

/// None of these scripts has a mistake.
fn sound(scripts: &[&str]) {
    for text in scripts {
        assert_eq!(found(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn findings_stand_in_order_and_once() {
    assert_eq!(
        found("import \"lib/wrong\" as w;\nsya(1); sey(2);\nlet n = param::int(\"x\");"),
        [
            "2:1 there is no function `sya`; did you mean `say`?",
            "2:9 there is no function `sey`; did you mean `say`?",
            "3:5 a parameter keeps its value: declare it with `const n`; write `const n = ...`",
            "built in: lib/wrong.rhai 2:3 there is no function `sey`; did you mean `say`?",
        ]
    );
}

#[test]
fn calls_are_told_once_and_in_order_with_their_class() {
    let script = script(
        "let p = gke::pool(\"x\");\np.grow(k8s::nodes(\"x\").len());\np.grow(3);\n\
         for n in k8s::nodes(\"x\") { n.drain_now(); }\nsay(\"x\");\n[1].for_each(|x| warn(\"x\"));",
    );
    let calls = calls(&script, &table());
    let told: Vec<String> = calls
        .iter()
        .map(|c| format!("{} {}", c.name, c.class))
        .collect();
    assert_eq!(
        told,
        [
            "gke::pool read",
            "Pool.grow write(converge)",
            "k8s::nodes read",
            "Node.drain_now write(once)",
            "say local",
            "warn local",
        ]
    );
}

#[test]
fn calls_of_libraries_follow_those_of_the_script() {
    let script = script("import \"lib/left\" as l;\nstep(\"x\");\nsay(\"x\");");
    let names: Vec<&str> = calls(&script, &table()).iter().map(|c| c.name).collect();
    assert_eq!(names, ["step", "say"]);
}
