//! One way out of a script: every effect is journaled, can be stopped, and is judged here.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rhai::{Dynamic, EvalAltResult, FnPtr, NativeCallContext};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::engine::bridge;
use crate::engine::function::{Args, Function};
use crate::engine::past::{Past, Turn, recorded};
use crate::engine::program::Program;
use crate::engine::raised;
use crate::engine::recheck::Grounds;
use crate::engine::table::Signature;
use crate::engine::{Session, doubt};
use crate::error::{Error, Kind, Result};
use crate::event::What;
use crate::journal::{Begin, Journal, Outcome, Record, Step, Usuals, digest};
use crate::names::{Class, Mode, Need};
use crate::world::stop::interrupted;
use crate::world::{Effect, Guard, Note, World};

/// A result this long is recorded as its digest.
const BULK: usize = 256 << 10;

/// What the functions of one run share.
pub(super) struct Host {
    runtime: Rc<Runtime>,
    pub(super) world: World,
    journal: Journal,
    guard: Rc<dyn Guard>,
    usuals: Usuals,
    needs: fn(&str) -> &'static [Need],
    pub(super) program: Rc<Program>,
    past: RefCell<Past>,
    /// What has to be looked at again before the next write, if that is unsure.
    grounds: RefCell<Grounds>,
    /// What happens was recorded by an earlier session.
    replaying: Cell<bool>,
    /// The script is only replayed, to learn what it wants undone.
    abort: bool,
    /// What to undo when the run is given up for good, in the order it was said.
    pub(super) undo: RefCell<Vec<FnPtr>>,
    /// What ended the run in a way no script may catch.
    halted: RefCell<Option<Error>>,
}

impl Host {
    pub(super) fn new(
        runtime: Rc<Runtime>,
        world: World,
        session: Session,
        program: Rc<Program>,
    ) -> Self {
        let resumed = session.past.is_some();
        if resumed {
            world.doubt();
        }
        Self {
            runtime,
            world,
            journal: session.journal,
            guard: session.guard,
            usuals: session.usuals,
            needs: session.needs,
            program,
            past: RefCell::new(session.past.unwrap_or_default()),
            grounds: RefCell::default(),
            replaying: Cell::new(resumed),
            abort: session.abort,
            undo: RefCell::default(),
            halted: RefCell::new(None),
        }
    }

    /// What ended the run in a way no script may catch.
    pub(super) fn halted(&self) -> Option<Error> {
        self.halted.borrow().clone()
    }

    /// A failure that was only replayed: going on leads to it again.
    pub(super) fn as_before(&self, mut error: Error) -> Error {
        if self.replaying.get() && raised::catchable(error.kind) {
            let anew =
                "it is on record that it fails like this: start anew with `runbook resume --again`";
            error.hint = Some(match error.hint {
                Some(hint) => format!("{hint}; {anew}"),
                None => anew.to_owned(),
            });
        }
        error
    }

    /// The script has ended well: whether it did everything that is on record.
    pub(super) fn all_replayed(&self) -> Result<()> {
        self.past.borrow().left_over().map_or(Ok(()), Err)?;
        self.catch_up();
        Ok(())
    }

