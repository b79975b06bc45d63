//! Rhai: builds the interpreter, runs a script in it, stops it, says where a script went wrong.
//!
//! Everything a script can call comes in as a table of [`Function`]s. This room journals, checks
//! arguments and holds Ctrl-C; it never knows what a node pool or a pod is.

mod bridge;
mod build;
mod function;
mod host;
mod program;
mod raised;
pub mod table;

use std::rc::Rc;

use tokio::runtime::Runtime;

use crate::error;
use crate::journal::Journal;
use crate::world::World;

pub use build::table;
pub use function::{Answer, Args, Function, handle};
pub use program::{File, Program};
pub use raised::catchable;

/// Runs a program to its end.
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
    journal: Journal,
) -> error::Result<()> {
    let program = Rc::new(program);
    let host = Rc::new(host::Host::new(
        runtime,
        world,
        journal,
        Rc::clone(&program),
    ));
    let engine = build::engine(functions, &host);
    match engine.run_ast(&program.main.ast) {
        Ok(()) => Ok(()),
        Err(failure) => Err(raised::explain(&failure, &program, host.halted())),
    }
}

#[cfg(test)]
mod tests;
