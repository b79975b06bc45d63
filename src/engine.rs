//! Rhai: builds the interpreter, runs a script in it, stops it, says where a script went wrong.
//!
//! Everything a script can call comes in as a table of [`Function`]s. This room journals, replays
//! what is on record, checks arguments and holds Ctrl-C; it never knows what a node pool or a pod is.

mod bridge;
mod build;
mod doubt;
mod function;
mod host;
mod past;
mod program;
mod raised;
mod recheck;
pub mod table;

use std::rc::Rc;

use rhai::{Dynamic, Engine};
use tokio::runtime::Runtime;

use crate::error::{self, Kind};
use crate::journal::{Journal, Usuals};
use crate::names::Need;
use crate::world::{Guard, World};

pub use build::table;
pub use function::{Answer, Args, Function, handle};
pub use past::Past;
pub use program::{File, Program};
pub use raised::catchable;

use host::Host;

/// One session of a run.
pub struct Session {
    /// Where it is recorded.
    pub journal: Journal,
    /// What earlier sessions recorded; none in the first.
    pub past: Option<Past>,
    /// Whether the run is to be given up for good: nothing but undoing is done.
    pub abort: bool,
    /// Asked before every write.
    pub guard: Rc<dyn Guard>,
    /// How long things take here.
    pub usuals: Usuals,
    /// What each function needs to be allowed to do.
    pub needs: fn(&str) -> &'static [Need],
}

/// Runs a program to its end, or replays it and undoes what it did.
///
/// Call it inside the runtime's context, on a thread with a large stack.
///
/// # Errors
/// What stopped it, with the places in the script.
pub fn run(
    program: Program,
    functions: &'static [&'static [Function]],
    runtime: Rc<Runtime>,
    world: World,
    session: Session,
) -> error::Result<()> {
    let program = Rc::new(program);
    let abort = session.abort;
    let host = Rc::new(Host::new(runtime, world, session, Rc::clone(&program)));
    let engine = build::engine(functions, &host);
    let ended = engine.run_ast(&program.main.ast);
    let ended = ended.map_err(|failure| raised::explain(&failure, &program, host.halted()));
    match ended {
        // However a script that is only replayed ended, unless it could not be replayed.
        Err(error)
            if abort
                && host
                    .halted()
                    .is_none_or(|why| why.kind == Kind::Interrupted) =>
        {
            tracing::debug!(%error, "replayed");
            undo(&engine, &host, &program)
        }
        Ok(()) if abort => undo(&engine, &host, &program),
        ended => ended
            .map_err(|error| host.as_before(error))
            .and_then(|()| host.all_replayed()),
    }
}

/// Calls what the script wants undone, the last thing said first.
fn undo(engine: &Engine, host: &Host, program: &Program) -> error::Result<()> {
    for step in host.begin_undo()? {
        let called = step.call::<Dynamic>(engine, &program.main.ast, ());
        called
            .map_err(|failure| raised::explain(&failure, program, host.halted()))
            .map(drop)?;
    }
    host.all_replayed()
}

#[cfg(test)]
mod tests;
