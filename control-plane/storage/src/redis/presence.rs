//! Who is there: one sorted set for each queue that is asked about, in the queue's slot. A ticket leaves it as it leaves the queue.

use async_trait::async_trait;
use matching::{QueueKey, TicketId, Time};

use super::{Redis, ends::kept, stored::Stored};
use crate::{KEEP_ENDED, Lease, Presence, StorageError};

/// Tickets named by one script: while it runs, nobody else is served.
const AT_ONCE: usize = 512;

#[async_trait]
impl Presence for Redis {
    async fn note_seen(&self, queue: &QueueKey, tickets: &[TicketId], now: Time) -> Result<(), StorageError> {
        let queue = self.keys.queue(queue);
        let (keys, now) = ([queue.queued(), queue.seen()], now.0.to_string());
        for some in tickets.chunks(AT_ONCE) {
            let mut args = vec![now.as_str()];
            args.extend(some.iter().map(TicketId::as_str));
            self.link.run::<i64>(&self.scripts.note_seen, &keys, &args).await?;
        }
        Ok(())
    }

    async fn absent(
        &self,
        queue: &QueueKey,
        since: Time,
        limit: usize,
    ) -> Result<Vec<TicketId>, StorageError> {
        let mut absent = redis::cmd("ZRANGE");
        absent.arg(self.keys.queue(queue).seen()).arg("-inf").arg(since.0);
        absent.arg("BYSCORE").arg("LIMIT").arg(0).arg(limit);
        Ok(self.link.call::<Vec<String>>(absent).await?.into_iter().map(TicketId::new).collect())
    }

    async fn drop_absent(
        &self,
        lease: &Lease,
        tickets: &[TicketId],
        since: Time,
        now: Time,
    ) -> Result<Option<Vec<TicketId>>, StorageError> {
        let queue = self.keys.queue(&lease.queue);
        let (keep_until, px) = kept(now, KEEP_ENDED);
        let (fence, since, ends) = (lease.fence.to_string(), since.0.to_string(), queue.ends());
        let mut dropped = Vec::new();
        // An empty list is asked too: whether the lease holds is part of the answer.
        for some in
            std::iter::once(&tickets[..tickets.len().min(AT_ONCE)]).chain(tickets.chunks(AT_ONCE).skip(1))
        {
            let mut keys = queue.of_ends();
            keys.extend(some.iter().map(|ticket| queue.ticket(ticket)));
            let mut args = vec![fence.as_str(), &since, &keep_until, &px, &ends];
            args.extend(some.iter().map(TicketId::as_str));
            let answer = self.link.run(&self.scripts.drop_absent, &keys, &args).await?;
            let Some(was) = self.ended(lease, answer).await? else {
                return Ok(None);
            };
            let ids: Vec<_> = was.iter().map(Stored::id).collect();
            self.after_end(&ids, was);
            dropped.extend(ids);
        }
        Ok(Some(dropped))
    }
}
