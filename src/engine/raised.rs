//! Failures on their way: into a script as maps it may catch, out of it with places.

use rhai::{Dynamic, EvalAltResult, Map, Position};
use serde_json::Value;

use crate::engine::program::Program;
use crate::error::{Error, Kind};
use crate::world::stop::interrupted;

/// Whether a script may catch it: not when a person or our own mistake ended the run.
pub fn catchable(kind: Kind) -> bool {
    match kind {
        Kind::Interrupted
        | Kind::Declined
        | Kind::NeedsAnswer
        | Kind::Refused
        | Kind::Beyond
        | Kind::Usage
        | Kind::Remote
        | Kind::Io
        | Kind::Bug => false,
        Kind::Config
        | Kind::Script
        | Kind::Credentials
        | Kind::Denied
        | Kind::NotFound
        | Kind::Busy
        | Kind::Raced
        | Kind::Quota
        | Kind::Stockout
        | Kind::RateLimited
        | Kind::Unreachable
        | Kind::FateUnknown
        | Kind::Operation
        | Kind::Image
        | Kind::TimedOut => true,
    }
}

/// `#{ kind, message, hint }`.
pub(super) fn as_map(error: &Error) -> Dynamic {
    let hint = error.hint.clone();
    let mut map = Map::new();
    map.insert("kind".into(), error.kind.word().into());
    map.insert("message".into(), error.message.clone().into());
    map.insert("hint".into(), hint.map_or(Dynamic::UNIT, Into::into));
    map.into()
}

/// What a script threw, as an error: its own text, or a map it caught or made.
fn thrown(value: &Dynamic) -> Error {
    let Ok(map) = value.as_map_ref() else {
        let text = if value.is_unit() {
            "the script gave up".to_owned()
        } else {
            value.to_string()
        };
        return Error::new(Kind::Script, text);
    };
    let field = |name: &str| {
        let value = map.get(name).filter(|value| !value.is_unit());
        value.map(ToString::to_string)
    };
    let kind = field("kind").and_then(|word| serde_json::from_value(Value::String(word)).ok());
    let message = field("message").unwrap_or_else(|| value.to_string());
    // Only what it may catch: a script cannot stop a run in the operator's name.
    let kind = kind.filter(|kind| catchable(*kind));
    let error = Error::new(kind.unwrap_or(Kind::Script), message);
    match field("hint") {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What ended a script, with the chain of calls that led there, innermost first.
pub(super) fn explain(failure: &EvalAltResult, program: &Program, halted: Option<Error>) -> Error {
    let mut file = String::new();
    let mut inner = failure;
    let mut calls = Vec::new();
    loop {
        match inner {
            EvalAltResult::ErrorInFunctionCall(name, source, next, position) => {
                // A closure is called by a function like `for_each`, which is in the chain itself.
                if !name.starts_with("anon$") {
                    let label = format!("called from here: `{name}`");
                    calls.push(program.place(&file, *position, &label));
                }
                if !source.is_empty() {
                    file.clone_from(source);
                }
                inner = next;
            }
            EvalAltResult::ErrorInModule(path, next, position) => {
                let label = format!("imported here: `{path}`");
                calls.push(program.place(&file, *position, &label));
                if let Some(library) = program.libraries.get(path) {
                    file.clone_from(&library.name);
                }
                inner = next;
            }
            _ => break,
        }
    }
    let (mut error, position) = own(inner, halted);
    if !position.is_none() {
        error = error.at(program.place(&file, position, "here"));
    }
    error.at.extend(calls.into_iter().rev());
    error
}

/// The failure itself, without the calls around it.
fn own(failure: &EvalAltResult, halted: Option<Error>) -> (Error, Position) {
    let position = failure.position();
    let script = |message: String| (Error::new(Kind::Script, message), position);
    match failure {
        EvalAltResult::ErrorRuntime(value, _) => (thrown(value), position),
        EvalAltResult::ErrorTerminated(..) => (halted.unwrap_or_else(interrupted), position),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            script(format!("there is no function `{signature}`"))
        }
        EvalAltResult::ErrorPropertyNotFound(name, _) => {
            script(format!("there is no property `{name}` here"))
        }
        EvalAltResult::ErrorVariableNotFound(name, _) => {
            script(format!("there is no variable `{name}`"))
        }
        EvalAltResult::ErrorTooManyOperations(_) => {
            let (error, position) = script("the script ran for too long without ending".to_owned());
            (error.hint("look for a loop that never ends"), position)
        }
        EvalAltResult::ErrorStackOverflow(_) => {
            let (error, position) = script("too many functions call each other".to_owned());
            (
                error.hint("look for a function that calls itself without end"),
                position,
            )
        }
        other => script(bare(other)),
    }
}

/// Rhai's own words without the position, which is shown beside them.
fn bare(failure: &EvalAltResult) -> String {
    let text = failure.to_string();
    match text.rfind(" (line ") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}
