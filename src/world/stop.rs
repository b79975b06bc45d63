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
        self.asked().await;
        while self.0.shields.load(Ordering::SeqCst) > 0 {
            self.0.lowered.notified().await;
        }
    }

    /// Ends when the run was asked to stop, whoever holds a shield.
    async fn asked(&self) {
        let mut stopped = self.0.stopped.subscribe();
        if stopped.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What `work` gives, unless the run is stopped first; then, however that ended, `tidy`: for what
    /// must not be left behind by somebody who loses patience.
    ///
    /// # Errors
    /// Its own, or one of kind `interrupted`.
    pub async fn tidied<T>(
        &self,
        work: impl Future<Output = error::Result<T>>,
        tidy: impl Future<Output = ()>,
    ) -> error::Result<T> {
        self.shielded(async {
            let outcome = tokio::select! {
                biased;
                outcome = work => outcome,
                () = self.asked() => Err(interrupted()),
            };
            tidy.await;
            outcome
        })
        .await
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
    async fn what_is_tidied_is_left_by_a_stop_and_then_tidied() {
        let stop = Stop::default();
        let began = tokio::time::Instant::now();
        let work = stop.tidied(
            async {
                tokio::time::sleep(Duration::from_mins(10)).await;
                Ok(())
            },
            async { tokio::time::sleep(Duration::from_secs(5)).await },
        );
        let (outcome, ()) = tokio::join!(work, async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stop.stop();
            stop.stopped().await;
            assert_eq!(began.elapsed().as_secs(), 6);
        });
        assert_eq!(outcome.unwrap_err().kind, Kind::Interrupted);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unshielded_wait_ends_at_once() {
        let stop = Stop::default();
        stop.stop();
        stop.stopped().await;
    }
}
