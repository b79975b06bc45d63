//! How a session begins and ends on record: a new run, one instead of another, or an earlier one
//! that goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::scene::Scene;
use super::{Place, Request, holds_sessions, locks, prints};
use crate::error::{Error, Kind, Result};
use crate::event::{self, Finished, Resumed, Started, What};
use crate::journal::history::{NEVER, Receipt};
use crate::journal::{
    self, Closed, FORMAT, Finish, Header, Journal, Record, Resume, Scrub, Story, Why,
};
use crate::names::{Mode, Took};
use crate::runbook::params;
use crate::world::operator::Form;
use crate::world::{Clock, Question, Target, World};

/// How a session begins.
#[derive(Debug)]
pub enum Opening {
    /// A new run.
    New,
    /// A new run in place of this one, which will never be resumed then.
    InsteadOf(Journal),
    /// An earlier run goes on.
    Again(Box<Earlier>),
}

/// A run to go on with.
#[derive(Debug)]
pub struct Earlier {
    /// Its journal; nobody else has it open.
    pub journal: Journal,
    /// What it tells.
    pub story: Story,
    /// Whether to give it up for good.
    pub abort: bool,
    /// In practice: how much later it is when it goes on.
    pub away: Duration,
    /// A run that stopped longer ago than this asks first.
    pub age_limit: Duration,
}

/// Whether a run can be gone on with, or given up for good.
///
/// # Errors
/// Kind `usage` when it is over, `refused` when it is being given up and is not to be.
pub fn can_go_on(story: &Story, abort: bool) -> Result<()> {
    let run = &story.header.run;
    let over = match story.closed.as_ref().map(|closed| &closed.why) {
        Some(Why::Aborted) => Some(format!("{run} was given up for good")),
        Some(Why::Replaced { run: by }) => Some(format!("{run} was replaced by {by}")),
        None => (story.finish.as_ref().filter(|finish| finish.exit == 0))
            .map(|_| format!("{run} is finished: there is nothing to go on with")),
    };
    if let Some(fact) = over {
        let hint = format!("to do the same again: `runbook resume {run} --again`");
        return Err(Error::new(Kind::Usage, fact).hint(hint));
    }
    if story.aborting.is_some() && !abort {
        let fact = format!("{run} is being given up for good, and that is not finished");
        let hint = format!("go on with it: `runbook resume {run} --abort`");
        return Err(Error::new(Kind::Refused, fact).hint(hint));
    }
    Ok(())
}

impl Earlier {
    /// A run goes on where it began and nowhere else.
    fn belongs(&self, target: &Target) -> Result<()> {
        let header = &self.story.header;
        let now = target.cluster.to_string();
        if now == header.cluster {
            return Ok(());
        }
        let fact = format!(
            "{} ran on {}, and {} is {now} now",
            header.run, header.cluster, header.target
        );
        let hint = "a run goes on where it began: put the target back, or start a new run";
        Err(Error::new(Kind::Refused, fact).hint(hint))
    }

    /// How long ago it stopped, by the wall clock.
    fn age(&self, mode: Mode) -> Duration {
        let started = self.story.resumes.last().map(|resume| resume.started);
        let started = started.unwrap_or(self.story.header.started);
        let last = match mode {
            Mode::Live => self.story.last.max(started),
            Mode::Practice | Mode::Rehearsal | Mode::DryRun => started,
        };
        Clock::Live.since(last)
    }
}

impl Opening {
    /// The run that goes on.
    pub(super) fn earlier(&self) -> Option<&Earlier> {
        match self {
            Self::New | Self::InsteadOf(_) => None,
            Self::Again(earlier) => Some(earlier),
        }
    }

    /// What keeps secrets out of the journal.
    pub(super) fn scrub(&self, state: &Path) -> Result<Scrub> {
        Ok(match self {
            Self::New => Scrub::of(state)?,
            Self::InsteadOf(journal) => journal.scrub().clone(),
            Self::Again(earlier) => earlier.journal.scrub().clone(),
        })
    }
}

