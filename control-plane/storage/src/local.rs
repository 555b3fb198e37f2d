//! State of one process: in memory alone, or also in a file of this machine, where it survives a crash and needs no server.
//!
//! The state itself is always in memory; with a file, what changes is written before anybody hears of it. A call waits for the
//! disk, and all that wait share one flush: durability costs latency, not throughput. A read waits only for tickets whose
//! newest change is still on its way.
//!
//! Leases are not written down, nor what their holders report: one process has the file at a time, and a new one owns nothing.

mod allocations;
mod file;
mod journal;
mod presence;

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use matching::{QueueKey, TicketId, Time};
use parking_lot::Mutex;
use redb::{Database, ReadableDatabase as _, ReadableTable as _};
use tokio::sync::Notify;

pub use file::{Durability, OpenError};

use self::{
    file::{ALLOCATIONS, REDEEMED, TICKETS},
    journal::Journal,
};
use crate::{
    Allocations, Cancelled, EnqueueError, Enqueued, Fenced, Lease, NewMatch, NewTicket, Place, Presence,
    QueueFeed, QueueReport, RedemptionId, Signals, Storage, StorageError, TicketRecord, TicketState, TokenId,
    WorkerId,
    state::{Changed, State},
};

/// The storage of one process.
#[derive(Debug)]
pub struct Local {
    // One lock for all of it: a transition touches tickets, groups, players and a queue together, takes about a
    // microsecond with its append to the journal, and is never held over an await.
    state: Mutex<State>,
    /// `None`: in memory alone.
    journal: Option<Arc<Journal>>,
    signals: Arc<Signals>,
    unowned: Arc<Notify>,
}

/// Which batch of the journal to wait for; `None` where there is no journal.
type Batch = Option<u64>;

impl Local {
    /// Without any ticket, and gone with the process.
    pub fn in_memory() -> Self {
        Self { state: Mutex::default(), journal: None, signals: Arc::default(), unowned: Arc::default() }
    }

    /// Opens the store in `dir`, which is made where it isn't there, and reads all of it. Blocks: call it off the async
    /// threads.
    ///
    /// # Errors
    /// What is in use, unreadable, newer or damaged is refused, and left as it is.
    pub fn open(dir: &Path, durability: Durability) -> Result<Self, OpenError> {
        let path = file::path_in(dir);
        let database = file::open(&path, durability)?;
        let state = file::unless_it_panics(&path, || {
            read(&database)
                .map_err(|cause| OpenError::Damaged { path: path.clone(), cause: cause.to_string() })
        })?;
        let (signals, unowned) = (Arc::new(Signals::default()), Arc::new(Notify::new()));
        let publish = {
            let (signals, unowned) = (Arc::clone(&signals), Arc::clone(&unowned));
            Box::new(move |changed: &Changed| changed.publish(&signals, &unowned))
        };
        let journal = Journal::start(database, path.clone(), durability, publish)
            .map_err(|cause| OpenError::Unusable { path, cause })?;
        // Queues that came back have no owner yet.
        unowned.notify_one();
        Ok(Self { state: Mutex::new(state), journal: Some(Arc::new(journal)), signals, unowned })
    }

    /// How many tickets wait in all queues: what came back with the store, or has come since.
    pub fn queued_tickets(&self) -> usize {
        self.state.lock().queued_tickets()
    }

    /// Ends when what writes the state has died, of a bug: every transition is refused from then on, and the program that
    /// holds the state should end. Never ends otherwise.
    pub fn died(&self) -> impl Future<Output = ()> + Send + 'static {
        let died = self.journal.as_ref().map(|journal| journal.died());
        async move {
            match died {
                Some(died) => died.await,
                None => std::future::pending().await,
            }
        }
    }

    /// Makes one transition, and returns when it is written. A caller that doesn't wait for that leaves it made all the same.
    async fn make<T>(&self, transition: impl FnOnce(&mut State) -> (T, Changed)) -> Result<T, StorageError> {
        let (outcome, batch) = {
            let mut state = self.state.lock();
            self.check()?;
            let (outcome, changed) = transition(&mut state);
            (outcome, self.append(changed))
        };
        self.written(batch).await?;
        Ok(outcome)
    }

    fn check(&self) -> Result<(), StorageError> {
        self.journal.as_ref().map_or(Ok(()), |journal| journal.check())
    }

    /// Hands a change to the journal, while the state is still locked; without one, it is told at once.
    fn append(&self, changed: Changed) -> Batch {
        match &self.journal {
            Some(journal) => Some(journal.append(changed)),
            None => {
                changed.publish(&self.signals, &self.unowned);
                None
            }
        }
    }

    async fn written(&self, batch: Batch) -> Result<(), StorageError> {
        match (&self.journal, batch) {
            (Some(journal), Some(batch)) => journal.written(batch).await,
            _ => Ok(()),
        }
    }
}

