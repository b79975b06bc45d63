//! Tells watches that the store has come to a new version.
//!
//! Not `tokio::sync::watch`: that one wakes its waiters in a random order, and the order in which
//! watches wake reaches the screen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// The store's version, as it grows; clones are the same.
#[derive(Debug, Clone, Default)]
pub(in crate::sim) struct News(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    version: AtomicU64,
    notify: Notify,
}

impl News {
    /// The version last told.
    pub(super) fn version(&self) -> u64 {
        self.0.version.load(Ordering::SeqCst)
    }

    /// Tells the version; wakes everybody, first come first, when it is a new one.
    pub(in crate::sim) fn tell(&self, version: u64) {
        if self.0.version.swap(version, Ordering::SeqCst) != version {
            self.0.notify.notify_waiters();
        }
    }

    /// Ends when a version beyond `seen` was told.
    pub(super) async fn beyond(&self, seen: u64) {
        loop {
            let told = self.0.notify.notified();
            let mut told = std::pin::pin!(told);
            // From here on nothing is missed.
            told.as_mut().enable();
            if self.version() > seen {
                return;
            }
            told.await;
        }
    }
}