/// The journal of the session, with its first record.
pub(super) fn open(request: &Request, scene: &Scene, scrub: Scrub) -> Result<Journal> {
    let create = || {
        Journal::create(
            &journal::folder(&request.state),
            header(request, scene),
            scrub,
        )
    };
    match &request.opening {
        Opening::New => Ok(create()?),
        Opening::InsteadOf(old) => {
            let journal = create()?;
            let run = journal.run().to_owned();
            let (at, why) = (Clock::Live.now(), Why::Replaced { run });
            old.write(&Record::Closed(Closed { at, why }))?;
            Ok(journal)
        }
        Opening::Again(earlier) => {
            earlier.belongs(&scene.target)?;
            let source = request.script.source();
            earlier.journal.write(&Record::Resume(Resume {
                at: scene.clock.now(),
                started: Clock::Live.now(),
                operator: request.operator.clone(),
                process: std::process::id(),
                program: env!("CARGO_PKG_VERSION").to_owned(),
                source: source.file.clone(),
                hash: source.hash.clone(),
                libraries: request.script.hashes(),
            }))?;
            Ok(earlier.journal.clone())
        }
    }
}

/// Tells everybody what is run, and what became of it before.
pub(super) fn announce(request: &Request, world: &World, journal: &Journal) {
    world.emit(What::Started(started(request, world, journal.run())));
    if let Some(Earlier { story, abort, .. }) = request.opening.earlier() {
        world.remember(story.changes());
        world.emit(What::Resumed(Resumed {
            operator: story.operator().to_owned(),
            last: story.last,
            away_seconds: event::seconds(world.clock().since(story.last)),
            effects: story.steps.len().try_into().unwrap_or(u64::MAX),
            aborting: *abort,
        }));
    }
}

/// Asks what has to be asked before an earlier run goes on.
///
/// # Errors
/// When the answer is no, or nobody can be asked.
pub(super) async fn consent(request: &Request, world: &World) -> Result<()> {
    let Some(earlier) = request.opening.earlier() else {
        return unrehearsed(request, world).await;
    };
    let run = &earlier.story.header.run;
    let mut questions = Vec::new();
    let age = earlier.age(world.target().mode);
    if age > earlier.age_limit {
        let text = format!("{run} stopped {} ago. Go on with it?", Took(age));
        questions.push(("old", text));
    }
    if earlier.abort && earlier.story.aborting.is_none() {
        let text = format!("Give {run} up for good, and undo what its script knows to undo?");
        questions.push(("abort", text));
    }
    for (key, text) in questions {
        let question = Question {
            key: key.to_owned(),
            text: text.clone(),
            form: Form::Confirm,
        };
        if world.ask(question).await? != "yes" {
            let fact = format!("you said no to: {text}");
            return Err(Error::new(Kind::Declined, fact));
        }
    }
    Ok(())
}

/// Asks whether to run on a production target what nobody has practised.
async fn unrehearsed(request: &Request, world: &World) -> Result<()> {
    let target = world.target();
    let production = target.mode == Mode::Live && target.type_name;
    if !production || !locks(&request.script) || receipt(request).is_some() {
        return Ok(());
    }
    let name = request.script.name();
    let question = Question {
        key: "unrehearsed".to_owned(),
        text: format!(
            "{name} was {NEVER}. Run it on {} all the same?",
            target.name
        ),
        form: Form::Confirm,
    };
    if world.ask(question).await? != "yes" {
        let fact = format!("you said no to running {name} unrehearsed");
        let hint = format!("practise it: `runbook rehearse {name}`, or add --dry-run");
        return Err(Error::new(Kind::Declined, fact).hint(hint));
    }
    Ok(())
}

