//! One run, from its first event to its exit status: which world, which journal, how it ended.
//!
//! A run may take several sessions: each but the first goes on where the one before stopped. The
//! thread that calls [`run`] becomes the script's: it needs a large stack ([`STACK`]). Never
//! prints, never reads the environment; events go out, answers come in.

mod account;
mod assumed;
mod examine;
mod kept;
mod lock;
mod looking;
mod notify;
mod opening;
mod plan;
mod quick;
mod remind;
mod scene;
mod serving;
mod standing;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::api;
use crate::engine::{self, Function, Past, Session};
use crate::error::{Error, Kind, Result};
use crate::event::{Events, Finished, Plan, What};
use crate::journal::{self, Journal, Scrub, Story, Usuals};
use crate::names::{Class, Mode};
use crate::runbook::check::calls;
use crate::runbook::script::Script;
use crate::world::live;
use crate::world::{Guard, NoGuard, Operator, Parts, Snapshot, Stop, World};

pub use examine::examine;
pub use kept::forget;
pub use looking::{looked, needs};
pub use opening::{Earlier, Opening, can_go_on};
pub use plan::read as read_plan;
pub use scene::{LivePlace, Place};
pub use serving::serve;
pub use standing::{Held, Standing, standing};

use account::{Account, NextLines};
use assumed::Assuming;
use lock::{Lock, LockOptions};
use scene::Scene;

/// The stack a script needs.
pub const STACK: usize = 16 << 20;

/// What to run.
#[derive(Debug)]
pub struct Request {
    /// The runbook; it passed `check`.
    pub script: Script,
    /// Every parameter's value.
    pub values: BTreeMap<String, Value>,
    /// Where.
    pub place: Place,
    /// The folder that holds journals and the practice world.
    pub state: PathBuf,
    /// Who runs it: `ann@laptop`.
    pub operator: String,
    /// Whether it is a new run.
    pub opening: Opening,
    /// How other operators are kept out.
    pub locking: Locking,
    /// What is done with a plan.
    pub planning: Planning,
}

/// What is done with a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Planning {
    /// Where a dry run's is written.
    pub save: Option<PathBuf>,
    /// The one a run is held to.
    pub hold: Option<Plan>,
}

/// How other operators are kept out while a run may change the cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Locking {
    /// Whether to wait until another run has ended.
    pub wait: bool,
    /// Whether to go on without.
    pub off: bool,
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
/// When it could not even begin, or its end could not be recorded: no journal, no world.
pub fn run(request: &Request, company: &Company) -> Result<Finished> {
    let scrub = request.opening.scrub(&request.state)?;
    let company = &scrubbed(company, &scrub, &request.place);
    // Before there is any other world: afterwards the target is out of reach.
    let seen = match &request.place {
        Place::DryRun(live) => Some(looking::for_request(live, request, company)?),
        // What the plan was made on may have changed meanwhile.
        Place::Live(live) if request.planning.hold.is_some() => {
            Some(looking::for_request(live, request, company)?)
        }
        _ => None,
    };
    let runtime = Rc::new(runtime(&request.place)?);
    let entered = runtime.enter();
    let outcome = run_in(&runtime, request, company, (scrub, seen.as_ref()));
    drop(entered);
    // A prompt nobody will answer any more must not hold up the end.
    if let Ok(runtime) = Rc::try_unwrap(runtime) {
        runtime.shutdown_background();
    }
    outcome
}

fn runtime(place: &Place) -> Result<Runtime> {
    let mut builder = if matches!(place, Place::Live(_)) {
        // One worker, so that leases, tokens and watches go on while the script computes.
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1);
        builder
    } else {
        let mut builder = Builder::new_current_thread();
        builder.start_paused(true);
        builder
    };
    builder
        .enable_all()
        .build()
        .map_err(|e| Error::new(Kind::Io, format!("cannot start: {e}")))
}

