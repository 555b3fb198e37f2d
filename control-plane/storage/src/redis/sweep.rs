//! Forgetting what has been final for long enough.
//!
//! One process sweeps at a time: what it costs doesn't grow with their number. Another one takes over when it has been silent.
//! Where nobody sweeps, ended tickets go by their own expiry, some time later.

use matching::{QueueKey, TicketId, Time};
use redis::Value;

use super::{
    Redis,
    claims::text_of,
    stored::{Holder, unreadable},
};
use crate::StorageError;

/// How long a sweeper may be silent.
const SILENT_MS: u64 = 5_000;

impl Redis {
    pub(super) async fn sweep_all(&self, now: Time, limit: usize) -> Result<usize, StorageError> {
        if !self.is_sweeper().await? {
            return Ok(0);
        }
        self.retire_queues(now).await?;
        let mut all = redis::cmd("SMEMBERS");
        all.arg(self.keys.queues_to_sweep());
        let mut tickets = 0;
        for queue in self.link.call::<Vec<String>>(all).await? {
            if tickets < limit {
                tickets += self.sweep_queue(&QueueKey::new(queue), now, limit - tickets).await?;
            }
        }
        let redeemed = self.sweep_redeemed(now, limit).await?;
        let allocations = self.sweep_allocations(now, limit).await?;
        Ok(tickets + redeemed + allocations + self.sweep_held(limit).await?)
    }

    async fn is_sweeper(&self) -> Result<bool, StorageError> {
        let mut set = redis::cmd("SET");
        set.arg(self.keys.sweeper()).arg(&self.name).arg("NX").arg("GET").arg("PX").arg(SILENT_MS);
        let Some(sweeper) = self.link.call::<Option<String>>(set).await? else {
            return Ok(true);
        };
        if sweeper == self.name {
            let mut prolong = redis::cmd("PEXPIRE");
            prolong.arg(self.keys.sweeper()).arg(SILENT_MS);
            self.link.call::<Value>(prolong).await?;
        }
        Ok(sweeper == self.name)
    }

    async fn sweep_queue(&self, queue: &QueueKey, now: Time, limit: usize) -> Result<usize, StorageError> {
        let keys = self.keys.queue(queue);
        let mut due = redis::cmd("ZRANGE");
        due.arg(keys.ended()).arg("-inf").arg(now.0).arg("BYSCORE").arg("LIMIT").arg(0).arg(limit);
        let due: Vec<TicketId> =
            self.link.call::<Vec<String>>(due).await?.into_iter().map(TicketId::new).collect();
        let mut forgotten = 0;
        // A script that names thousands of keys would keep everybody waiting.
        for some in due.chunks(256) {
            let mut names = vec![keys.ended()];
            names.extend(some.iter().map(|ticket| keys.ticket(ticket)));
            let now = now.0.to_string();
            let mut args = vec![now.as_str()];
            args.extend(some.iter().map(TicketId::as_str));
            let answer: Vec<String> = self.link.run(&self.scripts.forget, &names, &args).await?;
            let (count, heads) = answer.split_first().ok_or_else(|| unreadable(""))?;
            forgotten += count.parse::<usize>().map_err(|_| unreadable(count))?;
            let freed = heads.chunks_exact(2).filter_map(|head| {
                let nonce = head[1].split(' ').nth(3)?.to_owned();
                Some(self.free_id(&Holder { ticket: TicketId::new(&head[0]), queue: queue.clone(), nonce }))
            });
            self.link.all(freed.collect()).await?;
        }
        if forgotten < limit {
            self.swept(queue).await?;
        }
        Ok(forgotten)
    }

    /// Notes that a queue has ended tickets. What fails here leaves them to their own expiry.
    pub(super) async fn to_be_swept(&self, queue: &QueueKey) {
        let mut add = redis::cmd("SADD");
        add.arg(self.keys.queues_to_sweep()).arg(queue.as_str());
        if let Err(error) = self.link.call::<Value>(add).await {
            tracing::debug!(%queue, %error, "ended tickets are left to their expiry");
        }
    }

    /// Forgets that note where there is nothing left; looked at afterwards again, for a ticket may have ended meanwhile.
    async fn swept(&self, queue: &QueueKey) -> Result<(), StorageError> {
        let mut count = redis::cmd("ZCARD");
        count.arg(self.keys.queue(queue).ended());
        if self.link.call::<u64>(count.clone()).await? > 0 {
            return Ok(());
        }
        let mut remove = redis::cmd("SREM");
        remove.arg(self.keys.queues_to_sweep()).arg(queue.as_str());
        self.link.call::<Value>(remove).await?;
        if self.link.call::<u64>(count).await? > 0 {
            self.to_be_swept(queue).await;
        }
        Ok(())
    }

    async fn sweep_redeemed(&self, now: Time, limit: usize) -> Result<usize, StorageError> {
        let mut due = redis::cmd("ZRANGE");
        due.arg(self.keys.redeemed()).arg("-inf").arg(now.0).arg("BYSCORE").arg("LIMIT").arg(0).arg(limit);
        let due: Vec<String> = self.link.call(due).await?;
        if due.is_empty() {
            return Ok(0);
        }
        // In this order: by whom an expired token was used, nobody asks.
        let mut by = redis::cmd("HDEL");
        by.arg(self.keys.redeemed_by()).arg(&due);
        self.link.call::<Value>(by).await?;
        let mut remove = redis::cmd("ZREM");
        remove.arg(self.keys.redeemed()).arg(due);
        self.link.call(remove).await
    }

    /// Which queue a ticket id belongs to.
    pub(super) async fn home(&self, ticket: &TicketId) -> Result<Option<QueueKey>, StorageError> {
        let mut get = redis::cmd("GET");
        get.arg(self.keys.ticket_claim(ticket));
        let holder = text_of(self.link.call(get).await?)?;
        holder.map(|holder| Holder::parse(&holder).map(|holder| holder.queue)).transpose()
    }
}
