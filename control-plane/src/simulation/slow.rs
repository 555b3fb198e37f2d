//! Storage as a process meets it: it takes its time, is away for a while, fails before or after it has done something. What it
//! keeps outlives every control plane; each of those has a way to it of its own, which ends with it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use matching::{QueueKey, TicketId, Time};
use parking_lot::Mutex;
use storage::{
    AllocationId, Allocations, AttemptId, Begun, Cancelled, EnqueueError, Enqueued, Fenced, LandId, Lease,
    Local, MadeAllocation, NewAttempt, NewMatch, NewTicket, Place, Presence, QueueFeed, QueueReport,
    RedemptionId, Signals, Status, Storage, StorageError, TicketRecord, TicketState, TokenId, WorkerId,
};
use tokio::{sync::Notify, time::Instant};

use super::{
    dice::Dice,
    history::{Event, Log},
    names::{ServerNo, TicketNo},
    plan::StorageWays,
};

/// The state of a run, and how it is reached at the moment.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) state: Local,
    log: Log,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    ways: StorageWays,
    dice: Dice,
    away_until: Instant,
}

/// One control plane's way to it.
#[derive(Debug)]
pub(super) struct Slow {
    kept: Arc<Kept>,
    /// Its process has died: nothing that it asks for is done.
    dead: AtomicBool,
}

impl Kept {
    pub(super) fn new(ways: StorageWays, dice: Dice, log: Log) -> Arc<Self> {
        let now = Mutex::new(Now { ways, dice, away_until: Instant::now() });
        Arc::new(Self { state: Local::in_memory(), log, now })
    }

    /// Answers nobody for so long.
    pub(super) fn stall(&self, for_ms: u64) {
        self.now.lock().away_until = Instant::now() + Duration::from_millis(for_ms);
    }

    /// From now on, all is as it should be.
    pub(super) fn calm(&self) {
        let mut now = self.now.lock();
        now.ways = StorageWays { latency_ms: 0..=1, refuses: 0, loses_answer: 0 };
        now.away_until = Instant::now();
    }
}

impl Slow {
    pub(super) fn new(kept: &Arc<Kept>) -> Arc<Self> {
        Arc::new(Self { kept: Arc::clone(kept), dead: AtomicBool::new(false) })
    }

    pub(super) fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// The way there.
    async fn there(&self) -> Result<(), StorageError> {
        /// How often it is tried whether it is back.
        const AGAIN: Duration = Duration::from_millis(200);
        loop {
            let away_until = self.kept.now.lock().away_until;
            if away_until <= Instant::now() {
                break;
            }
            tokio::time::sleep_until(away_until.min(Instant::now() + AGAIN)).await;
        }
        let (latency, fails) = {
            let mut now = self.kept.now.lock();
            let Now { ways, dice, .. } = &mut *now;
            (Duration::from_millis(dice.within(&ways.latency_ms)), dice.chance(ways.refuses))
        };
        tokio::time::sleep(latency).await;
        if fails || self.dead.load(Ordering::Relaxed) { Err(unavailable()) } else { Ok(()) }
    }

    /// The way back, on which an answer may be lost.
    async fn back<T>(&self, answer: T) -> Result<T, StorageError> {
        let lost = {
            let mut now = self.kept.now.lock();
            let Now { ways, dice, .. } = &mut *now;
            dice.chance(ways.loses_answer)
        };
        if lost { Err(unavailable()) } else { Ok(answer) }
    }

    fn state(&self) -> &Local {
        &self.kept.state
    }
}

fn unavailable() -> StorageError {
    StorageError::Unavailable("the simulation says so".to_owned())
}

#[async_trait]
impl Storage for Slow {
    async fn enqueue(&self, ticket: NewTicket, now: Time) -> Result<Enqueued, EnqueueError> {
        self.there().await?;
        let enqueued = self.state().enqueue(ticket, now).await?;
        Ok(self.back(enqueued).await?)
    }

    async fn cancel(&self, ticket: &TicketId, now: Time) -> Result<Option<Cancelled>, StorageError> {
        self.there().await?;
        let cancelled = self.state().cancel(ticket, now).await?;
        self.back(cancelled).await
    }

    async fn read(&self, tickets: &[TicketId]) -> Result<Vec<Option<TicketState>>, StorageError> {
        self.there().await?;
        self.state().read(tickets).await
    }

