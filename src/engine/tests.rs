//! Scripts against a small table of functions.

mod resume;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use rhai::{OptimizationLevel, Scope};
use serde_json::json;

use super::table::{Signature, Type};
use super::{Answer, Args, File, Function, Program, Session, handle};
use crate::error::{Error, Kind, Result};
use crate::event::{Level, What};
use crate::journal::{self, Journal, Record, Usuals};
use crate::names::Class;
use crate::world::testing::{self, Seen};
use crate::world::{NoGuard, World};

const fn function(
    name: &'static str,
    class: Class,
    params: &'static [(&'static str, Type)],
    run: fn(World, Args) -> Answer,
) -> Function {
    let signature = Signature {
        name,
        class,
        params,
        optional: 0,
        returns: Type::Any,
        doc: "",
    };
    Function::new(signature, run)
}

static FUNCTIONS: &[Function] =
    &[
        function(
            "say",
            Class::Local,
            &[("text", Type::Any)],
            |world, args| {
                let text = match args.value(0) {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let level = Level::Info;
                world.emit(What::Said { level, text });
                Box::pin(async { Ok(().into()) })
            },
        ),
        function(
            "gke::pool",
            Class::Read,
            &[("name", Type::Text)],
            |_, args| {
                Box::pin(
                    async move { Ok(handle("Pool", json!({"name": args.text(0)?, "minimum": 2}))) },
                )
            },
        ),
        function(
            "Pool.grow",
            Class::WriteConverge,
            &[("nodes", Type::Int)],
            |_, args| {
                Box::pin(async move {
                    match args.count(1)? {
                        nodes if nodes > 20 => Err(Error::new(Kind::Quota, "no more than 20")
                            .hint("ask for a higher quota")),
                        nodes => Ok(json!({"name": args.field(0, "name")?, "nodes": nodes})),
                    }
                })
            },
        ),
        function("k8s::wait", Class::Wait, &[], |world, _| {
            Box::pin(async move {
                world.clock().sleep(Duration::from_hours(1)).await;
                Ok(().into())
            })
        }),
        function("stop::now", Class::Local, &[], |world, _| {
            world.stop().stop();
            Box::pin(async { Ok(().into()) })
        }),
        function("ask::no", Class::Ask, &[], |_, _| {
            Box::pin(async { Err(Error::new(Kind::Declined, "you said no")) })
        }),
    ];

fn file(name: &str, text: &str) -> File {
    let mut engine = rhai::Engine::new_raw();
    engine.set_optimization_level(OptimizationLevel::None);
    let mut ast = engine.compile_with_scope(&Scope::new(), text).unwrap();
    ast.set_source(name);
    File {
        ast,
        name: name.to_owned(),
        text: text.into(),
    }
}

static TABLE: &[&[Function]] = &[FUNCTIONS];

struct Ran {
    outcome: Result<()>,
    seen: Seen,
    records: Vec<Record>,
}

impl Ran {
    fn said(&self) -> Vec<String> {
        let said = |what| match what {
            What::Said { text, .. } => Some(text),
            _ => None,
        };
        self.seen.events().into_iter().filter_map(said).collect()
    }

    fn calls(&self) -> Vec<String> {
        let call = |record: &Record| match record {
            Record::Begin { begin, .. } => Some(begin.call.clone()),
            _ => None,
        };
        self.records.iter().filter_map(call).collect()
    }
}

/// On a thread with the stack a run has.
fn run_with(text: &str, libraries: &[(&str, &str)]) -> Ran {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(16 << 20);
        let run = thread.spawn_scoped(scope, || run_here(text, libraries));
        run.unwrap().join().unwrap()
    })
}

/// A runtime as practice has it.
fn paused() -> Rc<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Rc::new(builder.enable_all().start_paused(true).build().unwrap())
}

fn run_here(text: &str, libraries: &[(&str, &str)]) -> Ran {
    let runtime = paused();
    let _entered = runtime.handle().enter();
    let (world, seen) = testing::world(None, None);
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::create(
        folder.path(),
        journal::testing::header(),
        journal::Scrub::new(b"key"),
    )
    .unwrap();
    let program = Program {
        main: file("main.rhai", text),
        libraries: libraries
            .iter()
            .map(|(path, text)| ((*path).to_owned(), file(&format!("{path}.rhai"), text)))
            .collect(),
        values: BTreeMap::from([((1, 18), json!(7))]),
    };
    let session = Session {
        needs: |_| &[],
        journal: journal.clone(),
        past: None,
        abort: false,
        guard: Rc::new(NoGuard),
        usuals: Usuals::default(),
    };
    let outcome = super::run(program, TABLE, Rc::clone(&runtime), world, session);
    Ran {
        outcome,
        seen,
        records: journal::read(journal.path()).unwrap(),
    }
}

fn run(text: &str) -> Ran {
    run_with(text, &[])
}

fn failure(text: &str) -> Error {
    run(text).outcome.unwrap_err()
}

