//! How long to wait before a game server that has ended is started again.

use std::time::Duration;

/// The first pause, and the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// A game server that ran so long was a good one: what follows is not its repetition.
const GOOD_RUN: Duration = Duration::from_secs(60);

/// Twice as long each time.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    /// Runs that ended early, one after the other.
    early: u32,
}

impl Pauses {
    /// The pause after a run that long.
    pub(super) fn next(&mut self, ran: Duration) -> Duration {
        if ran >= GOOD_RUN {
            self.early = 0;
        }
        let pause = FIRST.saturating_mul(1 << self.early.min(16)).min(LONGEST);
        self.early = self.early.saturating_add(1);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit_and_a_good_run_begins_anew() {
        let mut pauses = Pauses::default();
        let mut next = |ran| pauses.next(Duration::from_secs(ran)).as_secs();
        let all: Vec<_> = (0..7).map(|_| next(0)).collect();
        assert_eq!(all, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!((next(59), next(60), next(0)), (30, 1, 2));
    }
}
