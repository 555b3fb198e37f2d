//! A storage that can't be relied on: the one in memory, whose feeds end early or can't be had, and which may take no reports.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use matching::{QueueKey, TicketId, Time};
use parking_lot::Mutex;
use storage::{
    Allocations, Cancelled, EnqueueError, Enqueued, Fenced, Lease, Local, NewMatch, NewTicket, Place,
    Presence, QueueFeed, QueueReport, RedemptionId, Signals, Storage, StorageError, TicketRecord,
    TicketState, TokenId, WorkerId,
};
use tokio::sync::{Notify, mpsc};

#[derive(Debug)]
pub(super) struct Unreliable {
    pub(super) inner: Local,
    /// How many changes a feed tells before it ends.
    pub(super) feed_lasts: Option<usize>,
    /// Whether feeds can't be had.
    pub(super) fails: AtomicBool,
    /// How often a feed was asked for.
    pub(super) followed: AtomicUsize,
    /// What becomes of reports.
    pub(super) reports: Mutex<Reports>,
    /// How often an owner reported, whatever became of it.
    pub(super) reported: AtomicUsize,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Reports {
    #[default]
    Taken,
    /// There is no answer.
    Unanswered,
    Refused,
}

impl Default for Unreliable {
    fn default() -> Self {
        Self {
            inner: Local::in_memory(),
            feed_lasts: None,
            fails: false.into(),
            followed: 0.into(),
            reports: Mutex::default(),
            reported: 0.into(),
        }
    }
}

#[async_trait]
impl Storage for Unreliable {
    async fn follow(&self, lease: &Lease) -> Result<Option<QueueFeed>, StorageError> {
        self.followed.fetch_add(1, Ordering::Relaxed);
        if self.fails.load(Ordering::Relaxed) {
            return Err(StorageError::Unavailable("out of order".to_owned()));
        }
        let Some(lasts) = self.feed_lasts else { return self.inner.follow(lease).await };
        let Some(mut feed) = self.inner.follow(lease).await? else { return Ok(None) };
        let (sender, changes) = mpsc::channel(lasts);
        tokio::spawn(async move {
            for _ in 0..lasts {
                let Some(change) = feed.changes.recv().await else { return };
                drop(sender.send(change).await);
            }
        });
        Ok(Some(QueueFeed { queued: feed.queued, changes }))
    }

    async fn enqueue(&self, ticket: NewTicket, now: Time) -> Result<Enqueued, EnqueueError> {
        self.inner.enqueue(ticket, now).await
    }

    async fn cancel(&self, ticket: &TicketId, now: Time) -> Result<Option<Cancelled>, StorageError> {
        self.inner.cancel(ticket, now).await
    }

    async fn read(&self, tickets: &[TicketId]) -> Result<Vec<Option<TicketState>>, StorageError> {
        self.inner.read(tickets).await
    }

    async fn assign(&self, lease: &Lease, new: NewMatch, now: Time) -> Result<Fenced, StorageError> {
        self.inner.assign(lease, new, now).await
    }

    async fn expire(&self, lease: &Lease, tickets: &[TicketId], now: Time) -> Result<Fenced, StorageError> {
        self.inner.expire(lease, tickets, now).await
    }

    async fn claim(
        &self,
        queue: &QueueKey,
        worker: &WorkerId,
        lasting: Duration,
        now: Time,
    ) -> Result<Option<Lease>, StorageError> {
        self.inner.claim(queue, worker, lasting, now).await
    }

    async fn renew(&self, lease: &Lease, lasting: Duration, now: Time) -> Result<bool, StorageError> {
        self.inner.renew(lease, lasting, now).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StorageError> {
        self.inner.release(lease).await
    }

    async fn unowned_queues(&self, now: Time) -> Result<Vec<QueueKey>, StorageError> {
        self.inner.unowned_queues(now).await
    }

    fn unowned_signal(&self) -> Arc<Notify> {
        self.inner.unowned_signal()
    }

    async fn report(&self, lease: &Lease, report: QueueReport) -> Result<bool, StorageError> {
        self.reported.fetch_add(1, Ordering::Relaxed);
        let becomes = *self.reports.lock();
        match becomes {
            Reports::Taken => self.inner.report(lease, report).await,
            Reports::Unanswered => std::future::pending().await,
            Reports::Refused => Err(StorageError::Unavailable("out of order".to_owned())),
        }
    }

    async fn reports(&self, now: Time) -> Result<Vec<(QueueKey, QueueReport)>, StorageError> {
        self.inner.reports(now).await
    }

    async fn places(
        &self,
        tickets: &[Arc<TicketRecord>],
        now: Time,
    ) -> Result<Vec<Option<Place>>, StorageError> {
        self.inner.places(tickets, now).await
    }

    async fn redeem(
        &self,
        token: &TokenId,
        by: &RedemptionId,
        expires_at: Time,
        now: Time,
    ) -> Result<bool, StorageError> {
        self.inner.redeem(token, by, expires_at, now).await
    }

    fn allocations(&self) -> &dyn Allocations {
        self.inner.allocations()
    }

    fn presence(&self) -> &dyn Presence {
        self.inner.presence()
    }

    async fn sweep(&self, now: Time, limit: usize) -> Result<usize, StorageError> {
        self.inner.sweep(now, limit).await
    }

    fn signals(&self) -> &Arc<Signals> {
        self.inner.signals()
    }
}