fn places(error: &Error) -> Vec<String> {
    error
        .at
        .iter()
        .map(|place| format!("{place} {}", place.label))
        .collect()
}

#[test]
fn handles_have_properties_and_methods_and_effects_are_journaled() {
    let ran = run(r#"
        let pool = gke::pool("nb-user");
        let grown = pool.grow(pool.minimum + 1);
        say(`${pool}: ${grown.nodes}`);
    "#);
    ran.outcome.as_ref().unwrap();
    assert_eq!(ran.said(), ["Pool nb-user: 3"]);
    assert_eq!(ran.calls(), ["gke::pool", "Pool.grow"]);
    assert_eq!(ran.records.len(), 1 + 2 * 2);
}

#[test]
fn parameters_have_the_values_they_were_given() {
    let ran =
        run("const n = param::int(\"How many\", 1..=20);\nfn f() { global::n }\nsay(n + f());");
    ran.outcome.as_ref().unwrap();
    assert_eq!(ran.said(), ["14"]);
}

#[test]
fn what_a_script_may_catch_is_a_map_with_kind_message_and_hint() {
    let ran = run(r#"
        try { gke::pool("nb-user").grow(99) } catch (e) { say(`${e.kind}: ${e.message}; ${e.hint}`) }
    "#);
    ran.outcome.as_ref().unwrap();
    assert_eq!(
        ran.said(),
        ["quota: no more than 20; ask for a higher quota"]
    );
}

#[test]
fn what_was_caught_and_thrown_again_keeps_its_kind() {
    let error = failure(r#"try { gke::pool("x").grow(99) } catch (e) { throw e; }"#);
    assert_eq!(error.kind, Kind::Quota);
    assert_eq!(error.hint.unwrap(), "ask for a higher quota");
}

#[test]
fn a_script_can_throw_a_text_of_its_own() {
    let error = failure("\n  throw \"not today\";");
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::Script, "not today")
    );
    assert_eq!(places(&error), ["main.rhai:2:3 here"]);
}

#[test]
fn a_script_cannot_end_a_run_in_the_operators_name() {
    let error = failure(r#"throw #{ kind: "interrupted", message: "not me" };"#);
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::Script, "not me")
    );
    let error = failure(r#"throw #{ kind: "quota", message: "too many" };"#);
    assert_eq!(error.kind, Kind::Quota);
}

#[test]
fn no_is_final_and_cannot_be_caught() {
    let error = failure("try { ask::no() } catch { say(\"caught\") }");
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::Declined, "you said no")
    );
    assert_eq!(places(&error), ["main.rhai:1:12 here"]);
}

#[test]
fn a_stop_ends_a_wait_and_a_loop_and_cannot_be_caught() {
    for text in [
        "stop::now(); try { k8s::wait() } catch {}",
        "stop::now(); loop {}",
    ] {
        let error = failure(text);
        assert_eq!(error.kind, Kind::Interrupted, "{text}");
    }
}

#[test]
fn the_chain_of_calls_leads_into_libraries() {
    let ran = run_with(
        "import \"lib/pools\" as pools;\nfn all() { [99].for_each(|| pools::widen(this)); }\nall();",
        &[(
            "lib/pools",
            "\nfn widen(n) {\n  gke::pool(\"x\").grow(n);\n}",
        )],
    );
    assert_eq!(
        places(&ran.outcome.unwrap_err()),
        [
            "lib/pools.rhai:3:18 here",
            "main.rhai:2:36 called from here: `widen`",
            "main.rhai:2:17 called from here: `for_each`",
            "main.rhai:3:1 called from here: `all`",
        ]
    );
}

#[test]
fn a_wrong_argument_is_told_by_its_name() {
    let error = failure("gke::pool(5)");
    assert_eq!(error.message, "`gke::pool`, `name` wants text, got an int");
    assert_eq!(
        error.hint.clone().unwrap(),
        "it is gke::pool(name: text) -> any"
    );
    assert_eq!(places(&error), ["main.rhai:1:6 here"]);
    let error = failure("let p = gke::pool(\"x\"); p.grow(|| 5)");
    assert_eq!(
        error.message,
        "`Pool.grow`, argument 1: a Fn cannot be passed on"
    );
}

#[test]
fn scripts_have_no_clock_no_sleep_and_no_exit() {
    for text in ["timestamp()", "sleep(1)", "exit()", "parse_json(\"1\")"] {
        assert!(
            failure(text).message.starts_with("there is no function"),
            "{text}"
        );
    }
}

#[test]
fn unknown_properties_are_errors_with_a_place() {
    let error = failure("let p = gke::pool(\"x\");\np.ndoes");
    assert_eq!(error.message, "a Pool has no `ndoes`");
    assert_eq!(places(&error), ["main.rhai:2:2 here"]);
    assert_eq!(failure("#{a: 1}.b").kind, Kind::Script);
}

#[test]
fn a_function_that_calls_itself_for_ever_ends() {
    let error = failure("fn f() { f() } f()");
    assert_eq!(error.message, "too many functions call each other");
}
