//! Who is there, as long as the process is: nothing is written down but the tickets that end.

use async_trait::async_trait;
use matching::{QueueKey, TicketId, Time};

use super::Local;
use crate::{Lease, Presence, StorageError};

#[async_trait]
impl Presence for Local {
    async fn note_seen(&self, queue: &QueueKey, tickets: &[TicketId], now: Time) -> Result<(), StorageError> {
        self.state.lock().note_seen(queue, tickets, now);
        Ok(())
    }

    async fn absent(
        &self,
        queue: &QueueKey,
        since: Time,
        limit: usize,
    ) -> Result<Vec<TicketId>, StorageError> {
        Ok(self.state.lock().absent(queue, since, limit))
    }

    async fn drop_absent(
        &self,
        lease: &Lease,
        tickets: &[TicketId],
        since: Time,
        now: Time,
    ) -> Result<Option<Vec<TicketId>>, StorageError> {
        self.make(|state| state.drop_absent(lease, tickets, since, now)).await
    }
}