    /// The script was replayed to the point where it stopped; what comes now undoes. Gives back
    /// what to call, the last thing said first.
    ///
    /// # Errors
    /// When the operator has stopped it, or the journal cannot be written.
    pub(super) fn begin_undo(&self) -> Result<Vec<FnPtr>> {
        if self.world.stop().is_stopped() {
            return Err(interrupted());
        }
        self.halted.take();
        let mut past = self.past.borrow_mut();
        if !past.aborting() {
            let at = self.world.clock().now();
            self.journal.write(&Record::Aborting { at })?;
        }
        past.undo();
        if past.is_over() {
            self.catch_up();
        }
        self.world.begin_step("Undo".to_owned());
        Ok(self.undo.borrow().iter().rev().cloned().collect())
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
            if class == Class::Local {
                return self
                    .stoppable((function.run)(self.world.clone(), args))
                    .await;
            }
            let file = context.call_source().unwrap_or_default();
            let place = self.program.place(file, context.call_position(), "");
            let mut clean = Value::Array(args.0.clone());
            self.journal.scrub().clean(&mut clean);
            let call = Begin {
                at: self.world.clock().now(),
                call: name.to_owned(),
                class,
                args: match clean {
                    Value::Array(args) => args,
                    _ => Vec::new(),
                },
                place: place.to_string(),
                step: self.world.steps().pop(),
            };
            let turn = self.past.borrow_mut().turn(&call);
            match turn.map_err(|error| self.explained(error))? {
                Turn::Recorded(step) => self.replay(function, args, &step).await,
                Turn::Again(step) => self.live(function, args, call, Some(&step)).await,
                Turn::New => self.live(function, args, call, None).await,
            }
        })
    }

    /// The outcome, unless the operator stops it first.
    async fn stoppable<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.world.stop().cut(work).await
    }

    /// Gives back what an earlier session recorded, and shows it again.
    async fn replay(&self, function: &Function, args: Args, step: &Step) -> Result<Value> {
        self.recall(step);
        if let Some((what, watched)) = step.watched() {
            self.world.emit(What::WaitEnded {
                id: 0,
                what: what.to_owned(),
                ok: step.is_done(),
                took_seconds: watched.as_secs(),
            });
        }
        let outcome = if let Some(outcome) = recorded(step) {
            outcome
        } else {
            let work = (function.run)(self.world.clone(), args.clone());
            self.stoppable(work).await
        };
        self.grounds
            .borrow_mut()
            .stood_on(function, &args, step, &outcome);
        outcome
    }

    /// Shows again what was noted of an effect.
    fn recall(&self, step: &Step) {
        for (_, note) in &step.notes {
            match note {
                Note::Changed { change } => self.world.emit(What::Changed(change.clone())),
                Note::Answered {
                    key,
                    question,
                    answer,
                    by,
                    ..
                } => {
                    let (key, question) = (key.clone(), question.clone());
                    self.world.emit(What::Asked {
                        key: key.clone(),
                        question,
                    });
                    let (answer, by) = (answer.clone(), by.clone());
                    self.world.emit(What::Answered { key, answer, by });
                }
                // The run's account of itself has had them from the start.
                Note::Settled { .. } | Note::Watched { .. } | Note::Slept { .. } => {}
            }
        }
    }

    /// Everything on record has been shown again.
    fn catch_up(&self) {
        if self.replaying.take() {
            self.world.emit(What::CaughtUp);
        }
    }

    /// Does it, for the first time or because nobody saw it end.
    async fn live(
        &self,
        function: &Function,
        args: Args,
        call: Begin,
        begun: Option<&Step>,
    ) -> Result<Value> {
        if self.abort && !self.past.borrow().undoing() {
            return Err(interrupted());
        }
        if let Some(step) = begun {
            self.recall(step);
        }
        self.catch_up();
        self.in_reach(function)?;
        let writes = call.class.writes();
        let planned = if writes {
            self.guard.next_write(&call.call, &call.args)?
        } else {
            None
        };
        if writes && !function.lockless {
            self.may_write(begun.is_none()).await?;
        }
        let seq = self.past.borrow().seq();
        self.world.enter(Effect {
            begun: begun.map(Step::begun),
            // Within a write other things may have to be waited for first.
            usual: (call.class == Class::Wait)
                .then(|| self.usuals.of(&call.call, &call.args))
                .flatten(),
            planned,
        });
        let once = call.class == Class::WriteOnce;
        self.journal.begin(seq, call.clone())?;
        let work = async {
            if once
                && let Some(step) = begun
                && doubt::is_doubtful(step)
                && let Some(value) = doubt::settled(&self.world, function, &args, step).await?
            {
                return Ok(value);
            }
            (function.run)(self.world.clone(), args.clone()).await
        };
        let outcome = self.stoppable(work).await;
        // Whatever came of it, a copy has made it up.
        let outcome = match self.world.doors().beyond() {
            Some(what) => Err(beyond(&what)),
            None => outcome,
        };
        self.world.enter(Effect::default());
        let kept = kept(function, &outcome);
        self.journal.end(self.world.clock().now(), kept.clone())?;
        let mut grounds = self.grounds.borrow_mut();
        if writes && outcome.is_ok() {
            grounds.written();
        } else {
            grounds.stand_on(function, &args, &call, kept);
        }
        outcome
    }

    /// Whether what stands behind the doors can do this at all.
    fn in_reach(&self, function: &Function) -> Result<()> {
        let Signature { name, class, .. } = function.signature;
        let dry = self.world.target().mode == Mode::DryRun;
        if dry && class == Class::Session {
            let what = format!("what comes of `{name}`: nobody can talk to a copy");
            return Err(beyond(&what));
        }
        for need in (self.needs)(name) {
            if dry && *need == Need::Desk {
                return Err(beyond(&format!("what `{name}` finds on this machine")));
            }
            if let Some(missing) = self.world.doors().denied(*need) {
                return Err(missing);
            }
        }
        Ok(())
    }

    /// Returns when a write may be sent: this run holds the cluster, and what it rests on holds.
    async fn may_write(&self, anew: bool) -> Result<()> {
        let look = async {
            self.world.wake().await?;
            self.guard.before_write(&self.world).await?;
            if anew && self.world.is_unsure() {
                let grounds = self.grounds.borrow().clone();
                grounds.look_again(&self.world).await?;
                self.world.trust();
            }
            Ok(())
        };
        self.stoppable(look).await
    }

    /// A mismatch, with what may have caused it and what has been changed so far.
    fn explained(&self, mut error: Error) -> Error {
        if let Some(moved) = self.grounds.borrow().moved() {
            error.message = format!("{}; perhaps because {moved}", error.message);
        }
        error
    }
}

/// What a copy cannot stand in for ends a dry run.
fn beyond(what: &str) -> Error {
    let fact = format!("the copy of the target does not know {what}");
    Error::new(Kind::Beyond, fact).hint("a dry run cannot tell what would come after this line")
}

/// An outcome as it is recorded.
fn kept(function: &Function, outcome: &Result<Value>) -> Outcome {
    match outcome {
        // Only what can be read again may be forgotten.
        Ok(value)
            if function.signature.class == Class::Read
                && (function.personal || value.to_string().len() > BULK) =>
        {
            Outcome::Digest(digest(value))
        }
        Ok(value) => Outcome::Ok(value.clone()),
        Err(error) => Outcome::Error(error.clone()),
    }
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
