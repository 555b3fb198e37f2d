//! The owner of one queue: it alone feeds the queue's engine, and has the engine's proposals placed.
//!
//! It works when something happens: a ticket comes or goes, a match is placed, room appears, a deadline is due. There is no tick.
//! It keeps nothing that storage doesn't have: whatever goes wrong, it ends, and the queue's next owner reads it anew.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use matching::{Engine, QueueKey, Ticket, TicketId, Time};
use storage::{Fenced, Lease, QueueChange, QueueFeed, StorageError, TicketRecord};
use tokio::time::Instant;

use super::{
    Matchmaker,
    board::OnBoard,
    held_up::HeldUp,
    place::{Match, Placed},
    waits::Waits,
};
use crate::queues::QueueSettings;

/// Matches that are being placed at once; each holds a reserved land while its server is asked.
const PLACING: usize = 256;
/// Changes taken in before the next look at the rest.
const CHANGES_AT_ONCE: usize = 1_024;
/// Expired tickets ended at once.
const EXPIRED_AT_ONCE: usize = 1_024;
/// How often the board is brought up to date where something changed.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// After how long without tickets a queue is given up.
const IDLE: Duration = Duration::from_secs(30);

pub(super) struct Worker {
    shared: Arc<Matchmaker>,
    queue: QueueKey,
    settings: Arc<QueueSettings>,
    lease: Lease,
    engine: Engine,
    /// Every queued ticket, in the engine or being placed. What isn't here any more doesn't go back into the engine.
    records: HashMap<TicketId, Arc<TicketRecord>>,
    placing: FuturesUnordered<BoxFuture<'static, (u64, Placed)>>,
    held_up: HeldUp,
    waits: Waits,
    matches_made: u64,
    on_board: OnBoard,
    /// Whether the board doesn't know the newest.
    unreported: bool,
    next_report: Instant,
    idle_since: Instant,
}

/// Why a worker gives its queue up.
enum End {
    /// It is told to, or has had nothing to do for long.
    Released(&'static str),
    /// Another one owns the queue.
    LeaseLost,
    /// Storage can't be relied on at the moment.
    Storage(StorageError),
}

impl From<StorageError> for End {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Matchmaker>,
        queue: QueueKey,
        settings: Arc<QueueSettings>,
        lease: Lease,
        on_board: OnBoard,
    ) -> Self {
        let engine = Engine::new(settings.rules.clone());
        Self {
            shared,
            queue,
            settings,
            lease,
            engine,
            records: HashMap::new(),
            placing: FuturesUnordered::new(),
            held_up: HeldUp::default(),
            waits: Waits::default(),
            matches_made: 0,
            on_board,
            unreported: true,
            next_report: Instant::now(),
            idle_since: Instant::now(),
        }
    }

    /// Works until there is nothing to do for long, or somebody says stop, or something goes wrong.
    pub(super) async fn run(mut self) {
        let end = match self.work().await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        match &end {
            End::Released(why) => tracing::debug!(queue = %self.queue, why, "giving a queue up"),
            End::LeaseLost => tracing::warn!(queue = %self.queue, "another worker owns the queue now"),
            End::Storage(error) => {
                tracing::error!(queue = %self.queue, %error, "giving a queue up until storage answers");
            }
        }
        // Matches whose server was asked already are finished: their commit is still ours.
        while let Some((_, placed)) = self.placing.next().await {
            if let Placed::Done(_) = placed {
                self.matches_made += 1;
            }
        }
        if let Err(error) = self.shared.storage.release(&self.lease).await {
            tracing::debug!(queue = %self.queue, %error, "the lease runs out by itself");
        }
    }

