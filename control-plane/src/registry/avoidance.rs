//! When a server is avoided because it refused lands, or stayed silent.
//!
//! A server that can make no land has all of its places free, and so it would come first, each time. After a failure it is
//! asked after all others for a while, which doubles with each failure in a row. It is asked then all the same where there is
//! no other: a fleet that refuses for a moment doesn't stop.
//!
//! A queue whose match found no server pauses as well, and when it comes back it must meet others than those that failed it. So
//! this begins with twice the queue's first pause; and where a server took its time to fail, with that time on top.

use std::time::Duration;

use matching::Time;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// See the file's header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Avoidance {
    /// Since it made a land.
    failures: u32,
    until: Option<Time>,
}

impl Avoidance {
    /// It didn't make a land, and it took so long until that was known.
    pub(super) fn failed(&mut self, took: Duration, now: Time) {
        let span = FIRST.saturating_mul(1 << self.failures.min(16)).saturating_add(took).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + span);
    }

    /// Another replica says that it avoids the server for this long.
    pub(super) fn at_least(&mut self, until: Option<Time>) {
        self.until = self.until.max(until);
    }

    /// It made a land.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The time is over; one more failure counts with those before.
    pub(super) fn over(&mut self) {
        self.until = None;
    }

    /// Whether it failed since it made a land.
    pub(super) fn is_any(&self) -> bool {
        self.failures > 0 || self.until.is_some()
    }

    pub(super) fn until(&self) -> Option<Time> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_limit_and_a_success_ends_it() {
        let mut avoidance = Avoidance::default();
        let mut spans = Vec::new();
        for _ in 0..9 {
            avoidance.failed(Duration::ZERO, Time(0));
            spans.push(avoidance.until().unwrap().0);
            avoidance.over();
        }
        assert_eq!(spans, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        avoidance.succeeded();
        avoidance.failed(Duration::from_secs(2), Time(0));
        assert_eq!(avoidance.until(), Some(Time(2_500)), "it was silent for two seconds");
    }
}
