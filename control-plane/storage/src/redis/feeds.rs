//! The feeds of the queues that this process owns: what comes over the channels, put in order behind what was read.
//!
//! Every change of a queue has a number, and its message carries it. A feed is opened before the queue is read, so that
//! what is published meanwhile waits; the read says up to which number it goes, and the feed goes on from there. A number that is
//! missing ends the feed, and so does a number that doesn't come although the queue's newest is known to be greater.

use std::{collections::HashMap, time::Duration};

use matching::QueueKey;
use tokio::{sync::mpsc, time::Instant};

use crate::{Lease, QueueChange};

/// How many changes a feed holds for a reader that is busy.
const CAPACITY: usize = 65_536;
/// How long a change that has happened may be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(3);

/// The newest feed of each queue.
#[derive(Debug, Default)]
pub(super) struct Feeds(HashMap<QueueKey, Feed>);

#[derive(Debug)]
struct Feed {
    fence: u64,
    changes: mpsc::Sender<QueueChange>,
    stage: Stage,
    /// A number that must come, and since when it should have.
    owed: Option<(u64, Instant)>,
}

#[derive(Debug)]
enum Stage {
    /// The queue is being read; this came meanwhile.
    Opening(Vec<(u64, Vec<QueueChange>)>),
    /// Everything up to this number has been handed on.
    Open(u64),
}

/// The feed is over: it has a gap, or its reader is too slow or gone.
struct Over;

impl Feeds {
    /// Opens a feed; an older one of the queue ends. Under a lease that was lost, it is over at once.
    pub(super) fn begin(&mut self, lease: &Lease) -> mpsc::Receiver<QueueChange> {
        let (changes, reader) = mpsc::channel(CAPACITY);
        if self.0.get(&lease.queue).is_none_or(|newest| newest.fence <= lease.fence) {
            let feed = Feed { fence: lease.fence, changes, stage: Stage::Opening(Vec::new()), owed: None };
            self.0.insert(lease.queue.clone(), feed);
        }
        reader
    }

    /// The queue was read, up to the change `read`. False: the feed is over already.
    pub(super) fn open(&mut self, lease: &Lease, read: u64) -> bool {
        let opened = self.0.get_mut(&lease.queue).filter(|feed| feed.fence == lease.fence).map(|feed| {
            let Stage::Opening(waiting) = std::mem::replace(&mut feed.stage, Stage::Open(read)) else {
                return Err(Over);
            };
            let mut newer = waiting.into_iter().filter(|(number, _)| *number > read);
            newer.try_for_each(|(number, changes)| feed.take(number, changes))
        });
        let open = matches!(opened, Some(Ok(())));
        if !open {
            self.end(lease);
        }
        open
    }

    /// Changes came, all of them under one number.
    pub(super) fn take(&mut self, queue: &QueueKey, number: u64, changes: Vec<QueueChange>) {
        if let Some(feed) = self.0.get_mut(queue)
            && feed.take(number, changes).is_err()
        {
            tracing::debug!(%queue, number, "a feed ends: it has a gap, or its reader is behind");
            self.0.remove(queue);
        }
    }

    /// The lease `fence` is the queue's newest.
    pub(super) fn claimed(&mut self, queue: &QueueKey, fence: u64) {
        if self.0.get(queue).is_some_and(|feed| feed.fence < fence) {
            self.0.remove(queue);
        }
    }

    /// Change `number` has happened.
    pub(super) fn must_reach(&mut self, lease: &Lease, number: u64) {
        if let Some(feed) = self.0.get_mut(&lease.queue)
            && feed.fence == lease.fence
            && feed.owed.is_none()
            && matches!(feed.stage, Stage::Open(last) if last < number)
        {
            feed.owed = Some((number, Instant::now()));
        }
    }

    pub(super) fn end(&mut self, lease: &Lease) {
        if self.0.get(&lease.queue).is_some_and(|feed| feed.fence == lease.fence) {
            self.0.remove(&lease.queue);
        }
    }

    pub(super) fn end_all(&mut self) {
        self.0.clear();
    }

