//! When a queue pauses because its matches find no server.

use std::time::Duration;

use matching::Time;

use crate::allocation::AllocationError;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a queue pauses and until when. Room that appears ends the pause; its end is for servers that refuse now and
/// accept later, of which nobody tells.
#[derive(Debug, Default)]
pub(super) struct HeldUp {
    now: Option<(String, Time)>,
    failures: u32,
}

impl HeldUp {
    /// A match found no server.
    pub(super) fn failed(&mut self, error: &AllocationError, now: Time) {
        if self.now.is_none() {
            self.failures = self.failures.saturating_add(1);
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.failures - 1).min(10)).min(LONGEST_PAUSE);
        self.now = Some((error.to_string(), now + pause));
    }

    /// A match got its land.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// There is room again.
    pub(super) fn room_appeared(&mut self) {
        self.now = None;
    }

    /// Whether the queue pauses. A pause that is over is forgotten.
    pub(super) fn is_paused(&mut self, now: Time) -> bool {
        if self.now.as_ref().is_some_and(|(_, until)| *until <= now) {
            self.now = None;
        }
        self.now.is_some()
    }

    /// When the pause ends by itself.
    pub(super) fn until(&self) -> Option<Time> {
        self.now.as_ref().map(|(_, until)| *until)
    }

    /// Why, for people; empty where nothing is in the way.
    pub(super) fn reason(&self) -> &str {
        self.now.as_ref().map_or("", |(reason, _)| reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_room_ends_them() {
        let error = AllocationError::NoServer { land_type: "hero".into() };
        let mut held_up = HeldUp::default();
        let mut pauses = Vec::new();
        for round in 0..8 {
            let now = Time(round * 100_000);
            assert!(!held_up.is_paused(now));
            held_up.failed(&error, now);
            // Another match of the same pass fails as well: that is no second failure.
            held_up.failed(&error, now);
            pauses.push(held_up.until().unwrap().since(now).as_millis());
            held_up.room_appeared();
        }
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
        held_up.succeeded();
        held_up.failed(&error, Time(0));
        assert_eq!(held_up.until(), Some(Time(250)));
        assert!(held_up.reason().contains("hero"));
    }
}
