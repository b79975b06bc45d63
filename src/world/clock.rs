//! The one clock. In practice it is tokio's paused one plus an offset; live it is the system's.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time and waits.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's wall clock.
    Live,
    /// Virtual: `epoch` was the time when tokio's clock stood at `origin`.
    Virtual {
        /// The virtual time at `origin`.
        epoch: Timestamp,
        /// Tokio's clock then.
        origin: Instant,
    },
}

impl Clock {
    /// A virtual clock that shows `epoch` now. Call it inside a runtime's context.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self::Virtual {
            epoch,
            origin: Instant::now(),
        }
    }

    /// The present moment. Virtual clocks must be read inside their runtime's context.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock everybody else asks"
    )]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Live => Timestamp::now(),
            Self::Virtual { epoch, origin } => *epoch + origin.elapsed(),
        }
    }

    /// How long ago `then` was; zero when it lies ahead.
    pub fn since(&self, then: Timestamp) -> Duration {
        Duration::try_from(self.now().duration_since(then)).unwrap_or_default()
    }

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
