//! State in memory: gone with the process, and the measure for the others.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use matching::{QueueKey, TicketId, Time};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    Cancelled, EnqueueError, Enqueued, Fenced, Lease, NewMatch, NewTicket, QueueFeed, Signals, Storage,
    StorageError, TicketState, TokenId, WorkerId,
    state::{Changed, State},
};

/// A storage for one process and as long as it lives.
#[derive(Debug, Default)]
pub struct Memory {
    // One lock for all of it: a transition touches tickets, groups, players and a queue together, takes about a
    // microsecond, and is never held over an await.
    state: Mutex<State>,
    signals: Arc<Signals>,
    unowned: Arc<Notify>,
}

impl Memory {
    /// Without any ticket.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes who has to know, after the lock is released: they read at once.
    fn publish(&self, changed: &Changed) {
        for ticket in &changed.tickets {
            self.signals.wake(ticket);
        }
        if changed.unowned_queue {
            self.unowned.notify_one();
        }
    }
}

#[async_trait]
impl Storage for Memory {
    async fn enqueue(&self, ticket: NewTicket, now: Time) -> Result<Enqueued, EnqueueError> {
        let (enqueued, changed) = self.state.lock().enqueue(ticket, now)?;
        self.publish(&changed);
        Ok(enqueued)
    }

    async fn cancel(&self, ticket: &TicketId, now: Time) -> Result<Option<Cancelled>, StorageError> {
        let (cancelled, changed) = self.state.lock().cancel(ticket, now);
        self.publish(&changed);
        Ok(cancelled)
    }

    async fn read(&self, tickets: &[TicketId]) -> Result<Vec<Option<TicketState>>, StorageError> {
        let state = self.state.lock();
        Ok(tickets.iter().map(|ticket| state.read(ticket)).collect())
    }

    async fn assign(&self, lease: &Lease, new: NewMatch, now: Time) -> Result<Fenced, StorageError> {
        let (fenced, changed) = self.state.lock().assign(lease, new, now);
        self.publish(&changed);
        Ok(fenced)
    }

    async fn expire(&self, lease: &Lease, tickets: &[TicketId], now: Time) -> Result<Fenced, StorageError> {
        let (fenced, changed) = self.state.lock().expire(lease, tickets, now);
        self.publish(&changed);
        Ok(fenced)
    }

    async fn claim(
        &self,
        queue: &QueueKey,
        worker: &WorkerId,
        lasting: Duration,
        now: Time,
    ) -> Result<Option<Lease>, StorageError> {
        Ok(self.state.lock().claim(queue, worker, lasting, now))
    }

    async fn renew(&self, lease: &Lease, lasting: Duration, now: Time) -> Result<bool, StorageError> {
        Ok(self.state.lock().renew(lease, lasting, now))
    }

    async fn release(&self, lease: &Lease) -> Result<(), StorageError> {
        let changed = self.state.lock().release(lease);
        self.publish(&changed);
        Ok(())
    }

    async fn follow(&self, lease: &Lease) -> Result<Option<QueueFeed>, StorageError> {
        Ok(self.state.lock().follow(lease))
    }

    async fn unowned_queues(&self, now: Time) -> Result<Vec<QueueKey>, StorageError> {
        Ok(self.state.lock().unowned_queues(now))
    }

    fn unowned_signal(&self) -> Arc<Notify> {
        Arc::clone(&self.unowned)
    }

    async fn redeem(&self, token: &TokenId, expires_at: Time, _now: Time) -> Result<bool, StorageError> {
        Ok(self.state.lock().redeem(token, expires_at))
    }

    async fn sweep(&self, now: Time, limit: usize) -> Result<usize, StorageError> {
        Ok(self.state.lock().sweep(now, limit))
    }

    fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }
}