fn run_in(
    runtime: &Rc<Runtime>,
    request: &Request,
    company: &Company,
    (scrub, seen): (Scrub, Option<&Snapshot>),
) -> Result<Finished> {
    let earlier = request.opening.earlier();
    let scene = Scene::open(&request.place, &request.state, earlier, company, seen)?;
    let journal = opening::open(request, &scene, scrub)?;
    scene.keep(request, &journal)?;
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
    let assuming = Arc::new(Assuming::new(Arc::clone(&company.operator)));
    let operator: Arc<dyn Operator> = match scene.target.mode {
        Mode::DryRun => Arc::<Assuming>::clone(&assuming),
        _ => Arc::clone(&company.operator),
    };
    let world = World::new(Parts {
        target: scene.target.clone(),
        clock: scene.clock.clone(),
        doors: Arc::clone(&scene.doors),
        operator,
        who: request.operator.clone(),
        events,
        notes: Arc::new(journal.clone()),
        stop: company.stop.clone(),
    });
    let began = world.clock().now();
    opening::announce(request, &world, &journal);
    plan::compare(request, &world, seen);
    let waking = runtime.spawn(world.clone().keep_waking());
    let outcome = script(runtime, request, &world, &journal);
    waking.abort();
    if let Some(caller) = webhook {
        runtime.block_on(caller.done());
    }
    let account = Account {
        request,
        world: &world,
        run: journal.run(),
        next: next.lines(),
        took: world.clock().since(began),
    };
    let dry = scene
        .practice
        .as_ref()
        .filter(|_| scene.target.mode == Mode::DryRun);
    let error = outcome.err().or_else(|| assumed::needed(&assuming.flags()));
    let mut finished = account.of(error);
    if let Some(copy) = dry {
        let made = plan::Made {
            request,
            world: &world,
            copy,
            story: &Story::read(journal.path())?,
            answers: assuming.flags(),
        };
        made.add_to(&mut finished)?;
    }
    world.emit(What::Finished(finished.clone()));
    opening::close(request, &world, &journal, &finished)?;
    Ok(finished)
}

/// Runs the script, or what is left of it, while nobody else can change the cluster.
fn script(
    runtime: &Rc<Runtime>,
    request: &Request,
    world: &World,
    journal: &Journal,
) -> Result<()> {
    plan::fits(request, world)?;
    let lock = runtime.block_on(async {
        world.stop().cut(opening::consent(request, world)).await?;
        quick::check(request, world).await?;
        remind::remind(world).await;
        lock(request, world, journal.run()).await
    })?;
    let guard: Rc<dyn Guard> = match &lock {
        Some(lock) => Rc::<Lock>::clone(lock),
        None => Rc::new(NoGuard),
    };
    let earlier = request.opening.earlier();
    let guard = plan::held(request, journal, guard)?;
    let session = Session {
        journal: journal.clone(),
        past: earlier.map(|earlier| Past::of(&earlier.story)),
        abort: earlier.is_some_and(|earlier| earlier.abort),
        guard,
        usuals: usuals(request, world),
        needs: api::needs,
    };
    let outcome = request.script.program(&request.values).and_then(|program| {
        let runtime = Rc::clone(runtime);
        engine::run(program, api::functions(), runtime, world.clone(), session)
    });
    if let Some(lock) = lock {
        runtime.block_on(lock.release(world));
    }
    outcome
}

/// Whether a script calls any such function.
fn calls_a(script: &Script, is: impl Fn(&Function) -> bool) -> bool {
    let calls = calls(script, &api::table());
    let mut all = api::functions().iter().copied().flatten();
    all.any(|function| is(function) && calls.iter().any(|c| c.name == function.signature.name))
}

/// Whether it holds sessions, which are never begun again.
fn holds_sessions(script: &Script) -> bool {
    calls_a(script, |function| {
        function.signature.class == Class::Session
    })
}

/// Whether it may put something on standard output for others to read.
fn prints(script: &Script) -> bool {
    calls_a(script, |function| function.signature.name == "output")
}

/// How long things take on a real target; practice teaches nothing about that.
fn usuals(request: &Request, world: &World) -> Usuals {
    let target = world.target();
    match target.mode {
        Mode::Live | Mode::DryRun => {
            let folder = journal::folder(&request.state);
            Usuals::learn(&folder, request.script.name(), &target.name)
        }
        Mode::Practice | Mode::Rehearsal => Usuals::default(),
    }
}

/// Whether it may change the cluster, and so has to hold it.
fn locks(script: &Script) -> bool {
    calls_a(script, |f| f.signature.class.writes() && !f.lockless)
}

/// The lock of the cluster, for a runbook that may change it.
async fn lock(request: &Request, world: &World, run: &str) -> Result<Option<Rc<Lock>>> {
    if !locks(&request.script) || request.locking.off {
        return Ok(None);
    }
    let options = LockOptions {
        wait: request.locking.wait,
        holder: request.operator.clone(),
        run: run.to_owned(),
        runbook: request.script.name().to_owned(),
    };
    Ok(Some(Rc::new(Lock::take(world, options).await?)))
}

/// The same company, whose secrets are kept out of the journal too.
fn scrubbed(company: &Company, scrub: &Scrub, place: &Place) -> Company {
    if let Place::Live(live) | Place::DryRun(live) = place {
        let known = [
            live.environment.access_token.as_ref(),
            live.webhook.as_ref(),
        ];
        for secret in known.into_iter().flatten() {
            scrub.add(secret.expose());
        }
    }
    let (tell, scrub) = (Arc::clone(&company.on_secret), scrub.clone());
    Company {
        on_secret: Arc::new(move |secret| {
            scrub.add(secret);
            tell(secret);
        }),
        ..company.clone()
    }
}
