//! The one clock. In practice it is tokio's paused one plus an offset; live it is the system's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
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
        /// Milliseconds that have passed while tokio's clock stood still: the machine slept.
        asleep: Arc<AtomicI64>,
    },
}

impl Clock {
    /// A virtual clock that shows `epoch` now. Call it inside a runtime's context.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self::Virtual {
            epoch,
            origin: Instant::now(),
            asleep: Arc::default(),
        }
    }

    /// The machine sleeps: a virtual clock is so much later at once. The system's clock cannot be
    /// moved.
    pub fn jump(&self, ahead: Duration) {
        if let Self::Virtual { asleep, .. } = self {
            let ahead = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
            asleep.fetch_add(ahead, Ordering::SeqCst);
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
            Self::Virtual {
                epoch,
                origin,
                asleep,
            } => {
                let asleep = SignedDuration::from_millis(asleep.load(Ordering::SeqCst));
                *epoch + origin.elapsed() + asleep
            }
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

/// `2026-11-12 09:15 -07:00`; in UTC when there is no time zone, or none this program knows.
pub fn moment(at: Timestamp, timezone: Option<&str>) -> String {
    let zone = timezone.and_then(|name| TimeZone::get(name).ok());
    match zone {
        Some(zone) => at.to_zoned(zone).strftime("%Y-%m-%d %H:%M %:z").to_string(),
        None => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    }
}
