//! Where the operator wants it, a player has one socket: a newer one replaces the older.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::identity::PlayerId;

/// The players' sockets at this gateway. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Sessions {
    // Held for one entry, never over an await.
    of: Arc<Mutex<HashMap<PlayerId, Open>>>,
}

struct Open {
    number: u64,
    replaced: CancellationToken,
}

/// A player's only socket, until it is dropped or replaced.
pub(crate) struct OnlySession {
    sessions: Sessions,
    player: PlayerId,
    number: u64,
    replaced: CancellationToken,
}

impl Sessions {
    /// Makes a socket the player's only one; the one before learns that it was replaced.
    pub(crate) fn open(&self, player: &PlayerId) -> OnlySession {
        let replaced = CancellationToken::new();
        let mut of = self.of.lock();
        let before = of.get(player).map(|open| open.number);
        let number = before.map_or(0, |number| number + 1);
        let before = of.insert(player.clone(), Open { number, replaced: replaced.clone() });
        drop(of);
        if let Some(before) = before {
            before.replaced.cancel();
        }
        OnlySession { sessions: self.clone(), player: player.clone(), number, replaced }
    }
}

impl OnlySession {
    /// Cancelled when a newer socket of the same player takes its place.
    pub(crate) fn replaced(&self) -> &CancellationToken {
        &self.replaced
    }
}

impl Drop for OnlySession {
    fn drop(&mut self) {
        let mut of = self.sessions.of.lock();
        if let Entry::Occupied(entry) = of.entry(self.player.clone())
            && entry.get().number == self.number
        {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_replaces_the_older_and_an_older_end_changes_nothing() {
        let sessions = Sessions::default();
        let ann = PlayerId::new("ann").unwrap();
        let first = sessions.open(&ann);
        let other = sessions.open(&PlayerId::new("bob").unwrap());
        let second = sessions.open(&ann);
        assert!(first.replaced().is_cancelled() && !second.replaced().is_cancelled());
        drop(first);
        let third = sessions.open(&ann);
        assert!(second.replaced().is_cancelled() && !third.replaced().is_cancelled());
        drop((second, third, other));
        assert!(sessions.of.lock().is_empty());
    }
}