    async fn work(&mut self) -> Result<std::convert::Infallible, End> {
        let mut feed = self.read_queue().await?;
        let mut room = self.shared.room.clone();
        let stop = self.shared.tasks.stopping().clone();
        let mut renewal = tokio::time::interval(self.shared.lease / 3);
        let mut changes = Vec::new();
        loop {
            room.borrow_and_update();
            // One look at the clock for all of it: a deadline that this pass didn't see is still ahead of it.
            let now = self.now();
            self.expire(now).await?;
            self.propose(now);
            self.report(now);
            let wake_at = self.wake_at(now);
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(End::Released("shutting down")),
                _ = renewal.tick() => self.renew().await?,
                count = feed.changes.recv_many(&mut changes, CHANGES_AT_ONCE) => match count {
                    // Too slow to keep up with the changes, or the lease is lost: both show when reading anew.
                    0 => feed = self.read_queue().await?,
                    _ => changes.drain(..).for_each(|change| self.take_in(change)),
                },
                Some((room_seen, placed)) = self.placing.next() => self.settle(room_seen, placed)?,
                changed = room.changed() => match changed {
                    Ok(()) => self.held_up.room_appeared(),
                    Err(_) => return Err(End::Released("shutting down")),
                },
                () = tokio::time::sleep_until(wake_at) => self.end_if_idle()?,
            }
        }
    }

    /// Forgets what it knows and begins with what storage has.
    async fn read_queue(&mut self) -> Result<QueueFeed, End> {
        // What is being placed is still queued in storage: it must not be proposed a second time.
        while let Some((room_seen, placed)) = self.placing.next().await {
            self.settle(room_seen, placed)?;
        }
        let feed = self.shared.storage.follow(&self.lease).await?.ok_or(End::LeaseLost)?;
        self.engine = Engine::new(self.settings.rules.clone());
        self.records.clear();
        for record in &feed.queued {
            self.take_in(QueueChange::Queued(Arc::clone(record)));
        }
        Ok(feed)
    }

    fn take_in(&mut self, change: QueueChange) {
        self.unreported = true;
        match change {
            QueueChange::Queued(record) => {
                self.idle_since = Instant::now();
                if !self.engine.insert(record.ticket.clone()) {
                    let ticket = &record.ticket.id;
                    tracing::warn!(queue = %self.queue, %ticket, "the ticket has no match under these rules and waits for its expiry");
                }
                self.records.insert(record.ticket.id.clone(), record);
            }
            QueueChange::Gone(ticket) => {
                self.engine.remove(&ticket);
                self.records.remove(&ticket);
            }
        }
    }

    /// Has the matches that can be made now placed.
    fn propose(&mut self, now: Time) {
        let free = PLACING - self.placing.len();
        if free == 0 || self.held_up.is_paused(now) {
            return;
        }
        // Seen before the servers are looked at: room that appears from here on is noticed.
        let room_seen = *self.shared.room.borrow();
        for proposal in self.engine.next_matches(now, free) {
            let known = |ticket: &Ticket| self.records.get(&ticket.id).cloned();
            let records: Option<Vec<_>> = proposal.tickets.iter().map(known).collect();
            let Some(records) = records else {
                debug_assert!(false, "the engine proposed a ticket that has gone");
                continue;
            };
            let (shared, lease) = (Arc::clone(&self.shared), self.lease.clone());
            let settings = Arc::clone(&self.settings);
            let the_match = Match { proposal, records };
            self.placing
                .push(Box::pin(async move { (room_seen, shared.place(&lease, &settings, the_match).await) }));
        }
    }

    fn settle(&mut self, room_seen: u64, placed: Placed) -> Result<(), End> {
        self.unreported = true;
        self.idle_since = Instant::now();
        match placed {
            Placed::Done(the_match) => self.done(&the_match),
            Placed::NoLand(the_match, error) => {
                self.put_back(the_match);
                if *self.shared.room.borrow() == room_seen {
                    tracing::debug!(queue = %self.queue, %error, "matches wait for a server");
                    let now = self.now();
                    self.held_up.failed(&error, now);
                }
            }
            Placed::NotQueued(the_match, gone) => {
                for ticket in &gone {
                    self.records.remove(ticket);
                }
                self.put_back(the_match);
            }
            Placed::LeaseLost => return Err(End::LeaseLost),
            Placed::Unknown(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn done(&mut self, the_match: &Match) {
        let now = self.now();
        self.held_up.succeeded();
        self.matches_made += 1;
        metrics::counter!("control_plane_matches_total").increment(1);
        for record in &the_match.records {
            let wait = now.since(record.ticket.enqueued_at);
            self.waits.add(now, wait);
            metrics::histogram!("control_plane_ticket_wait_seconds").record(wait.as_secs_f64());
            self.records.remove(&record.ticket.id);
        }
    }

    /// What is still queued goes back to its place, with its age.
    fn put_back(&mut self, the_match: Match) {
        for ticket in the_match.proposal.tickets {
            if self.records.contains_key(&ticket.id) {
                self.engine.insert(ticket);
            }
        }
    }

    async fn expire(&mut self, now: Time) -> Result<(), End> {
        loop {
            let expired = self.engine.take_expired(now, EXPIRED_AT_ONCE);
            if expired.is_empty() {
                return Ok(());
            }
            let tickets: Vec<_> = expired.into_iter().map(|ticket| ticket.id).collect();
            metrics::counter!("control_plane_tickets_expired_total").increment(tickets.len() as u64);
            for ticket in &tickets {
                self.records.remove(ticket);
            }
            if self.shared.storage.expire(&self.lease, &tickets, now).await? == Fenced::LeaseLost {
                return Err(End::LeaseLost);
            }
        }
    }

    async fn renew(&mut self) -> Result<(), End> {
        let kept = self.shared.storage.renew(&self.lease, self.shared.lease, self.now()).await?;
        if kept { Ok(()) } else { Err(End::LeaseLost) }
    }

    fn end_if_idle(&self) -> Result<(), End> {
        let idle = self.records.is_empty() && self.placing.is_empty() && self.idle_since.elapsed() >= IDLE;
        if idle { Err(End::Released("no tickets for a while")) } else { Ok(()) }
    }

    /// When to look again if nothing happens.
    fn wake_at(&self, now: Time) -> Instant {
        let paused = self.held_up.until();
        // One that is due already waits for what stands in its way: room, or a match that is being placed.
        let deadline = self.engine.next_deadline().filter(|at| *at > now);
        let due = paused.into_iter().chain(deadline).min().map(|at| self.shared.clock.instant_of(at.0));
        let report = self.unreported.then_some(self.next_report);
        due.into_iter().chain(report).min().unwrap_or_else(|| Instant::now() + IDLE)
    }

    /// Brings the board up to date, at most once in a while.
    fn report(&mut self, now: Time) {
        let started = Instant::now();
        if !self.unreported || started < self.next_report {
            return;
        }
        let tickets = || self.engine.tickets();
        let orders: Vec<u64> = tickets().map(|ticket| ticket.order).collect();
        let queued_players = tickets().map(Ticket::size).sum();
        let oldest = tickets().next().map(|ticket| ticket.enqueued_at);
        let estimated_wait = self.waits.middle(now);
        self.on_board.update(|report| {
            report.queued_tickets = orders.len();
            report.queued_players = queued_players;
            report.oldest = oldest;
            report.matches_made = self.matches_made;
            self.held_up.reason().clone_into(&mut report.held_up_by);
            report.estimated_wait = estimated_wait;
            report.orders = orders.into();
        });
        self.unreported = false;
        // Counting a million tickets takes milliseconds; it must not be what a worker spends its time on.
        let pause = (started.elapsed() * 50).clamp(REPORT_EVERY, REPORT_EVERY * 10);
        self.next_report = Instant::now() + pause;
    }

    fn now(&self) -> Time {
        Time(self.shared.clock.now_ms())
    }
}
