//! Who owns a queue, and what ownership is worth.

use matching::{QueueKey, TicketId};

/// The right to form matches in one queue, until it ends or somebody newer claims the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which queue.
    pub queue: QueueKey,
    /// Greater than that of every earlier claim. A transition under an older fence is refused: a worker that was
    /// paused past its lease can't commit what it thought out before.
    pub fence: u64,
}

/// What became of a transition that only a queue's owner may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fenced {
    /// It happened.
    Done,
    /// Nothing happened: these tickets are not queued any more.
    NotQueued(Vec<TicketId>),
    /// Nothing happened: the lease was lost. Its holder must stop.
    LeaseLost,
}