/// The state that a file holds.
fn read(database: &Database) -> Result<State, Box<dyn std::error::Error>> {
    let transaction = database.begin_read()?;
    let mut state = State::default();
    for entry in transaction.open_table(TICKETS)?.iter()? {
        let (_, ticket) = entry?;
        state.restore_ticket(serde_json::from_slice(ticket.value())?);
    }
    for entry in transaction.open_table(REDEEMED)?.iter()? {
        let (key, _) = entry?;
        let (expires_at, redemption) = key.value();
        let (token, by) = file::redemption(redemption);
        state.restore_redeemed(&token, &by, Time(expires_at));
    }
    for entry in transaction.open_table(ALLOCATIONS)?.iter()? {
        let (_, allocation) = entry?;
        state.restore_allocation(serde_json::from_slice(allocation.value())?);
    }
    Ok(state)
}

#[async_trait]
impl Storage for Local {
    async fn enqueue(&self, ticket: NewTicket, now: Time) -> Result<Enqueued, EnqueueError> {
        self.make(|state| match state.enqueue(ticket, now) {
            Ok((enqueued, changed)) => (Ok(enqueued), changed),
            Err(refused) => (Err(refused), Changed::default()),
        })
        .await?
    }

    async fn cancel(&self, ticket: &TicketId, now: Time) -> Result<Option<Cancelled>, StorageError> {
        self.make(|state| state.cancel(ticket, now)).await
    }

    async fn read(&self, tickets: &[TicketId]) -> Result<Vec<Option<TicketState>>, StorageError> {
        let (states, batch) = {
            let state = self.state.lock();
            let states = tickets.iter().map(|ticket| state.read(ticket)).collect();
            (states, self.journal.as_ref().map(|journal| journal.newest_of(tickets)))
        };
        self.written(batch).await?;
        Ok(states)
    }

    async fn assign(&self, lease: &Lease, new: NewMatch, now: Time) -> Result<Fenced, StorageError> {
        self.make(|state| state.assign(lease, new, now)).await
    }

    async fn expire(&self, lease: &Lease, tickets: &[TicketId], now: Time) -> Result<Fenced, StorageError> {
        self.make(|state| state.expire(lease, tickets, now)).await
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
        // Nothing of it is written down: who looks for queues without an owner is told at once.
        let changed = self.state.lock().release(lease);
        changed.publish(&self.signals, &self.unowned);
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

    async fn report(&self, lease: &Lease, report: QueueReport) -> Result<bool, StorageError> {
        let report = Arc::new(report);
        Ok(self.state.lock().report(lease, report))
    }

    async fn reports(&self, now: Time) -> Result<Vec<(QueueKey, QueueReport)>, StorageError> {
        // Copied and sorted when the state is free again.
        let reports = self.state.lock().reports(now);
        let copied = |(queue, report)| (queue, Arc::unwrap_or_clone(report));
        let mut reports: Vec<_> = reports.into_iter().map(copied).collect();
        reports.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(reports)
    }

    async fn places(
        &self,
        tickets: &[Arc<TicketRecord>],
        now: Time,
    ) -> Result<Vec<Option<Place>>, StorageError> {
        let state = self.state.lock();
        Ok(tickets.iter().map(|ticket| state.place(ticket, now)).collect())
    }

    async fn redeem(
        &self,
        token: &TokenId,
        by: &RedemptionId,
        expires_at: Time,
        _now: Time,
    ) -> Result<bool, StorageError> {
        self.make(|state| state.redeem(token, by, expires_at)).await
    }

    fn allocations(&self) -> &dyn Allocations {
        self
    }

    fn presence(&self) -> &dyn Presence {
        self
    }

    async fn sweep(&self, now: Time, limit: usize) -> Result<usize, StorageError> {
        self.make(|state| {
            let changed = state.sweep(now, limit);
            (changed.entries.len(), changed)
        })
        .await
    }

    fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }

    async fn close(&self) {
        if let Some(journal) = self.journal.clone() {
            // The last flush takes as long as the disk does.
            let closed = tokio::task::spawn_blocking(move || journal.close()).await;
            if closed.is_err() {
                tracing::error!("the state was not closed");
            }
        }
    }
}
