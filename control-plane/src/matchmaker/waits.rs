//! How long the tickets of recent matches waited.

use std::{collections::VecDeque, time::Duration};

use matching::Time;

/// Waits that are kept.
const KEPT: usize = 101;
/// For how long a wait says anything about the present.
const RECENT: Duration = Duration::from_secs(10 * 60);

/// The waits of a queue's newest matches.
#[derive(Debug, Default)]
pub(super) struct Waits(VecDeque<(Time, Duration)>);

/// How long a ticket waited that was like most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usual {
    pub(super) middle: Duration,
    /// The lower and upper quartile: half of the waits lie between.
    pub(super) range: (Duration, Duration),
}

impl Waits {
    pub(super) fn add(&mut self, now: Time, wait: Duration) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((now, wait));
    }

    /// Of the recent ones; `None` without any, rather than invented. In two digits: nobody waits by the millisecond, and
    /// whoever follows is told of changes.
    pub(super) fn usual(&self, now: Time) -> Option<Usual> {
        let recent = self.0.iter().filter(|(at, _)| now.since(*at) < RECENT);
        let mut waits: Vec<_> = recent.map(|(_, wait)| *wait).collect();
        waits.sort_unstable();
        let last = waits.len().checked_sub(1)?;
        let quarter = |quarters: usize| two_digits(waits[(last * quarters + 2) / 4]);
        Some(Usual { middle: quarter(2), range: (quarter(1), quarter(3)) })
    }
}

/// Rounded to two digits: 1,234 ms to 1,200 ms.
fn two_digits(wait: Duration) -> Duration {
    let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let step = 10_u64.pow(ms.checked_ilog10().unwrap_or(0).saturating_sub(1));
    Duration::from_millis((ms.saturating_add(step / 2) / step).saturating_mul(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_middle_half_of_recent_waits() {
        let mut waits = Waits::default();
        assert_eq!(waits.usual(Time(0)), None);
        waits.add(Time(1_000), seconds(9));
        let one = Usual { middle: seconds(9), range: (seconds(9), seconds(9)) };
        assert_eq!(waits.usual(Time(2_000)), Some(one));
        for wait in [1, 5, 3, 7] {
            waits.add(Time(1_000), seconds(wait));
        }
        let five = Usual { middle: seconds(5), range: (seconds(3), seconds(7)) };
        assert_eq!(waits.usual(Time(2_000)), Some(five));
        assert_eq!(waits.usual(Time(1_000) + RECENT), None);
    }

    #[test]
    fn waits_have_two_digits() {
        for (ms, rounded) in [(0, 0), (7, 7), (99, 99), (104, 100), (996, 1_000), (12_345, 12_000)] {
            assert_eq!(two_digits(Duration::from_millis(ms)), Duration::from_millis(rounded));
        }
        assert_eq!(
            two_digits(Duration::MAX),
            Duration::from_millis(u64::MAX / 10_u64.pow(18) * 10_u64.pow(18))
        );
    }
}
