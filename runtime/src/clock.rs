//! What time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Two answers to "what time is it": one that never jumps, for ages and deadlines, and the wall's, for what other machines read.
///
/// [`Clock::now_ms`] was the wall clock when the program started and has run on steadily since, so that setting the
/// machine's clock neither ages a ticket by an hour nor makes it young again. It follows tokio's time: a test that pauses the
/// runtime's clock pauses it too. [`Clock::wall_ms`] is read anew each time; tokens use it, because their `exp` is
/// compared with other machines' clocks.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started_at: Instant,
    started_at_ms: u64,
}

impl Clock {
    /// A clock that starts with the wall clock's time now.
    pub fn start() -> Self {
        Self { started_at: Instant::now(), started_at_ms: wall_ms() }
    }

    /// Steady milliseconds since 1970-01-01T00:00:00Z.
    pub fn now_ms(&self) -> u64 {
        let passed = u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.started_at_ms.saturating_add(passed)
    }

    /// The instant at which [`Clock::now_ms`] will say `at_ms`; now where that is past, a year ahead at most.
    pub fn instant_of(&self, at_ms: u64) -> Instant {
        const YEAR: u64 = 366 * 24 * 60 * 60 * 1000;
        let now = self.now_ms();
        Instant::now() + Duration::from_millis(at_ms.saturating_sub(now).min(YEAR))
    }

    /// The wall clock's milliseconds since 1970-01-01T00:00:00Z; may jump.
    pub fn wall_ms(&self) -> u64 {
        wall_ms()
    }

    /// The wall clock.
    pub fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn instants_and_milliseconds_agree() {
        let clock = Clock::start();
        let before = Instant::now();
        let at = clock.instant_of(clock.now_ms() + 60_000);
        assert!(at >= before + Duration::from_secs(59) && at <= Instant::now() + Duration::from_secs(61));
        assert!(clock.instant_of(0) <= Instant::now(), "what is past is due now");
        assert!(clock.now_ms().abs_diff(clock.wall_ms()) < 10_000);
    }
}
