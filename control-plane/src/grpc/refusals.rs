//! The one place where inner errors become the contract's reasons. Inner text stays in the log.

use std::time::Duration;

use proto::error::{FieldError, Reason, Refusal};
use storage::{EnqueueError, StorageError};

use crate::state::trouble;

/// How long to wait for a storage that doesn't answer.
const STORAGE_AWAY: Duration = Duration::from_secs(1);
/// How long to wait for a place in a full queue.
const QUEUE_FULL: Duration = Duration::from_secs(5);
/// How long to wait until a queue may have gone out of use.
const NO_MORE_QUEUES: Duration = Duration::from_secs(30);

pub(super) fn storage(error: &StorageError) -> Refusal {
    trouble::note(error);
    Refusal::new(
        Reason::Unavailable,
        "the matchmaking state can't be reached at the moment; try again shortly",
    )
    .retry_after(STORAGE_AWAY)
}

pub(super) fn enqueue(error: EnqueueError) -> Refusal {
    match error {
        EnqueueError::TicketIdTaken => Refusal::invalid(vec![FieldError::new(
            "ticket_id",
            "belongs to another ticket; make a new UUID for each new ticket",
        )]),
        EnqueueError::GroupQueued(ticket) => Refusal::new(
            Reason::GroupAlreadyQueued,
            "the group is queued already with other content; cancel that ticket first, or wait for its match",
        )
        .with("ticketId", ticket.as_str()),
        EnqueueError::PlayerQueued(player) => Refusal::new(
            Reason::PlayerAlreadyQueued,
            format!("the player `{player}` is in another ticket already; cancel that one first"),
        )
        .with("playerId", player.as_str()),
        EnqueueError::QueueFull => {
            Refusal::new(Reason::QueueFull, "the queue holds as many tickets as it may; try again later")
                .retry_after(QUEUE_FULL)
        }
        EnqueueError::TooManyQueues => {
            let message = "as many queues are in use as there may be; use one of them, or try again later";
            Refusal::new(Reason::QueueFull, message).retry_after(NO_MORE_QUEUES)
        }
        EnqueueError::Storage(error) => storage(&error),
    }
}

pub(super) fn ticket_not_found() -> Refusal {
    Refusal::new(
        Reason::TicketNotFound,
        "there is no such ticket; it may have been over for some minutes, or never have been",
    )
}

pub(super) fn shutting_down() -> Refusal {
    Refusal::new(Reason::Unavailable, "this control plane is shutting down; try again")
        .retry_after(Duration::from_secs(1))
}
