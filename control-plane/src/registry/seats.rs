//! The seats of one land that are kept for players who have not come yet.
//!
//! A seat is kept from the moment at which the land is reserved. Who is reported in the land has come, and counts as a player
//! there for as long as the reports say so: the kept seat is no more, also where the player leaves again.

use std::{collections::HashSet, sync::Arc};

use matching::PlayerId;

/// See the file's header.
#[derive(Debug, Default)]
pub(super) struct Seats {
    named: Named,
    /// Kept for whoever comes.
    unnamed: usize,
    /// Who came to a kept seat, as long as there are unnamed ones: nobody takes two.
    came: HashSet<PlayerId>,
}

/// Who has not come.
#[derive(Debug)]
enum Named {
    /// Nobody of them has. Most lands are looked at for the first time long after they were reserved.
    All(Arc<[PlayerId]>),
    These(HashSet<PlayerId>),
}

impl Default for Named {
    fn default() -> Self {
        Self::These(HashSet::new())
    }
}

impl Seats {
    /// For `count` players, of whom these are known by name.
    pub(super) fn keep(count: usize, roster: &Arc<[PlayerId]>) -> Self {
        let unnamed = count.saturating_sub(roster.len());
        Self { named: Named::All(Arc::clone(roster)), unnamed, came: HashSet::new() }
    }

    /// How many are kept.
    pub(super) fn kept(&self) -> usize {
        let named = match &self.named {
            Named::All(roster) => roster.len(),
            Named::These(players) => players.len(),
        };
        named + self.unnamed
    }

    /// These players are in the land.
    pub(super) fn take(&mut self, present: &[PlayerId]) {
        if present.is_empty() || self.kept() == 0 {
            return;
        }
        if let Named::All(roster) = &self.named {
            self.named = Named::These(roster.iter().cloned().collect());
        }
        let Named::These(named) = &mut self.named else { return };
        for player in present {
            let was_named = named.remove(player);
            if self.unnamed > 0 && self.came.insert(player.clone()) && !was_named {
                self.unnamed -= 1;
            }
        }
    }

    /// Keeps none any more. Returns how many were kept, and for whom as far as they have names, in the order of those.
    pub(super) fn free(&mut self) -> (usize, Vec<PlayerId>) {
        let kept = self.kept();
        let mut players = match std::mem::take(self).named {
            Named::All(roster) => roster.to_vec(),
            Named::These(players) => players.into_iter().collect(),
        };
        players.sort_unstable();
        (kept, players)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn players(names: &[&str]) -> Vec<PlayerId> {
        names.iter().map(PlayerId::new).collect()
    }

    #[test]
    fn a_seat_is_kept_until_its_player_comes() {
        let mut seats = Seats::keep(3, &players(&["a", "b", "c"]).into());
        assert_eq!(seats.kept(), 3);
        seats.take(&players(&["b", "stranger"]));
        assert_eq!(seats.kept(), 2, "a stranger takes nobody's seat");
        seats.take(&players(&["b"]));
        seats.take(&[]);
        assert_eq!(seats.kept(), 2, "who left has come");
        assert_eq!(seats.free(), (2, players(&["a", "c"])));
        assert_eq!((seats.kept(), seats.free()), (0, (0, Vec::new())));
    }

    #[test]
    fn unnamed_seats_are_for_whoever_comes_and_nobody_takes_two() {
        let mut seats = Seats::keep(4, &players(&["a"]).into());
        seats.take(&players(&["x", "a"]));
        seats.take(&players(&["a"]));
        seats.take(&players(&["x"]));
        assert_eq!(seats.kept(), 2, "one for the named, one for the one that came and went and came");
        seats.take(&players(&["x", "y", "z", "more"]));
        assert_eq!(seats.kept(), 0);
    }
}
