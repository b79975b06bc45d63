//! Whether the machine slept: the wall clock is ahead of what was watched.
//!
//! While a laptop sleeps `Instant` stands still and the wall clock does not.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Clock;

/// A smaller jump is a clock that was set right.
const SLEEP: Duration = Duration::from_mins(1);

/// How often somebody should look.
pub(super) const LOOK: Duration = Duration::from_secs(5);

/// Compares the two clocks, from one look to the next.
#[derive(Debug)]
pub(super) struct Asleep(Mutex<(Timestamp, Instant)>);

impl Asleep {
    pub(super) fn since_now(clock: &Clock) -> Self {
        Self(Mutex::new((clock.now(), Instant::now())))
    }

    /// How long the machine has slept since the last look, if it has.
    pub(super) fn look(&self, clock: &Clock) -> Option<Duration> {
        let now = (clock.now(), Instant::now());
        let then = {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *last, now)
        };
        // A clock that was set back is no sleep.
        let passed = Duration::try_from(now.0.duration_since(then.0)).ok()?;
        let slept = passed.checked_sub(now.1.duration_since(then.1))?;
        (slept >= SLEEP).then_some(slept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_jump_of_the_wall_clock_is_sleep_and_waiting_is_not() {
        let clock = Clock::starting_at("2026-01-15T13:00:00Z".parse().unwrap());
        let asleep = Asleep::since_now(&clock);
        clock.sleep(Duration::from_hours(3)).await;
        assert_eq!(asleep.look(&clock), None);
        clock.jump(Duration::from_secs(30));
        assert_eq!(asleep.look(&clock), None);
        clock.sleep(Duration::from_secs(4)).await;
        clock.jump(Duration::from_hours(2));
        assert_eq!(asleep.look(&clock), Some(Duration::from_hours(2)));
        assert_eq!(asleep.look(&clock), None);
    }
}
