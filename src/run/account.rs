//! The plain account at the end of a session: what was done, what was not, how to go on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Request, holds_sessions};
use crate::error::{Error, Kind};
use crate::event::{self, Event, Events, Finished, Level, What};
use crate::names::Mode;
use crate::world::World;

/// What the account is made from.
pub(super) struct Account<'a> {
    pub(super) request: &'a Request,
    pub(super) world: &'a World,
    pub(super) run: &'a str,
    /// Lines the script left for afterwards.
    pub(super) next: Vec<String>,
    /// How long this session took.
    pub(super) took: Duration,
}

impl Account<'_> {
    /// The account of a session that ended like this.
    pub(super) fn of(self, error: Option<Error>) -> Finished {
        let earlier = self.request.opening.earlier();
        let before = earlier.map_or(Duration::ZERO, |earlier| earlier.story.took);
        let target = self.world.target();
        Finished {
            run: self.run.to_owned(),
            runbook: self.request.script.name().to_owned(),
            target: target.name.clone(),
            mode: target.mode,
            exit: error.as_ref().map_or(0, Error::exit_code),
            took_seconds: event::seconds(before + self.took),
            changed: self.world.changes(),
            aborted: earlier.is_some_and(|earlier| earlier.abort) && error.is_none(),
            not_done: error.as_ref().map_or(Vec::new(), |_| self.not_done()),
            resume: error.as_ref().and_then(|error| self.go_on(error)),
            next: self.next,
            plan: None,
            error,
        }
    }

    /// Headings that were not finished; the one under way is among them.
    fn not_done(&self) -> Vec<String> {
        let all = &self.request.script.steps;
        // Stopped before anything was replayed, it is as far as it was.
        let recorded = || {
            let steps = &self.request.opening.earlier()?.story.steps;
            steps.last()?.begin.step.clone()
        };
        let reached = self.world.steps().pop().or_else(recorded);
        let at =
            (reached.as_ref()).map_or(Some(0), |last| all.iter().position(|step| step == last));
        all.get(at.unwrap_or(all.len())..)
            .unwrap_or_default()
            .to_vec()
    }

    fn go_on(&self, error: &Error) -> Option<String> {
        let abort = (self.request.opening.earlier()).is_some_and(|earlier| earlier.abort);
        let flag = if abort { " --abort" } else { "" };
        let earlier = self.request.opening.earlier().is_some();
        // A dry run that came to its end has told everything.
        if self.world.target().mode == Mode::DryRun && error.kind != Kind::Interrupted {
            return None;
        }
        // A no ends a run that has changed nothing; so does a refusal, unless an earlier session may
        // have sent something that nobody saw arrive.
        let ends = match error.kind {
            Kind::Declined => true,
            Kind::Refused => !earlier,
            _ => false,
        };
        // What is never begun again is nothing to go on with.
        let ends = ends || holds_sessions(&self.request.script);
        let over = ends && self.world.changes().is_empty();
        (!over).then(|| format!("runbook resume {}{flag}", self.run))
    }
}

/// The lines a script leaves for afterwards.
#[derive(Clone, Default)]
pub(super) struct NextLines(Arc<Mutex<Vec<String>>>);

impl NextLines {
    pub(super) fn listening(&self, events: Events) -> Events {
        let lines = Arc::clone(&self.0);
        Events::new(move |event: Event| {
            if let What::Said {
                level: Level::Next,
                text,
            } = &event.what
            {
                lines
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(text.clone());
            }
            events.emit(event);
        })
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
