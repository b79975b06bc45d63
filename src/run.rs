//! One run, from its first event to its exit status: which world, which journal, how it ended.
//!
//! The thread that calls [`run`] becomes the script's: it needs a large stack ([`STACK`]). Never
//! prints, never reads the environment; events go out, answers come in.

mod kept;
pub mod lock;
mod notify;
mod scene;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::api;
use crate::engine;
use crate::error::{Error, Kind, Result};
use crate::event::{self, Event, Events, Finished, Level, Started, What};
use crate::journal::{self, FORMAT, Finish, Header, Journal, Scrub};
use crate::runbook::params;
use crate::runbook::script::Script;
use crate::world::live;
use crate::world::{Clock, Operator, Parts, Stop, World};

pub use kept::forget;
pub use scene::{LivePlace, Place};

use scene::Scene;

/// The stack a script needs.
pub const STACK: usize = 16 << 20;

/// What to run.
#[derive(Debug, Clone)]
pub struct Request {
    /// The runbook; it passed `check`.
    pub script: Script,
    /// Every parameter's value.
    pub values: BTreeMap<String, Value>,
    /// Where.
    pub place: Place,
    /// The folder that holds journals and the practice world.
    pub state: PathBuf,
    /// Who runs it, for the journal.
    pub operator: String,
}

/// Who listens, answers and stops.
#[derive(Clone)]
pub struct Company {
    /// Where events go.
    pub events: Events,
    /// Who answers questions.
    pub operator: Arc<dyn Operator>,
    /// Ctrl-C.
    pub stop: Stop,
    /// Told every credential as it is obtained, to keep it off the screen.
    pub on_secret: live::OnSecret,
}

/// Runs it.
///
/// A failure of the run itself is in the answer; its events and its journal have been written.
///
/// # Errors
/// When it could not even begin: no journal, no world.
pub fn run(request: &Request, company: &Company) -> Result<Finished> {
    let runtime = Rc::new(runtime(&request.place)?);
    let entered = runtime.enter();
    let outcome = run_in(&runtime, request, company);
    drop(entered);
    // A prompt nobody will answer any more must not hold up the end.
    if let Ok(runtime) = Rc::try_unwrap(runtime) {
        runtime.shutdown_background();
    }
    outcome
}

fn runtime(place: &Place) -> Result<Runtime> {
    let mut builder = match place {
        // One worker, so that tokens and watches go on while the script computes.
        Place::Live(_) => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(1);
            builder
        }
        Place::Kept(_) | Place::Fresh(_) => {
            let mut builder = Builder::new_current_thread();
            builder.start_paused(true);
            builder
        }
    };
    builder
        .enable_all()
        .build()
        .map_err(|e| Error::new(Kind::Io, format!("cannot start: {e}")))
}

fn run_in(runtime: &Rc<Runtime>, request: &Request, company: &Company) -> Result<Finished> {
    let scene = Scene::open(request, company)?;
    let journal = Journal::create(
        &journal::folder(&request.state),
        header(request, &scene),
        Scrub::new(b"key"),
    )?;
    let next = NextLines::default();
    let mut events = next.listening(company.events.clone());
    let mut webhook = None;
    if let Place::Live(live) = &request.place
        && let Some(url) = &live.webhook
    {
        let caller = notify::Caller::new(url.clone(), &live.target, runtime.handle().clone());
        events = caller.listening(events);
        webhook = Some(caller);
    }
    let world = World::new(Parts {
        target: scene.target.clone(),
        clock: scene.clock.clone(),
        doors: Arc::clone(&scene.doors),
        operator: Arc::clone(&company.operator),
        events,
        notes: Arc::new(journal.clone()),
        stop: company.stop.clone(),
    });
    world.emit(What::Started(started(request, &scene, journal.run())));
    let began = world.clock().now();
    let outcome = request.script.program(&request.values).and_then(|program| {
        let runtime = Rc::clone(runtime);
        engine::run(
            program,
            api::functions(),
            runtime,
            world.clone(),
            journal.clone(),
        )
    });
    if let Some(caller) = webhook {
        runtime.block_on(caller.done());
    }
    let error = outcome.err();
    let finished = Finished {
        run: journal.run().to_owned(),
        not_done: Vec::new(),
        resume: None,
        runbook: request.script.name().to_owned(),
        target: scene.target.name.clone(),
        mode: scene.target.mode,
        exit: error.as_ref().map_or(0, |error| error.kind.exit_code()),
        took_seconds: event::seconds(world.clock().since(began)),
        changed: world.changes(),
        next: next.lines(),
        error,
    };
    world.emit(What::Finished(finished.clone()));
    journal.finish(Finish {
        at: world.clock().now(),
        exit: finished.exit,
        error: finished.error.clone(),
        took_seconds: finished.took_seconds,
        changes: finished.changed.len().try_into().unwrap_or(u64::MAX),
    })?;
    scene.keep(request)?;
    Ok(finished)
}

fn started(request: &Request, scene: &Scene, run: &str) -> Started {
    let source = request.script.source();
    let (seed, _, faults) = rehearsed(&request.place);
    Started {
        version: event::VERSION,
        run: run.to_owned(),
        timezone: None,
        runbook: request.script.name().to_owned(),
        summary: request.script.doc.summary.clone(),
        source: source.file.clone(),
        hash: source.hash.clone(),
        target: scene.target.name.clone(),
        cluster: scene.target.cluster.to_string(),
        mode: scene.target.mode,
        params: given(request),
        seed,
        faults,
    }
}

fn header(request: &Request, scene: &Scene) -> Header {
    let source = request.script.source();
    let (seed, scenario, faults) = rehearsed(&request.place);
    let libraries = request
        .script
        .libraries
        .iter()
        .filter_map(|(path, library)| {
            let library = library.as_ref().ok()?;
            Some((path.clone(), library.source.hash.clone()))
        });
    Header {
        format: FORMAT,
        run: String::new(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        runbook: request.script.name().to_owned(),
        source: source.file.clone(),
        hash: source.hash.clone(),
        libraries: libraries.collect(),
        params: request.values.clone(),
        target: scene.target.name.clone(),
        cluster: scene.target.cluster.to_string(),
        mode: scene.target.mode,
        timezone: None,
        operator: request.operator.clone(),
        process: std::process::id(),
        started: Clock::Live.now(),
        seed,
        scenario,
        faults,
    }
}

/// The parameters that have a value; durations as people write them.
fn given(request: &Request) -> BTreeMap<String, Value> {
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
        Place::Live(_) | Place::Kept(_) => (None, None, Vec::new()),
    }
}

/// The lines a script leaves for afterwards.
#[derive(Clone, Default)]
struct NextLines(Arc<Mutex<Vec<String>>>);

impl NextLines {
    fn listening(&self, events: Events) -> Events {
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

    fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
