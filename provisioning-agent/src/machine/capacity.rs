//! How much fits: lands, and players in all of them. Said at the start, and changed by the game server while it runs.
//!
//! What is lowered below what is there ends nothing: nothing more fits, that is all.

use super::{Machine, messages::Capacity};

impl Machine {
    /// From now on that many lands and players fit; `None` leaves it as it is. Zero players: none at all, as zero lands.
    pub fn set_capacity(&mut self, now_ms: u64, lands: Option<u32>, players: Option<u32>) {
        let before = (self.terms.capacity, self.terms.player_capacity);
        self.terms.capacity = lands.unwrap_or(self.terms.capacity);
        self.terms.player_capacity = players.or(self.terms.player_capacity);
        if before != (self.terms.capacity, self.terms.player_capacity) {
            self.capacity_changed = true;
            if let Some(players) = players {
                self.sdk.set_player_capacity(players);
            }
            self.sdk.changed();
            self.link.hurry(now_ms);
        }
    }

    /// In the control plane's words, which have none for nothing: then the server drains.
    pub(super) fn capacity(&self) -> Capacity {
        Capacity {
            lands: self.terms.capacity.max(1),
            players: self.terms.player_capacity.map_or(0, |players| players.max(1)),
        }
    }

    /// Whether the game server said that nothing fits.
    pub(super) fn has_no_room_at_all(&self) -> bool {
        self.terms.capacity == 0 || self.terms.player_capacity == Some(0)
    }

    pub(super) fn most_lands(&self) -> usize {
        usize::try_from(self.terms.capacity).unwrap_or(usize::MAX)
    }

    /// How many players fit, where `more` don't fit beside those who are there or expected.
    pub(super) fn seats_short(&self, more: usize) -> Option<u32> {
        let most = self.terms.player_capacity?;
        let taken: usize = self.lands.iter().map(|(_, land)| land.seats()).sum();
        let fits = usize::try_from(most).is_ok_and(|most| taken.saturating_add(more) <= most);
        (!fits).then_some(most)
    }
}
