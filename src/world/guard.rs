//! Who may change the cluster now: asked before every write.

use futures::future::LocalBoxFuture;
use serde_json::Value;

use super::World;
use crate::error::Result;

/// Keeps two runs from changing one cluster at once.
pub trait Guard {
    /// Makes sure that this run may change something now; waits as long as that cannot be known.
    ///
    /// # Errors
    /// `refused` when it may not; nothing may be changed any more then.
    fn before_write<'a>(&'a self, world: &'a World) -> LocalBoxFuture<'a, Result<()>>;

    /// Hears which function is about to change something, and with what.
    ///
    /// # Errors
    /// `refused` when it is not to be called.
    fn next_write(&self, _call: &str, _args: &[Value]) -> Result<()> {
        Ok(())
    }
}

/// Lets everything pass: for runbooks that only read, and for `--no-lock`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoGuard;

impl Guard for NoGuard {
    fn before_write<'a>(&'a self, _: &'a World) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}
