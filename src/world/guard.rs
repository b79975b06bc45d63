//! Who may change the cluster now: asked before every write.

use futures::future::LocalBoxFuture;
use serde_json::Value;

use super::World;
use crate::error::{Error, Kind, Result};
use crate::event::Change;

/// Keeps two runs from changing one cluster at once.
pub trait Guard {
    /// Makes sure that this run may change something now; waits as long as that cannot be known.
    ///
    /// # Errors
    /// `refused` when it may not; nothing may be changed any more then.
    fn before_write<'a>(&'a self, world: &'a World) -> LocalBoxFuture<'a, Result<()>>;

    /// Hears which function is about to change something, and with what; says which changes it may
    /// make, where not every one.
    ///
    /// # Errors
    /// `refused` when it is not to be called.
    fn next_write(&self, _call: &str, _args: &[Value]) -> Result<Option<Vec<Change>>> {
        Ok(None)
    }
}

/// A change that is not what a plan says.
pub(crate) fn unplanned(planned: &str, now: &str) -> Error {
    let fact = format!("this is not what was planned: {planned}, and this is {now}");
    let hint = "nothing of it was sent; look what has changed and make a new plan, or go on without --plan";
    Error::new(Kind::Refused, fact).hint(hint)
}

/// Lets everything pass: for runbooks that only read, and for `--no-lock`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoGuard;

impl Guard for NoGuard {
    fn before_write<'a>(&'a self, _: &'a World) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}
