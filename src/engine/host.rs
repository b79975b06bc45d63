//! One way out of a script: every effect is journaled, can be stopped, and is judged here.

use std::cell::RefCell;
use std::rc::Rc;

use rhai::{Dynamic, EvalAltResult, NativeCallContext};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::engine::bridge;
use crate::engine::function::{Args, Function};
use crate::engine::program::Program;
use crate::engine::raised;
use crate::engine::table::Signature;
use crate::error::{Error, Kind, Result};
use crate::journal::{Begin, Journal};
use crate::names::Class;
use crate::world::World;

/// What the functions of one run share.
pub(super) struct Host {
    runtime: Rc<Runtime>,
    pub(super) world: World,
    journal: Journal,
    pub(super) program: Rc<Program>,
    seq: RefCell<u64>,
    /// What ended the run in a way no script may catch.
    halted: RefCell<Option<Error>>,
}

impl Host {
    pub(super) fn new(
        runtime: Rc<Runtime>,
        world: World,
        journal: Journal,
        program: Rc<Program>,
    ) -> Self {
        Self {
            runtime,
            world,
            journal,
            program,
            seq: RefCell::new(0),
            halted: RefCell::new(None),
        }
    }

    /// What ended the run in a way no script may catch.
    pub(super) fn halted(&self) -> Option<Error> {
        self.halted.borrow().clone()
    }

    /// Calls a function of the table for a script.
    pub(super) fn call(
        &self,
        function: &Function,
        context: &NativeCallContext<'_>,
        args: &[&mut Dynamic],
    ) -> std::result::Result<Dynamic, Box<EvalAltResult>> {
        let outcome = arguments(&function.signature, args)
            .and_then(|args| self.perform(function, args, context));
        match outcome {
            Ok(value) => Ok(bridge::to_dynamic(&value)),
            Err(error) => Err(self.raise(error, context).into()),
        }
    }

    /// Turns a failure into one the script may catch, or into the end of the run.
    fn raise(&self, error: Error, context: &NativeCallContext<'_>) -> EvalAltResult {
        let position = context.call_position();
        if raised::catchable(error.kind) {
            return EvalAltResult::ErrorRuntime(raised::as_map(&error), position);
        }
        self.halted.replace(Some(error));
        EvalAltResult::ErrorTerminated(Dynamic::UNIT, position)
    }

    fn perform(
        &self,
        function: &Function,
        args: Args,
        context: &NativeCallContext<'_>,
    ) -> Result<Value> {
        let Signature { name, class, .. } = function.signature;
        self.runtime.block_on(async {
            // Else whether a question was answered by a flag or typed reorders what is due now.
            tokio::task::yield_now().await;
            let now = || self.world.clock().now();
            let journaled = class != Class::Local;
            if journaled {
                let file = context.call_source().unwrap_or_default();
                let place = self.program.place(file, context.call_position(), "");
                self.journal.begin(
                    self.seq.replace_with(|n| *n + 1) + 1,
                    Begin {
                        at: now(),
                        call: name.to_owned(),
                        class,
                        args: args.0.clone(),
                        place: place.to_string(),
                        step: None,
                    },
                )?;
            }
            let work = (function.run)(self.world.clone(), args);
            let outcome = tokio::select! {
                biased;
                () = self.world.stop().stopped() => Err(interrupted()),
                outcome = work => outcome,
            };
            if journaled {
                self.journal.end(now(), (&outcome).into())?;
            }
            outcome
        })
    }
}

/// What a stop feels like from inside.
pub(super) fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "stopped by the operator")
}

/// A call's arguments as plain data of the right types.
fn arguments(signature: &Signature, given: &[&mut Dynamic]) -> Result<Args> {
    let wrong = |message: String| {
        Err(Error::new(Kind::Script, message).hint(format!("it is {}", signature.display())))
    };
    let name = signature.name;
    let mut args = Vec::with_capacity(given.len());
    let subject = usize::from(signature.subject().is_some());
    for (at, value) in given.iter().enumerate() {
        let value = match bridge::to_json(value) {
            Ok(value) => value,
            Err(why) => return wrong(format!("`{name}`, argument {}: {why}", at + 1 - subject)),
        };
        let wanted = at
            .checked_sub(subject)
            .and_then(|at| signature.params.get(at));
        if let Some((param, wanted)) = wanted
            && !bridge::fits(&value, *wanted)
        {
            let is = bridge::kind(&value);
            return wrong(format!("`{name}`, `{param}` wants {wanted}, got {is}"));
        }
        args.push(value);
    }
    Ok(Args(args))
}
