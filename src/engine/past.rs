//! What earlier sessions of a run recorded, and how far this one has replayed it.
//!
//! A call's identity is its number; its name and arguments must match. Positions are for messages
//! only, so what comes after the point reached may be edited freely.

use std::rc::Rc;

use serde_json::Value;

use crate::engine::function::HANDLE;
use crate::error::{Error, Kind};
use crate::event::Fate;
use crate::journal::{Begin, Outcome, Step, Story};
use crate::names::Class;

/// What to do about the next effect.
#[derive(Debug)]
pub(super) enum Turn {
    /// It was never begun.
    New,
    /// It was begun, and nobody saw it end well.
    Again(Rc<Step>),
    /// It is on record.
    Recorded(Rc<Step>),
}

/// The recorded effects of a run.
#[derive(Debug, Default)]
pub struct Past {
    run: String,
    steps: Vec<Rc<Step>>,
    /// How many of them a script that goes on replays.
    replayed: usize,
    /// Where undoing begins, once it has.
    undo_from: Option<usize>,
    /// The number of the effect under way, from 1.
    at: usize,
    undoing: bool,
}

impl Past {
    /// What this story tells.
    pub fn of(story: &Story) -> Self {
        let steps: Vec<Rc<Step>> = story.steps.iter().cloned().map(Rc::new).collect();
        let script = story.aborting.unwrap_or(steps.len());
        let script = script.min(failed(story, &steps).unwrap_or(script));
        Self {
            run: story.header.run.clone(),
            replayed: frontier(steps.get(..script).unwrap_or_default()),
            undo_from: story.aborting,
            steps,
            at: 0,
            undoing: false,
        }
    }

    /// The number of the effect under way.
    pub(super) fn seq(&self) -> u64 {
        u64::try_from(self.at).unwrap_or(u64::MAX)
    }

    /// Whether undoing had begun in an earlier session.
    pub(super) fn aborting(&self) -> bool {
        self.undo_from.is_some()
    }

    /// The script is over: what comes now undoes.
    pub(super) fn undo(&mut self) {
        self.at = *self.undo_from.get_or_insert(self.steps.len());
        self.replayed = self.at + frontier(self.steps.get(self.at..).unwrap_or_default());
        self.undoing = true;
    }

    /// Whether what happens undoes.
    pub(super) fn undoing(&self) -> bool {
        self.undoing
    }

    /// Whether everything recorded has been replayed.
    pub(super) fn is_over(&self) -> bool {
        self.at >= self.replayed
    }

    /// What to do about this call, which is the next one.
    pub(super) fn turn(&mut self, call: &Begin) -> Result<Turn, Error> {
        self.at += 1;
        let Some(step) = (self.at.checked_sub(1))
            .filter(|_| self.at <= self.replayed)
            .and_then(|at| self.steps.get(at))
        else {
            return Ok(Turn::New);
        };
        if (&step.begin.call, &step.begin.args) != (&call.call, &call.args) {
            let now = format!("it is now {} at {}", described(call), call.place);
            return Err(self.mismatch(self.at, step, &now));
        }
        if call.class == Class::Session && step.end.is_none() {
            return Err(self.cut_off(step));
        }
        let step = Rc::clone(step);
        let last = self.at == self.steps.len() || Some(self.at) == self.undo_from;
        let over = call.class == Class::Session || !last;
        Ok(if step.is_done() || step.end.is_some() && over {
            Turn::Recorded(step)
        } else {
            Turn::Again(step)
        })
    }

    /// What is wrong with a script that ended now: it made fewer calls than are on record.
    pub(super) fn left_over(&self) -> Option<Error> {
        let step = (!self.is_over())
            .then(|| self.steps.get(self.at))
            .flatten()?;
        Some(self.mismatch(self.at + 1, step, "the script now ends before it"))
    }

    /// A session was open when an earlier one of the run was killed.
    fn cut_off(&self, step: &Step) -> Error {
        let fact = format!(
            "{} was open when the run stopped, and a session is never begun again",
            described(&step.begin)
        );
        let hint = format!("start anew: `runbook resume {} --again`", self.run);
        Error::new(Kind::Refused, fact).hint(hint)
    }

    fn mismatch(&self, number: usize, step: &Step, now: &str) -> Error {
        Error::new(
            Kind::Refused,
            format!(
                "the script no longer does what was recorded: effect {number} was {} at {}; {now}",
                described(&step.begin),
                step.begin.place,
            ),
        )
        .hint(format!(
            "undo the edit, or start over with the same parameters: `runbook resume {} --again`",
            self.run
        ))
    }
}

/// How many effects a script that goes on replays: reads at the end are done anew, for what they
/// saw may be what made it stop.
fn frontier(steps: &[Rc<Step>]) -> usize {
    let reads = steps.iter().rev();
    let reads = reads.take_while(|step| step.begin.class == Class::Read);
    steps.len() - reads.count()
}

/// The write whose operation failed and so made the run fail: it ended well itself, and what came
/// after it rests on nothing.
fn failed(story: &Story, steps: &[Rc<Step>]) -> Option<usize> {
    steps.last().filter(|step| step.error().is_some())?;
    let changes = story.changes();
    let failed = |operation: &str| {
        let mut of = changes.iter();
        of.any(|change| {
            change.operation.as_deref() == Some(operation) && change.fate == Fate::Failed
        })
    };
    steps.iter().position(|step| {
        let mut operations = step
            .changes()
            .filter_map(|change| change.operation.as_deref());
        operations.any(failed)
    })
}

/// `Pool.grow(nb-user, 2)`.
pub(super) fn described(call: &Begin) -> String {
    let args: Vec<String> = call.args.iter().map(shown).collect();
    format!("`{}({})`", call.call, args.join(", "))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) if fields.contains_key(HANDLE) => {
            let name = fields.get("name").and_then(Value::as_str);
            name.unwrap_or_default().to_owned()
        }
        Value::Null => "()".to_owned(),
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = (fields.iter())
                .map(|(key, value)| format!("{key}: {}", shown(value)))
                .collect();
            format!("#{{{}}}", fields.join(", "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// What is different between two results of one call: `minimum was 0, is 2`.
pub(super) fn difference(before: &Value, now: &Value) -> String {
    let (Value::Object(before), Value::Object(now)) = (before, now) else {
        return format!("was {}, is {}", shown(before), shown(now));
    };
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    let differs = keys
        .into_iter()
        .filter(|key| before.get(*key) != now.get(*key));
    let told: Vec<String> = differs
        .map(|key| {
            let text = |of: &serde_json::Map<String, Value>| {
                of.get(key).map_or_else(|| "absent".to_owned(), shown)
            };
            format!("{key} was {}, is {}", text(before), text(now))
        })
        .collect();
    told.join("; ")
}

/// The value or failure on record; none when only its digest was kept.
pub(super) fn recorded(step: &Step) -> Option<Result<Value, Error>> {
    match &step.end.as_ref()?.outcome {
        Outcome::Ok(value) => Some(Ok(value.clone())),
        Outcome::Error(error) => Some(Err(error.clone())),
        Outcome::Digest(_) => None,
    }
}
