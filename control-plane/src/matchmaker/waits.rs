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

impl Waits {
    pub(super) fn add(&mut self, now: Time, wait: Duration) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((now, wait));
    }

    /// The middle one; `None` without recent matches, rather than invented.
    pub(super) fn middle(&self, now: Time) -> Option<Duration> {
        let mut waits: Vec<_> =
            self.0.iter().filter(|(at, _)| now.since(*at) < RECENT).map(|(_, wait)| *wait).collect();
        let middle = waits.len() / 2;
        (!waits.is_empty()).then(|| *waits.select_nth_unstable(middle).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_recent_waits() {
        let mut waits = Waits::default();
        assert_eq!(waits.middle(Time(0)), None);
        for seconds in [9, 1, 5] {
            waits.add(Time(1_000), Duration::from_secs(seconds));
        }
        assert_eq!(waits.middle(Time(2_000)), Some(Duration::from_secs(5)));
        assert_eq!(waits.middle(Time(1_000) + RECENT), None);
    }
}
