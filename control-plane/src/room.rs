//! News of room for lands: who waits for some looks again.
//!
//! A count and a bell. Who waits is woken in the order in which they began to wait, always: where several queues want the same
//! place, who gets it follows from what happened and from nothing else.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

/// Tells of room.
#[derive(Debug, Default)]
pub(crate) struct Room(Arc<Shared>);

/// Hears of it. A clone has seen what this one has.
#[derive(Debug, Clone)]
pub(crate) struct RoomNews {
    shared: Arc<Shared>,
    seen: u64,
}

#[derive(Debug, Default)]
struct Shared {
    /// The times at which room appeared.
    count: AtomicU64,
    bell: Notify,
}

impl Room {
    /// A land may fit where none fitted before.
    pub(crate) fn appeared(&self) {
        self.0.count.fetch_add(1, Ordering::Release);
        self.0.bell.notify_waiters();
    }

    /// For who waits. What was before is not news.
    pub(crate) fn news(&self) -> RoomNews {
        RoomNews { shared: Arc::clone(&self.0), seen: self.0.count.load(Ordering::Acquire) }
    }
}

impl RoomNews {
    /// How often room appeared so far.
    pub(crate) fn count(&self) -> u64 {
        self.shared.count.load(Ordering::Acquire)
    }

    /// The same, and it is not news any more.
    pub(crate) fn see(&mut self) -> u64 {
        self.seen = self.count();
        self.seen
    }

    /// Whether there is news.
    #[cfg(test)]
    pub(crate) fn is_new(&self) -> bool {
        self.count() != self.seen
    }

    /// Waits for news.
    pub(crate) async fn heard(&self) {
        let mut bell = pin!(self.shared.bell.notified());
        // From here on the bell is heard: what was told before is in the count.
        bell.as_mut().enable();
        if self.count() == self.seen {
            bell.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn news_is_heard_once_by_everybody() {
        let room = Room::default();
        room.appeared();
        let mut one = room.news();
        let other = one.clone();
        assert!(one.heard().now_or_never().is_none(), "that was before");
        {
            let mut waits = pin!(one.heard());
            assert!(waits.as_mut().now_or_never().is_none());
            room.appeared();
            assert!(waits.now_or_never().is_some());
        }
        assert!(one.heard().now_or_never().is_some() && other.is_new(), "nobody has looked yet");
        assert_eq!((one.see(), other.count()), (2, 2));
        assert!(!one.is_new() && one.heard().now_or_never().is_none());
    }
}
