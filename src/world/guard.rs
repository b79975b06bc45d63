//! Who says, before every write, whether this run may still change things.

use futures::future::BoxFuture;

use super::World;
use crate::error;

/// Asked before every write.
pub trait Guard: Send + Sync {
    /// Returns when the write may be sent; it may wait for as long as that cannot be known.
    ///
    /// Fails with kind `refused` when somebody else holds the cluster now.
    fn before_write<'a>(&'a self, world: &'a World) -> BoxFuture<'a, error::Result<()>>;
}

/// Lets everything through.
#[derive(Debug, Clone, Copy)]
pub struct NoGuard;

impl Guard for NoGuard {
    fn before_write<'a>(&'a self, _: &'a World) -> BoxFuture<'a, error::Result<()>> {
        Box::pin(async { Ok(()) })
    }
}
