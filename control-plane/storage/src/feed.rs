//! What the owner of a queue hears about it.

use std::sync::Arc;

use matching::TicketId;
use tokio::sync::mpsc;

use crate::TicketRecord;

/// How many changes a feed holds for a reader that is busy.
const FEED_CAPACITY: usize = 65_536;

/// A queue's tickets at one moment, and every change after it.
#[derive(Debug)]
pub struct QueueFeed {
    /// Oldest first.
    pub queued: Vec<Arc<TicketRecord>>,
    /// Ends when the lease is lost or the reader was too slow; to go on, follow the queue anew.
    pub changes: mpsc::Receiver<QueueChange>,
}

/// One change of a queue.
#[derive(Debug, Clone, PartialEq)]
pub enum QueueChange {
    /// A ticket was enqueued.
    Queued(Arc<TicketRecord>),
    /// A ticket is not queued any more, for whatever reason.
    Gone(TicketId),
}

/// The end of a feed that a storage writes to.
#[derive(Debug)]
pub(crate) struct FeedSender(Option<mpsc::Sender<QueueChange>>);

impl FeedSender {
    /// A feed that begins with `queued`.
    pub(crate) fn new(queued: Vec<Arc<TicketRecord>>) -> (Self, QueueFeed) {
        let (sender, changes) = mpsc::channel(FEED_CAPACITY);
        (Self(Some(sender)), QueueFeed { queued, changes })
    }

    /// Hands a change on, or ends the feed: a feed with a gap would be worse than none.
    pub(crate) fn send(&mut self, change: QueueChange) {
        if self.0.as_ref().is_some_and(|sender| sender.try_send(change).is_err()) {
            self.0 = None;
        }
    }
}
