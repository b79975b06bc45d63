//! Sessions of one run: what is given back, and what is done again.

mod edits;
mod undo;
mod unsure;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::super::table::Type;
use super::super::{Answer, Args, Function, Past, Program, Session};
use super::{file, function, paused};
use crate::error::{self, Error, Kind};
use crate::event::{Change, Fate, Level, What};
use crate::journal::{self, Journal, Scrub, Story, Usuals};
use crate::names::Class;
use crate::world::operator::{self, Form};
use crate::world::testing::{self, Seen};
use crate::world::{Begun, NoGuard, Operator, Question, World};

thread_local! {
    /// What `look` gives, and what `wait` waits for.
    static LOOK: Cell<i64> = const { Cell::new(0) };
    static HOLDS: Cell<bool> = const { Cell::new(true) };
    /// What a trace of `open` looks like.
    static TRACE: RefCell<Value> = const { RefCell::new(Value::Null) };
    /// Whether `put` and `open` fail.
    static FAILS: Cell<Option<Kind>> = const { Cell::new(None) };
}

fn did(world: &World, text: String) {
    let level = Level::Good;
    world.emit(What::Said { level, text });
}

fn look(world: World, args: Args) -> Answer {
    Box::pin(async move {
        did(&world, format!("look {}", args.text(0)?));
        Ok(json!({ "n": LOOK.get() }))
    })
}

fn write(world: &World, what: &'static str, args: &Args) -> Answer {
    let (world, n) = (world.clone(), args.count(0));
    Box::pin(async move {
        let n = n?;
        let begun = world.take_begun().map_or(String::new(), |begun| {
            format!(", begun with {} changes", begun.changes.len())
        });
        did(&world, format!("{what} {n}{begun}"));
        if let Some(kind) = FAILS.get() {
            return Err(Error::new(kind, "it failed"));
        }
        world.changed(Change {
            what: what.to_owned(),
            before: "0".to_owned(),
            after: n.to_string(),
            call: what.to_owned(),
            class: Class::WriteOnce,
            operation: None,
            fate: Fate::Done,
        })?;
        Ok(n.into())
    })
}

fn ask(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let key = args.text(0)?;
        let (text, form) = ("Really?".to_owned(), Form::Text);
        Ok(world.ask(Question { key, text, form }).await?.into())
    })
}

const N: &[(&str, Type)] = &[("n", Type::Int)];
const NAME: &[(&str, Type)] = &[("name", Type::Text)];

static FUNCTIONS: &[Function] = &[
    function(
        "say",
        Class::Local,
        &[("text", Type::Any)],
        |world, args| {
            let (level, text) = (Level::Info, args.value(0).to_string());
            world.emit(What::Said { level, text });
            Box::pin(async { Ok(().into()) })
        },
    ),
    function("look", Class::Read, NAME, look),
    function("people", Class::Read, NAME, look).personal(),
    function("put", Class::WriteConverge, N, |w, a| write(&w, "put", &a)),
    function("open", Class::WriteOnce, N, |w, a| write(&w, "open", &a))
        .trace(|_, _, _: Begun| Box::pin(async { Ok(TRACE.take()) })),
    function("wait", Class::Wait, N, |world, args| {
        Box::pin(async move {
            did(&world, format!("wait {}", args.count(0)?));
            Ok("waited".into())
        })
    })
    .holds(|_, _| {
        let why = if HOLDS.get() {
            Value::Null
        } else {
            "nodes are gone".into()
        };
        Box::pin(async { Ok(why) })
    }),
    function("ask", Class::Ask, NAME, ask),
    function("talk", Class::Session, NAME, |world, args| {
        Box::pin(async move {
            did(&world, format!("talk {}", args.text(0)?));
            Ok(3.into())
        })
    }),
];

static TABLE: &[&[Function]] = &[FUNCTIONS];

/// Answers from a list, and keeps what was asked.
#[derive(Clone, Default)]
struct Person {
    answers: Arc<std::sync::Mutex<Vec<&'static str>>>,
    asked: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Operator for Person {
    fn ask(&self, question: Question) -> BoxFuture<'_, error::Result<operator::Answer>> {
        self.asked.lock().unwrap().push(question.key);
        let answer = self.answers.lock().unwrap().pop();
        Box::pin(async move {
            let value = answer.ok_or_else(|| Error::new(Kind::NeedsAnswer, "nobody is there"))?;
            let (value, by) = (value.to_owned(), "test".to_owned());
            Ok(operator::Answer { value, by })
        })
    }
}

/// One run, in as many sessions as a test wants.
struct Run {
    folder: tempfile::TempDir,
    path: Option<PathBuf>,
    answers: Vec<&'static str>,
    abort: bool,
    /// Used once instead of a good one.
    journal: Option<Journal>,
}

/// One session.
struct Sat {
    outcome: error::Result<()>,
    /// What was done, in order; what was shown again is in brackets.
    done: Vec<String>,
    asked: Vec<String>,
}