    /// Ends what has no reader any more, and what owes a change for too long.
    pub(super) fn tidy(&mut self) {
        self.0.retain(|queue, feed| {
            let late = feed.owed.is_some_and(|(_, since)| since.elapsed() >= ON_ITS_WAY);
            if late {
                tracing::warn!(%queue, "a feed ends: changes of the queue didn't come");
            }
            !late && !feed.changes.is_closed()
        });
    }

    pub(super) fn has(&self, queue: &QueueKey) -> bool {
        self.0.contains_key(queue)
    }
}

impl Feed {
    fn take(&mut self, number: u64, changes: Vec<QueueChange>) -> Result<(), Over> {
        match &mut self.stage {
            Stage::Opening(waiting) if waiting.len() < CAPACITY => waiting.push((number, changes)),
            Stage::Open(last) if number == *last + 1 => {
                *last = number;
                if self.owed.is_some_and(|(owed, _)| number >= owed) {
                    self.owed = None;
                }
                for change in changes {
                    self.changes.try_send(change).map_err(|_| Over)?;
                }
            }
            Stage::Opening(_) | Stage::Open(_) => return Err(Over),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use matching::TicketId;

    use super::*;

    fn gone(name: &str) -> Vec<QueueChange> {
        vec![QueueChange::Gone(TicketId::new(name))]
    }

    fn lease(fence: u64) -> Lease {
        Lease { queue: QueueKey::new("q"), fence }
    }

    #[test]
    fn what_came_while_the_queue_was_read_follows_it() {
        let mut feeds = Feeds::default();
        let mut reader = feeds.begin(&lease(1));
        for number in 6..9 {
            feeds.take(&lease(1).queue, number, gone(&number.to_string()));
        }
        assert!(feeds.open(&lease(1), 7));
        feeds.take(&lease(1).queue, 9, gone("9"));
        assert_eq!(reader.try_recv().ok(), Some(gone("8").remove(0)));
        assert_eq!(reader.try_recv().ok(), Some(gone("9").remove(0)));
    }

    #[test]
    fn a_gap_ends_a_feed_after_what_came_before_it() {
        let mut feeds = Feeds::default();
        let mut reader = feeds.begin(&lease(1));
        assert!(feeds.open(&lease(1), 0));
        feeds.take(&lease(1).queue, 1, gone("1"));
        feeds.take(&lease(1).queue, 3, gone("3"));
        assert!(reader.try_recv().is_ok());
        assert_eq!(reader.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }

    #[test]
    fn a_gap_before_the_queue_was_read_shows_when_it_is_open() {
        let mut feeds = Feeds::default();
        drop(feeds.begin(&lease(1)));
        let _reader = feeds.begin(&lease(1));
        feeds.take(&lease(1).queue, 3, gone("3"));
        assert!(!feeds.open(&lease(1), 1));
    }

    #[test]
    fn a_newer_owner_ends_a_feed_and_an_older_one_does_not() {
        let mut feeds = Feeds::default();
        let mut reader = feeds.begin(&lease(5));
        feeds.claimed(&lease(5).queue, 5);
        feeds.end(&lease(4));
        assert!(feeds.begin(&lease(4)).is_closed(), "its lease was lost");
        assert_eq!(reader.try_recv(), Err(mpsc::error::TryRecvError::Empty));
        feeds.claimed(&lease(5).queue, 6);
        assert_eq!(reader.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_does_not_come_ends_a_feed() {
        let mut feeds = Feeds::default();
        let _reader = feeds.begin(&lease(1));
        assert!(feeds.open(&lease(1), 1));
        feeds.must_reach(&lease(1), 1);
        tokio::time::advance(ON_ITS_WAY).await;
        feeds.tidy();
        assert!(feeds.has(&lease(1).queue), "nothing is owed");
        feeds.must_reach(&lease(1), 2);
        feeds.tidy();
        assert!(feeds.has(&lease(1).queue), "it may be on its way");
        tokio::time::advance(ON_ITS_WAY).await;
        feeds.tidy();
        assert!(!feeds.has(&lease(1).queue));
    }
}
