//! Whether a ticket's players are still there, for queues that don't wait for who is gone.
//!
//! Who hears of players notes it with [`Presence::note_seen`], coarsely; a queue's owner asks who was not noted for long, and ends
//! those tickets. Notes are an accelerator that forgets: nothing of them survives where one process has the state alone, and a
//! ticket of which nothing was noted is not absent. So whoever takes a queue over notes its tickets first.

use async_trait::async_trait;
use matching::{QueueKey, TicketId, Time};

use crate::{Lease, StorageError};

/// When the players of queued tickets were there last.
#[async_trait]
pub trait Presence: Send + Sync {
    /// Notes that players of these tickets were there at `now`. Of a ticket that isn't queued there nothing is noted, and an
    /// earlier time doesn't take back a later one.
    async fn note_seen(&self, queue: &QueueKey, tickets: &[TicketId], now: Time) -> Result<(), StorageError>;

    /// At most `limit` of the queue's tickets that were noted, and not after `since`; who was seen the longest ago first.
    async fn absent(
        &self,
        queue: &QueueKey,
        since: Time,
        limit: usize,
    ) -> Result<Vec<TicketId>, StorageError>;

    /// Ends those of these tickets that are queued and were not seen after `since`: they are [`Status::Absent`] then. Returns
    /// which. `None`: the lease was lost, and nothing has changed.
    ///
    /// [`Status::Absent`]: crate::Status::Absent
    async fn drop_absent(
        &self,
        lease: &Lease,
        tickets: &[TicketId],
        since: Time,
        now: Time,
    ) -> Result<Option<Vec<TicketId>>, StorageError>;
}
