//! What later decisions rest on, and whether it still holds.
//!
//! After an absence the world may have moved on. Before the next write the waits of the run, and
//! what it has read since its last write, are looked at again; what no longer holds is told, and
//! the operator decides.

use serde_json::Value;

use crate::engine::function::{Args, Function};
use crate::engine::past::{described, difference};
use crate::error::{Error, Kind, Result};
use crate::event::{Level, What};
use crate::journal::{Begin, Outcome, Step, digest};
use crate::names::Class;
use crate::world::operator::Form;
use crate::world::{Question, World};

/// One thing that was found out.
#[derive(Clone)]
struct Ground {
    function: Function,
    args: Args,
    call: Begin,
    found: Outcome,
}

/// What a run rests on.
#[derive(Clone, Default)]
pub(super) struct Grounds {
    reads: Vec<Ground>,
    waits: Vec<Ground>,
    /// What was read again during replay and found different.
    moved: Vec<String>,
}

impl Grounds {
    /// A replayed effect.
    pub(super) fn stood_on(
        &mut self,
        function: &Function,
        args: &Args,
        step: &Step,
        outcome: &Result<Value>,
    ) {
        let Some(end) = &step.end else { return };
        match (&end.outcome, outcome) {
            (Outcome::Digest(then), Ok(now)) if *then != digest(now) => {
                let call = described(&step.begin);
                self.moved.push(format!("{call} gives something else now"));
            }
            _ => {}
        }
        if step.begin.class.writes() && step.is_done() {
            self.written();
        } else {
            self.stand_on(function, args, &step.begin, end.outcome.clone());
        }
    }

    /// Something was found out.
    pub(super) fn stand_on(
        &mut self,
        function: &Function,
        args: &Args,
        call: &Begin,
        found: Outcome,
    ) {
        let kind = match (call.class, &found) {
            (Class::Read, Outcome::Ok(_)) if !function.fleeting => &mut self.reads,
            (Class::Wait, Outcome::Ok(_)) if function.holds.is_some() => &mut self.waits,
            _ => return,
        };
        kind.push(Ground {
            function: *function,
            args: args.clone(),
            call: call.clone(),
            found,
        });
    }

    /// Something was changed: what was read before it is expected to be different now.
    pub(super) fn written(&mut self) {
        self.reads.clear();
    }

    /// What was found different while replaying.
    pub(super) fn moved(&self) -> Option<String> {
        (!self.moved.is_empty()).then(|| self.moved.join("; "))
    }

    /// Looks at everything again; asks when something no longer holds.
    ///
    /// # Errors
    /// When it cannot be looked at, or the operator does not want to go on.
    pub(super) async fn look_again(&self, world: &World) -> Result<()> {
        let mut moved = Vec::new();
        for Ground {
            function,
            args,
            call,
            found,
        } in &self.reads
        {
            let now = (function.run)(world.clone(), args.clone()).await?;
            if let Outcome::Ok(then) = found
                && *then != now
            {
                moved.push(format!("{}: {}", described(call), difference(then, &now)));
            }
        }
        for Ground {
            function,
            args,
            call,
            ..
        } in &self.waits
        {
            let Some(holds) = function.holds else {
                continue;
            };
            if let Value::String(why) = holds(world.clone(), args.clone()).await? {
                moved.push(format!("{} no longer holds: {why}", described(call)));
            }
        }
        if moved.is_empty() {
            return Ok(());
        }
        for text in moved {
            world.emit(What::Said {
                level: Level::Warning,
                text,
            });
        }
        let question = Question {
            key: "moved_on".to_owned(),
            text: "The world has moved on since (see above). Go on with this run?".to_owned(),
            form: Form::Confirm,
        };
        if world.ask(question).await? == "yes" {
            return Ok(());
        }
        let fact = "you said no: the world has moved on since this run stopped";
        Err(Error::new(Kind::Declined, fact).hint("start over with `runbook resume --again`"))
    }
}
