//! A write that must not be sent twice, and nobody knows whether it was sent: its trace is looked
//! for, and only then the operator decides.

use serde_json::Value;

use crate::engine::function::{Args, Function};
use crate::engine::past::described;
use crate::engine::table::Type;
use crate::error::{Error, Kind, Result};
use crate::journal::Step;
use crate::world::operator::Form;
use crate::world::{Question, World};

const AGAIN: &str = "again";
const DONE: &str = "done";
const STOP: &str = "stop";

/// Whether it may have been carried out: it was begun and never ended, or its end does not say.
pub(super) fn is_doubtful(step: &Step) -> bool {
    match step.error().map(|error| error.kind) {
        None => true,
        Some(kind) => matches!(
            kind,
            Kind::FateUnknown | Kind::Interrupted | Kind::TimedOut | Kind::Unreachable | Kind::Io
        ),
    }
}

/// What it gave back, when it left a trace or the operator takes it as done; none when it is to be
/// sent.
///
/// # Errors
/// When its trace cannot be looked for, or the operator wants to stop.
pub(super) async fn settled(
    world: &World,
    function: &Function,
    args: &Args,
    step: &Step,
) -> Result<Option<Value>> {
    if let Some(trace) = function.trace {
        let found = trace(world.clone(), args.clone(), step.begun()).await?;
        if !found.is_null() {
            // What was left of it is in there.
            world.take_begun();
            return Ok(Some(found));
        }
    }
    let question = Question {
        key: "fate".to_owned(),
        text: format!(
            "{} was about to be sent at {}, and no trace of it can be found. Send it again, take it as done, or stop?",
            described(&step.begin),
            step.begin.at.strftime("%H:%M:%S UTC"),
        ),
        form: Form::Choose([AGAIN, DONE, STOP].map(str::to_owned).to_vec()),
    };
    match world.ask(question).await?.as_str() {
        AGAIN => {
            world.take_begun();
            Ok(None)
        }
        DONE => Ok(Some(match function.signature.returns {
            Type::Bool => true.into(),
            _ => Value::Null,
        })),
        _ => Err(Error::new(
            Kind::Declined,
            format!("you stopped before {}", described(&step.begin)),
        )),
    }
}
