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
    /// How often every connection was cut.
    cuts: AtomicU64,
    notify: Notify,
}

impl News {
    /// The version last told.
    pub(in crate::sim) fn version(&self) -> u64 {
        self.0.version.load(Ordering::SeqCst)
    }

    /// Tells the version; wakes everybody, first come first, when it is a new one.
    pub(in crate::sim) fn tell(&self, version: u64) {
        if self.0.version.swap(version, Ordering::SeqCst) != version {
            self.0.notify.notify_waiters();
        }
    }

    /// How often every connection was cut.
    pub(in crate::sim) fn cuts(&self) -> u64 {
        self.0.cuts.load(Ordering::SeqCst)
    }

    /// Cuts every connection.
    pub(in crate::sim) fn cut(&self) {
        self.0.cuts.fetch_add(1, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    /// Ends when a version beyond `seen` was told, or connections were cut more often than `cuts`.
    pub(in crate::sim) async fn beyond(&self, seen: u64, cuts: u64) {
        loop {
            let told = self.0.notify.notified();
            let mut told = std::pin::pin!(told);
            // From here on nothing is missed.
            told.as_mut().enable();
            if self.version() > seen || self.cuts() > cuts {
                return;
            }
            told.await;
        }
    }
}
