//! When a queue pauses because its matches find no server.

use std::time::Duration;

use matching::Time;

use crate::allocation::AllocationError;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A service may wish for a longer pause than ours; no longer than this.
const LONGEST_WISH: Duration = Duration::from_secs(60);
/// Matches that are tried at once where the free places didn't fit the last: more than one, for another may fit.
const PROBES: usize = 8;

/// Why a queue pauses and until when. Room that appears ends the pause; its end is for servers that refuse now and
/// accept later, of which nobody tells.
#[derive(Debug, Default)]
pub(super) struct HeldUp {
    pause: Option<Pause>,
    /// Pauses since a match got its land.
    failures: u32,
    /// How many matches to try next, where there was room that didn't fit the last.
    probes: Option<usize>,
    /// Why the last match found none, for people; empty where one did.
    reason: String,
}

#[derive(Debug)]
struct Pause {
    until: Time,
    /// Not over before, whatever room appears.
    at_least_until: Time,
}

impl HeldUp {
    /// A match found no server.
    pub(super) fn failed(&mut self, error: &AllocationError, now: Time) {
        let first = self.pause.is_none();
        if first {
            self.failures = self.failures.saturating_add(1);
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.failures - 1).min(10)).min(LONGEST_PAUSE);
        // Room appears all the time where there are many servers, and hardly ever on the one that refused: it isn't asked
        // again each time.
        let at_least = match error {
            AllocationError::NoServer { .. } | AllocationError::NoneFits { .. } => Duration::ZERO,
            AllocationError::NoneAnswered { .. } => FIRST_PAUSE,
            AllocationError::Outside { pause, .. } => (*pause).min(LONGEST_WISH),
        };
        self.pause = Some(Pause { until: now + pause.max(at_least), at_least_until: now + at_least });
        self.probes = match (error, self.probes) {
            (AllocationError::NoneFits { .. }, None) => Some(PROBES),
            // Those that were tried are the oldest and would be tried again: the next may be behind them.
            (AllocationError::NoneFits { .. }, Some(probes)) if first => Some(probes.saturating_mul(2)),
            (AllocationError::NoneFits { .. }, probes) => probes,
            _ => None,
        };
        self.reason = error.to_string();
    }

    /// A match got its land.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// There is room again.
    pub(super) fn room_appeared(&mut self) {
        if let Some(pause) = &mut self.pause {
            pause.until = pause.until.min(pause.at_least_until);
        }
    }

    /// Whether the queue pauses. A pause that is over is forgotten.
    pub(super) fn is_paused(&mut self, now: Time) -> bool {
        self.pause.take_if(|pause| pause.until <= now);
        self.pause.is_some()
    }

    /// How many matches to try, where the number of free places says nothing of it: the last match fitted none of them. Few at
    /// first, as each may look at every server, and twice as many each time that it was for nothing.
    pub(super) fn probes(&self) -> Option<usize> {
        self.probes
    }

    /// When the pause ends by itself.
    pub(super) fn until(&self) -> Option<Time> {
        self.pause.as_ref().map(|pause| pause.until)
    }

    /// Why no match gets a land, for people; empty where nothing is in the way. Stays while it is tried again.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_server() -> AllocationError {
        AllocationError::NoServer { land_type: "hero".into() }
    }

    fn none_answered() -> AllocationError {
        AllocationError::NoneAnswered { land_type: "hero".into(), asked: 1, last: "no mood".to_owned() }
    }

    #[test]
    fn pauses_grow_and_room_ends_them() {
        let mut held_up = HeldUp::default();
        let mut pauses = Vec::new();
        for round in 0..8 {
            let now = Time(round * 100_000);
            assert!(!held_up.is_paused(now));
            held_up.failed(&no_server(), now);
            // Another match of the same pass fails as well: that is no second failure.
            held_up.failed(&no_server(), now);
            pauses.push(held_up.until().unwrap().since(now).as_millis());
            held_up.room_appeared();
            assert!(!held_up.is_paused(now) && held_up.reason().contains("hero"));
        }
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
        held_up.succeeded();
        assert_eq!(held_up.reason(), "");
        held_up.failed(&no_server(), Time(0));
        assert_eq!(held_up.until(), Some(Time(250)));
    }

    #[test]
    fn free_places_say_little_until_a_match_fits_one() {
        let none_fits = AllocationError::NoneFits { land_type: "hero".into(), seats: 4 };
        let mut held_up = HeldUp::default();
        let mut probes = Vec::new();
        for _ in 0..4 {
            held_up.failed(&none_fits, Time(0));
            held_up.failed(&none_fits, Time(0));
            held_up.room_appeared();
            assert!(!held_up.is_paused(Time(0)));
            probes.push(held_up.probes().unwrap());
        }
        assert_eq!(probes, [8, 16, 32, 64]);
        held_up.failed(&no_server(), Time(0));
        assert_eq!(held_up.probes(), None);
        held_up.failed(&none_fits, Time(0));
        assert_eq!(held_up.probes(), Some(8));
        held_up.succeeded();
        assert_eq!(held_up.probes(), None);
    }

    #[test]
    fn a_server_that_refused_is_left_alone_for_a_moment() {
        let mut held_up = HeldUp::default();
        for round in 0..4 {
            let now = Time(round * 100_000);
            held_up.failed(&none_answered(), now);
            held_up.room_appeared();
            assert!(held_up.is_paused(now) && !held_up.is_paused(now + FIRST_PAUSE));
        }
    }
}
