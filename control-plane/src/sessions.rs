//! Players' sessions at the gateways, where a player may have one: who opened which is told to every gateway, so that the older one
//! ends wherever it is.
//!
//! Nothing is kept here but the time. A gateway says that a session was opened; it gets its time here, and then all gateways that
//! take part hear of it, the sender included. What is lost on the way is an older session that lives on until one of the two is told
//! again: gateways tell everything once more on each new stream, and now and then.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// Sessions that a gateway may be behind before some are lost on it.
const BEHIND: usize = 16 * 1024;

/// Nobody's clock is further ahead. A time that is would make a session that nothing can replace.
const AHEAD_MS: u64 = 24 * 60 * 60 * 1000;

/// A session that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) player: String,
    /// The gateway's name for it.
    pub(crate) id: String,
    /// In milliseconds since 1970, by the clock of the replica that was told first.
    pub(crate) opened_at_ms: u64,
}

/// What a gateway says of when a session was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// This long ago, in milliseconds; nobody was told yet.
    Ago(u64),
    /// At this time, as it was told before.
    At(u64),
}

/// Where gateways hear of sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    told: broadcast::Sender<Arc<Session>>,
    /// The latest time that was told. Held while a session gets its time and is told, so that who hears of a session before their
    /// own one has got its time knows that theirs is later.
    latest_ms: Mutex<u64>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { told: broadcast::channel(BEHIND).0, latest_ms: Mutex::default() }
    }
}

impl Sessions {
    /// A gateway of this replica says that a session was opened. One that was opened just now is later than all that were heard of
    /// here, also where another replica's clock is ahead.
    pub(crate) fn opened(&self, player: String, id: String, opened: Opened, now_ms: u64) -> Arc<Session> {
        let mut latest_ms = self.latest_ms.lock();
        let opened_at_ms = match opened {
            Opened::Ago(ago_ms) => now_ms.max(latest_ms.saturating_add(1)).saturating_sub(ago_ms),
            Opened::At(at_ms) => at_ms.min(now_ms.saturating_add(AHEAD_MS)),
        };
        *latest_ms = opened_at_ms.max(*latest_ms);
        let session = Arc::new(Session { player, id, opened_at_ms });
        self.tell(&session);
        session
    }

    /// Another replica says that a session was opened.
    pub(crate) fn heard(&self, session: &Arc<Session>) {
        let mut latest_ms = self.latest_ms.lock();
        *latest_ms = session.opened_at_ms.max(*latest_ms);
        self.tell(session);
    }

    /// Hears of those that are opened from now on.
    pub(crate) fn hear(&self) -> broadcast::Receiver<Arc<Session>> {
        self.told.subscribe()
    }

    fn tell(&self, session: &Arc<Session>) {
        // Nobody may be listening.
        drop(self.told.send(Arc::clone(session)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_session_is_later_than_all_that_were_heard_of_whatever_the_clocks_say() {
        let sessions = Sessions::default();
        let open = |opened, now| sessions.opened("ann".into(), "s".into(), opened, now).opened_at_ms;
        let heard = |opened_at_ms| {
            sessions.heard(&Arc::new(Session { player: "bob".into(), id: "o".into(), opened_at_ms }));
        };
        assert_eq!(open(Opened::Ago(0), 1_000), 1_000);
        assert_eq!(open(Opened::Ago(0), 1_000), 1_001, "in the same millisecond");
        heard(5_000);
        assert_eq!(open(Opened::Ago(0), 1_002), 5_001, "another replica's clock is ahead");
        assert_eq!(open(Opened::Ago(600), 6_000), 5_400, "nobody could be told of it");
        assert_eq!(open(Opened::At(1_000), 6_001), 1_000, "it keeps the time that it has");
    }

    #[test]
    fn a_time_that_cannot_be_makes_no_session_that_stays_for_ever() {
        let sessions = Sessions::default();
        let odd = sessions.opened("ann".into(), "s".into(), Opened::At(u64::MAX), 1_000);
        let next = sessions.opened("ann".into(), "t".into(), Opened::Ago(0), 1_000);
        assert!(next.opened_at_ms > odd.opened_at_ms);
        let old = sessions.opened("ann".into(), "u".into(), Opened::Ago(u64::MAX), 1_000);
        assert_eq!(old.opened_at_ms, 0);
    }
}
