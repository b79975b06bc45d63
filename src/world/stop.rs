//! Ctrl-C: a flag that every wait listens to, and a shield that a write holds against it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::error::{self, Kind};

/// Tells everybody that the operator wants the run to stop.
#[derive(Debug, Clone)]
pub struct Stop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stopped: watch::Sender<bool>,
    shields: AtomicUsize,
    lowered: tokio::sync::Notify,
}

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(Inner {
            stopped: watch::Sender::new(false),
            shields: AtomicUsize::new(0),
            lowered: tokio::sync::Notify::new(),
        }))
    }
}

impl Stop {
    /// Asks the run to stop. Callable from any thread.
    pub fn stop(&self) {
        self.0.stopped.send_replace(true);
    }

    /// Whether it was asked to.
    pub fn is_stopped(&self) -> bool {
        *self.0.stopped.borrow()
    }

    /// Ends when the run was asked to stop and no write holds a shield.
    pub async fn stopped(&self) {
        let mut stopped = self.0.stopped.subscribe();
        if stopped.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
        while self.0.shields.load(Ordering::SeqCst) > 0 {
            self.0.lowered.notified().await;
        }
    }

    /// What `work` gives, unless the run is stopped first.
    ///
    /// # Errors
    /// Its own, or one of kind `interrupted`.
    pub async fn cut<T>(&self, work: impl Future<Output = error::Result<T>>) -> error::Result<T> {
        tokio::select! {
            biased;
            () = self.stopped() => Err(interrupted()),
            outcome = work => outcome,
        }
    }

    /// Runs a request and the note of its name to their end, whatever [`Stop::stop`] says:
    /// a request cut off half-way may have been accepted with nobody knowing its name.
    pub async fn shielded<T>(&self, request: impl Future<Output = T>) -> T {
        let _raised = Raised::new(self);
        request.await
    }
}

/// What a stop feels like from inside.
pub(crate) fn interrupted() -> error::Error {
    error::Error::new(Kind::Interrupted, "stopped by the operator")
}

/// A raised shield; lowered when dropped.
struct Raised<'a>(&'a Stop);

impl<'a> Raised<'a> {
    fn new(stop: &'a Stop) -> Self {
        stop.0.shields.fetch_add(1, Ordering::SeqCst);
        Self(stop)
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.0.shields.fetch_sub(1, Ordering::SeqCst);
        self.0.0.lowered.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_shielded_request_is_finished_first() {
        let stop = Stop::default();
        let began = tokio::time::Instant::now();
        stop.stop();
        let request = stop.shielded(tokio::time::sleep(Duration::from_secs(3)));
        tokio::join!(request, async {
            tokio::task::yield_now().await;
            stop.stopped().await;
            assert_eq!(began.elapsed().as_secs(), 3);
        });
    }

    #[tokio::test(start_paused = true)]
    async fn an_unshielded_wait_ends_at_once() {
        let stop = Stop::default();
        stop.stop();
        stop.stopped().await;
    }
}