impl Run {
    fn new() -> Self {
        LOOK.set(0);
        HOLDS.set(true);
        FAILS.set(None);
        TRACE.set(Value::Null);
        Self {
            folder: tempfile::tempdir().unwrap(),
            path: None,
            answers: Vec::new(),
            abort: false,
            journal: None,
        }
    }

    /// The next session gets these answers, in order.
    fn answering(&mut self, answers: &[&'static str]) -> &mut Self {
        self.answers = answers.iter().rev().copied().collect();
        self
    }

    /// Runs `text`, or goes on with it.
    fn session(&mut self, text: &str) -> Sat {
        let runtime = paused();
        let _entered = runtime.handle().enter();
        let (journal, past) = match &self.path {
            None if self.journal.is_some() => (self.journal.take().unwrap(), None),
            None => {
                let header = journal::testing::header();
                let scrub = Scrub::new(b"key");
                (
                    Journal::create(self.folder.path(), header, scrub).unwrap(),
                    None,
                )
            }
            Some(path) => {
                let (journal, story) = Journal::reopen(path, Scrub::new(b"key")).unwrap();
                (journal, Some(Past::of(&story)))
            }
        };
        self.path = Some(journal.path().to_owned());
        let person = Person::default();
        *person.answers.lock().unwrap() = std::mem::take(&mut self.answers);
        let (mut parts, seen) = testing::parts(None, None);
        parts.notes = Arc::new(journal.clone());
        parts.operator = Arc::new(person.clone());
        let program = Program {
            main: file("main.rhai", text),
            libraries: BTreeMap::new(),
            values: BTreeMap::new(),
        };
        let session = Session {
            needs: |_| &[],
            journal,
            past,
            abort: self.abort,
            guard: Rc::new(NoGuard),
            usuals: Usuals::default(),
        };
        let world = World::new(parts);
        let outcome = super::super::run(program, TABLE, runtime, world, session);
        let asked = person.asked.lock().unwrap().clone();
        Sat {
            outcome,
            done: done(&seen),
            asked,
        }
    }

    /// Lets only this many records remain, as if the process had been killed then.
    fn killed_after(&self, records: usize) -> &Self {
        let path = self.path.as_ref().unwrap();
        let text = fs::read_to_string(path).unwrap();
        let kept: String = text.split_inclusive('\n').take(records).collect();
        assert!(
            kept.len() < text.len(),
            "it had no more than {records} records"
        );
        fs::write(path, kept).unwrap();
        self
    }

    fn story(&self) -> Story {
        Story::read(self.path.as_ref().unwrap()).unwrap()
    }
}

fn done(seen: &Seen) -> Vec<String> {
    let mut live = !seen.events().contains(&What::CaughtUp);
    let told = seen.events().into_iter().filter_map(|what| {
        let text = match what {
            What::CaughtUp => {
                live = true;
                return None;
            }
            What::Said {
                level: Level::Info | Level::Good | Level::Warning,
                text,
            } => text,
            What::Answered { key, answer, .. } => format!("{key}={answer}"),
            _ => return None,
        };
        Some(if live { text } else { format!("({text})") })
    });
    told.collect()
}

const SCRIPT: &str = r#"
    let n = look("pool").n;
    say(ask("go"));
    put(n + 2);
    wait(2);
    open(7);
    say("end");
"#;

#[test]
fn what_is_on_record_is_given_back_and_shown_again_and_the_rest_is_done() {
    let mut run = Run::new();
    let first = run.answering(&["yes"]).session(SCRIPT);
    first.outcome.unwrap();
    let all = [
        "look pool",
        "go=yes",
        "\"yes\"",
        "put 2",
        "wait 2",
        "open 7",
        "\"end\"",
    ];
    assert_eq!(first.done, all);
    // header; look 2; ask 3; put 3; the wait was begun.
    run.killed_after(10);
    LOOK.set(5);
    let second = run.session(SCRIPT);
    second.outcome.unwrap();
    assert_eq!(
        second.done,
        ["(go=yes)", "(\"yes\")", "wait 2", "open 7", "\"end\""]
    );
    assert_eq!(second.asked, [""; 0]);
    let story = run.story();
    assert_eq!(story.steps.len(), 5);
    assert!(story.steps.iter().all(journal::Step::is_done));
    assert_eq!(story.changes().len(), 2);
}

#[test]
fn it_can_be_killed_anywhere_and_nothing_is_put_twice() {
    let mut whole = Run::new();
    whole.answering(&["yes"]).session(SCRIPT).outcome.unwrap();
    let records = fs::read_to_string(whole.path.as_ref().unwrap()).unwrap();
    let records = records.lines().count();
    for kept in 1..records {
        let mut run = Run::new();
        run.answering(&["yes"]).session(SCRIPT).outcome.unwrap();
        run.killed_after(kept);
        let before = run.story();
        TRACE.set(json!(7));
        let sat = run.answering(&["yes", "yes"]).session(SCRIPT);
        sat.outcome.unwrap();
        for (at, what) in [(2, "put 2"), (4, "open 7")] {
            let times = sat
                .done
                .iter()
                .filter(|done| done.starts_with(what))
                .count();
            let ended = before.steps.get(at).is_some_and(journal::Step::is_done);
            let begun = before.steps.get(at).is_some();
            let expected = match what {
                "open 7" => usize::from(!begun),
                _ => usize::from(!ended),
            };
            assert_eq!(
                times, expected,
                "{what} after {kept} records: {:?}",
                sat.done
            );
        }
        assert_eq!(run.story().steps.len(), 5, "after {kept} records");
    }
}

#[test]
fn a_failed_run_goes_on_at_the_effect_that_failed() {
    let mut run = Run::new();
    FAILS.set(Some(Kind::Quota));
    let first = run.answering(&["yes"]).session(SCRIPT);
    assert_eq!(first.outcome.unwrap_err().kind, Kind::Quota);
    FAILS.set(None);
    let second = run.session(SCRIPT);
    second.outcome.unwrap();
    assert_eq!(
        second.done[2..],
        ["put 2, begun with 0 changes", "wait 2", "open 7", "\"end\""]
    );
}

#[test]
fn an_error_that_was_caught_is_given_back_as_it_was() {
    let script = r#"
        try { put(1); } catch (e) { say(e.kind); }
        wait(1);
        say("end");
    "#;
    let mut run = Run::new();
    FAILS.set(Some(Kind::Quota));
    run.session(script).outcome.unwrap();
    FAILS.set(None);
    run.killed_after(4);
    let second = run.session(script);
    second.outcome.unwrap();
    assert_eq!(second.done, ["(\"quota\")", "wait 1", "\"end\""]);
}

#[test]
fn reads_at_the_end_are_done_anew_for_they_may_be_what_made_it_stop() {
    let script = r#"
        put(1);
        if look("pool").n == 0 { throw "not yet"; }
        wait(1);
    "#;
    let mut run = Run::new();
    assert_eq!(run.session(script).outcome.unwrap_err().message, "not yet");
    LOOK.set(1);
    let second = run.session(script);
    second.outcome.unwrap();
    assert_eq!(second.done, ["look pool", "wait 1"]);
}

#[test]
fn what_is_about_people_is_read_again_and_never_kept() {
    let script = r#"
        let n = people("pool").n;
        put(1);
        say(`${n} people`);
        wait(1);
    "#;
    let mut run = Run::new();
    LOOK.set(41);
    run.session(script).outcome.unwrap();
    let text = fs::read_to_string(run.path.as_ref().unwrap()).unwrap();
    assert!(!text.contains("41"), "{text}");
    run.killed_after(6);
    LOOK.set(43);
    let second = run.session(script);
    second.outcome.unwrap();
    assert_eq!(second.done, ["(look pool)", "(\"43 people\")", "wait 1"]);
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_journal_nothing_is_changed() {
    let mut run = Run::new();
    run.journal = Some(journal::testing::on_a_full_disk());
    let sat = run.session("try { put(1); } catch { say(\"caught\"); } put(2);");
    let error = sat.outcome.unwrap_err();
    assert_eq!((error.kind, sat.done), (Kind::Io, Vec::new()));
    assert!(
        error
            .hint
            .unwrap()
            .contains("never done without its journal")
    );
}

#[test]
fn a_session_is_never_replayed() {
    let script = r#"say(talk("hub")); put(1);"#;
    let mut run = Run::new();
    run.session(script).outcome.unwrap();
    // header; talk 2; the write was begun.
    run.killed_after(4);
    let second = run.session(script);
    second.outcome.unwrap();
    assert_eq!(second.done, ["(3)", "put 1, begun with 0 changes"]);
    // header; the session was open.
    run.killed_after(2);
    let third = run.session(script);
    let error = third.outcome.unwrap_err();
    assert_eq!(error.kind, Kind::Refused);
    assert!(error.message.contains("`talk(hub)` was open"), "{error}");
    assert!(third.done.is_empty(), "{:?}", third.done);
}

#[test]
fn a_failure_that_was_cleaned_up_after_is_replayed_and_says_how_to_start_anew() {
    let script = r#"try { open(7); } catch (err) { ask("tidy"); throw err; }"#;
    let mut run = Run::new();
    FAILS.set(Some(Kind::Quota));
    let first = run.answering(&["yes"]).session(script);
    assert_eq!(first.outcome.unwrap_err().hint, None);
    FAILS.set(None);
    let second = run.session(script);
    let error = second.outcome.unwrap_err();
    assert_eq!(error.kind, Kind::Quota);
    assert!(error.hint.unwrap().contains("`runbook resume --again`"));
    // Nothing was done, and nobody was asked again.
    assert_eq!(
        (second.done, second.asked),
        (vec!["tidy=yes".to_owned()], Vec::new())
    );
}