    async fn assign(&self, lease: &Lease, new: NewMatch, now: Time) -> Result<Fenced, StorageError> {
        self.there().await?;
        let (tickets, assignment) = {
            let first = new.assignments.first().expect("a match has tickets");
            let tickets = new.assignments.iter().map(|(ticket, _)| TicketNo::of(ticket.as_str())).collect();
            (tickets, Arc::clone(&first.1))
        };
        let fenced = self.state().assign(lease, new, now).await?;
        if fenced == Fenced::Done {
            let log = &self.kept.log;
            log.note(Event::Assigned {
                the_match: log.the_match(assignment.match_id.as_str()),
                land: log.land(assignment.land.as_str()),
                server: ServerNo::of(assignment.server.as_str()),
                tickets,
            });
        }
        self.back(fenced).await
    }

    async fn expire(&self, lease: &Lease, tickets: &[TicketId], now: Time) -> Result<Fenced, StorageError> {
        self.there().await?;
        let fenced = self.state().expire(lease, tickets, now).await?;
        if fenced == Fenced::Done {
            for (ticket, state) in tickets.iter().zip(self.state().read(tickets).await?) {
                if state.is_some_and(|state| state.status == Status::Expired) {
                    self.kept.log.note(Event::Expired { ticket: TicketNo::of(ticket.as_str()) });
                }
            }
        }
        self.back(fenced).await
    }

    async fn claim(
        &self,
        queue: &QueueKey,
        worker: &WorkerId,
        lasting: Duration,
        now: Time,
    ) -> Result<Option<Lease>, StorageError> {
        self.there().await?;
        let claimed = self.state().claim(queue, worker, lasting, now).await?;
        self.back(claimed).await
    }

    async fn renew(&self, lease: &Lease, lasting: Duration, now: Time) -> Result<bool, StorageError> {
        self.there().await?;
        let renewed = self.state().renew(lease, lasting, now).await?;
        self.back(renewed).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StorageError> {
        self.there().await?;
        self.state().release(lease).await
    }

    async fn follow(&self, lease: &Lease) -> Result<Option<QueueFeed>, StorageError> {
        self.there().await?;
        self.state().follow(lease).await
    }

    async fn unowned_queues(&self, now: Time) -> Result<Vec<QueueKey>, StorageError> {
        self.there().await?;
        self.state().unowned_queues(now).await
    }

    fn unowned_signal(&self) -> Arc<Notify> {
        self.state().unowned_signal()
    }

    async fn report(&self, lease: &Lease, report: QueueReport) -> Result<bool, StorageError> {
        self.there().await?;
        self.state().report(lease, report).await
    }

    async fn reports(&self, now: Time) -> Result<Vec<(QueueKey, QueueReport)>, StorageError> {
        self.state().reports(now).await
    }

    async fn places(
        &self,
        tickets: &[Arc<TicketRecord>],
        now: Time,
    ) -> Result<Vec<Option<Place>>, StorageError> {
        self.state().places(tickets, now).await
    }

    async fn redeem(
        &self,
        token: &TokenId,
        by: &RedemptionId,
        expires_at: Time,
        now: Time,
    ) -> Result<bool, StorageError> {
        self.state().redeem(token, by, expires_at, now).await
    }

    async fn sweep(&self, now: Time, limit: usize) -> Result<usize, StorageError> {
        self.there().await?;
        self.state().sweep(now, limit).await
    }

    fn signals(&self) -> &Arc<Signals> {
        self.state().signals()
    }

    fn presence(&self) -> &dyn Presence {
        self.state().presence()
    }

    fn allocations(&self) -> &dyn Allocations {
        self
    }
}

#[async_trait]
impl Allocations for Slow {
    async fn begin(&self, new: NewAttempt, now: Time) -> Result<Begun, StorageError> {
        self.there().await?;
        let begun = self.state().begin(new, now).await?;
        self.back(begun).await
    }

    async fn made(
        &self,
        allocation: &AllocationId,
        attempt: &AttemptId,
        made: &MadeAllocation,
        keep_until: Time,
    ) -> Result<bool, StorageError> {
        self.there().await?;
        let ours = self.state().made(allocation, attempt, made, keep_until).await?;
        self.back(ours).await
    }

    async fn give_up(&self, allocation: &AllocationId, attempt: &AttemptId) -> Result<(), StorageError> {
        self.there().await?;
        self.state().give_up(allocation, attempt).await?;
        self.back(()).await
    }

    async fn forget(&self, land: &LandId) -> Result<Option<MadeAllocation>, StorageError> {
        self.there().await?;
        let forgotten = self.state().forget(land).await?;
        self.back(forgotten).await
    }

    async fn ending(
        &self,
        until: Time,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<(AllocationId, LandId)>, StorageError> {
        self.there().await?;
        self.state().ending(until, skip, limit).await
    }

    async fn keep(
        &self,
        allocation: &AllocationId,
        land: &LandId,
        until: Time,
    ) -> Result<bool, StorageError> {
        self.there().await?;
        let kept = self.state().keep(allocation, land, until).await?;
        self.back(kept).await
    }
}
