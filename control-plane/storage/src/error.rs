//! What a storage can't do, in its own words; the door turns them into the contract's.

use matching::{PlayerId, TicketId};

/// The storage itself failed: nothing was changed, or nobody can tell; the same call may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// It can't be reached, or doesn't answer.
    #[error("the storage is unavailable: {0}")]
    Unavailable(String),
}

/// Why a ticket was not enqueued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnqueueError {
    /// The ticket id is known with other content.
    #[error("the ticket id is taken by another ticket")]
    TicketIdTaken,
    /// The group has an active ticket with other content.
    #[error("the group has a ticket already: {0}")]
    GroupQueued(TicketId),
    /// A player is in another active ticket.
    #[error("the player is in a ticket already: {0}")]
    PlayerQueued(PlayerId),
    /// The queue holds as many tickets as it may.
    #[error("the queue is full")]
    QueueFull,
    /// The queue is new, and there are as many as there may be.
    #[error("there are too many queues")]
    TooManyQueues,
    /// See [`StorageError`].
    #[error(transparent)]
    Storage(#[from] StorageError),
}