/// Records the end of the session.
pub(super) fn close(
    request: &Request,
    world: &World,
    journal: &Journal,
    finished: &Finished,
) -> Result<()> {
    journal.finish(Finish {
        at: world.clock().now(),
        exit: finished.exit,
        error: finished.error.clone(),
        took_seconds: finished.took_seconds,
        changes: finished.changed.len().try_into().unwrap_or(u64::MAX),
        open: finished.resume.is_some(),
    })?;
    let aborted = request
        .opening
        .earlier()
        .is_some_and(|earlier| earlier.abort);
    if aborted && finished.exit == 0 {
        let (at, why) = (Clock::Live.now(), Why::Aborted);
        journal.write(&Record::Closed(Closed { at, why }))?;
    }
    Ok(())
}

fn started(request: &Request, world: &World, run: &str) -> Started {
    let source = request.script.source();
    let (seed, _, faults) = rehearsed(&request.place);
    let target = world.target();
    // A dry run that goes on has its seed from nobody.
    let seed = seed.filter(|_| target.mode != Mode::DryRun);
    Started {
        version: event::VERSION,
        run: run.to_owned(),
        runbook: request.script.name().to_owned(),
        summary: request.script.doc.summary.clone(),
        source: source.file.clone(),
        hash: source.hash.clone(),
        target: target.name.clone(),
        cluster: target.cluster.to_string(),
        mode: target.mode,
        timezone: target.timezone.clone(),
        params: given(request),
        bare: holds_sessions(&request.script) || prints(&request.script),
        practised: (target.mode == Mode::Live).then(|| practised(request)),
        seed,
        faults,
    }
}

/// When and how this version of the runbook was practised, in words.
fn practised(request: &Request) -> String {
    let receipt = receipt(request);
    receipt.map_or_else(
        || NEVER.to_owned(),
        |receipt| receipt.sentence(Clock::Live.now()),
    )
}

fn receipt(request: &Request) -> Option<Receipt> {
    let (folder, source) = (journal::folder(&request.state), request.script.source());
    Receipt::of(
        &folder,
        request.script.name(),
        &source.hash,
        &request.script.hashes(),
    )
}

fn header(request: &Request, scene: &Scene) -> Header {
    let source = request.script.source();
    let (seed, scenario, faults) = rehearsed(&request.place);
    Header {
        format: FORMAT,
        run: String::new(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        runbook: request.script.name().to_owned(),
        source: source.file.clone(),
        hash: source.hash.clone(),
        libraries: request.script.hashes(),
        params: request.values.clone(),
        target: scene.target.name.clone(),
        cluster: scene.target.cluster.to_string(),
        mode: scene.target.mode,
        timezone: scene.target.timezone.clone(),
        operator: request.operator.clone(),
        process: std::process::id(),
        started: Clock::Live.now(),
        seed,
        scenario,
        faults,
    }
}

/// The parameters that have a value; durations as people write them.
pub(super) fn given(request: &Request) -> BTreeMap<String, Value> {
    let mut given = BTreeMap::new();
    for param in &request.script.params {
        let value = request.values.get(&param.name).unwrap_or(&Value::Null);
        if value.is_null() || value.as_str() == Some("") {
            continue;
        }
        let shown = match param.kind {
            params::Kind::Duration => param.spell(value).into(),
            _ => value.clone(),
        };
        given.insert(param.name.clone(), shown);
    }
    given
}

/// Seed, scenario and faults of a rehearsal.
fn rehearsed(place: &Place) -> (Option<u64>, Option<String>, Vec<String>) {
    match place {
        Place::Fresh(setup) => (
            Some(setup.seed),
            Some(setup.scenario.clone()),
            setup.faults.iter().map(ToString::to_string).collect(),
        ),
        Place::Copy(copy) => (
            Some(copy.1.seed),
            Some(format!("a copy of {}", copy.0.target.name)),
            copy.1.faults.iter().map(ToString::to_string).collect(),
        ),
        Place::Live(_) | Place::Kept(_) | Place::DryRun(_) => (None, None, Vec::new()),
    }
}
