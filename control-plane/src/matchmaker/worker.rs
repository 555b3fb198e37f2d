//! The owner of one queue: it alone feeds the queue's engine, and has the engine's proposals placed.
//!
//! It works when something happens: a ticket comes or goes, a match is placed, room appears, a deadline is due. There is no tick.
//! It keeps nothing that storage doesn't have: whatever goes wrong, it ends, and the queue's next owner reads it anew.

mod ending;
mod telling;

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use matching::{QueueKey, Time};
use storage::{Lease, QueueChange, StorageError};
use tokio::time::{Instant, MissedTickBehavior};

use self::ending::Absent;
use super::{
    Matchmaker,
    held_up::HeldUp,
    outlook::Desk,
    outside::{Outcome, Outside},
    place::{Match, Placed},
    waiting::Waiting,
    waits::Waits,
};
use crate::{chance, queues::QueueSettings, state::trouble};

/// Matches that are being placed at once; each holds a reserved land while its server is asked.
const PLACING: usize = 256;
/// Changes taken in before the next look at the rest.
const CHANGES_AT_ONCE: usize = 1_024;
/// After how long without tickets a queue is given up.
const IDLE: Duration = Duration::from_secs(30);
/// How long a queue is left alone whose storage failed: its next owner would meet the same storage.
const STORAGE_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Worker {
    shared: Arc<Matchmaker>,
    queue: QueueKey,
    settings: Arc<QueueSettings>,
    lease: Lease,
    waiting: Waiting,
    absent: Absent,
    /// Who proposes the matches, where that is not our own engine.
    outside: Option<Outside>,
    /// Who asks why a ticket waits.
    desk: Desk,
    /// Each yields the count of room that was known when its match was proposed.
    placing: FuturesUnordered<BoxFuture<'static, (u64, Placed)>>,
    /// The newest count of room that was acted on.
    room_seen: u64,
    held_up: HeldUp,
    waits: Waits,
    matches_made: u64,
    /// The report that is on its way: one at most.
    reporting: FuturesUnordered<BoxFuture<'static, Result<bool, StorageError>>>,
    /// Whether something changed since the last one.
    unreported: bool,
    next_report: Instant,
    /// When there were tickets last.
    last_busy: Instant,
}

/// Why a worker gives its queue up.
enum End {
    /// It is told to, or has had nothing to do for long, or can't keep up with the changes.
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
    ) -> Self {
        let waiting = Waiting::new(settings.rules.clone());
        let desk = shared.desks.open(&queue);
        let outside = outside(&queue, &settings);
        Self {
            shared,
            queue,
            settings,
            lease,
            waiting,
            absent: Absent::default(),
            outside,
            desk,
            placing: FuturesUnordered::new(),
            room_seen: 0,
            held_up: HeldUp::default(),
            waits: Waits::default(),
            matches_made: 0,
            reporting: FuturesUnordered::new(),
            unreported: true,
            next_report: Instant::now(),
            last_busy: Instant::now(),
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
                trouble::note(error);
                tracing::debug!(queue = %self.queue, %error, "giving a queue up until storage answers");
            }
        }
        // What a match function says now is nothing to us.
        self.outside = None;
        // Matches whose server was asked already are finished: their commit is still ours, or refused by its fence.
        while let Some((room_seen, placed)) = self.placing.next().await {
            drop(self.settle(room_seen, placed));
        }
        if let End::Storage(_) = end {
            let stopping = self.shared.tasks.stopping().cancelled();
            drop(tokio::time::timeout(STORAGE_PAUSE, stopping).await);
        }
        if let Err(error) = self.shared.storage.release(&self.lease).await {
            tracing::debug!(queue = %self.queue, %error, "the lease runs out by itself");
        }
    }

    async fn work(&mut self) -> Result<Infallible, End> {
        let mut room = self.shared.room.clone();
        let mut rules = self.shared.queues.changes();
        // The settings are those of a moment ago.
        rules.mark_changed();
        let stop = self.shared.tasks.stopping().clone();
        let mut feed = self.shared.storage.follow(&self.lease).await?.ok_or(End::LeaseLost)?;
        for record in feed.queued.drain(..) {
            self.take_in(QueueChange::Queued(record));
        }
        let mut renewal = tokio::time::interval(self.shared.lease / 3);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changes = Vec::new();
        loop {
            // Whatever woke it: room that appeared beside it counts.
            self.see_room(room.see());
            // One look at the clock for all of it: a deadline that this pass didn't see is still ahead of it.
            let now = self.now();
            self.expire(now).await?;
            self.drop_absent(now).await?;
            self.propose(now);
            self.report(now);
            let wake_at = self.wake_at(now)?;
            // In no order of preference: one that is ready all the time must not keep the others waiting.
            chance::select! {
                () = stop.cancelled() => return Err(End::Released("shutting down")),
                _ = renewal.tick() => self.renew().await?,
                count = feed.changes.recv_many(&mut changes, CHANGES_AT_ONCE) => match count {
                    // The lease is lost, or changes were: either way the queue has to be read anew.
                    0 => return Err(End::Released("its feed has ended")),
                    _ => changes.drain(..).for_each(|change| self.take_in(change)),
                },
                Some((room_seen, placed)) = self.placing.next() => self.settle(room_seen, placed)?,
                Some(outcome) = heard(&mut self.outside) => self.hear(outcome),
                Some(reported) = self.reporting.next() => self.reported(reported)?,
                () = room.heard() => {}
                // Its other side is there as long as the shared part is.
                Ok(()) = rules.changed() => self.follow_settings(),
                ask = self.desk.next() => {
                    let outlook = self.outlook(&ask.ticket);
                    self.desk.answer(ask, outlook);
                }
                () = tokio::time::sleep_until(wake_at) => {}
            }
        }
    }

    fn take_in(&mut self, change: QueueChange) {
        self.unreported = true;
        match change {
            QueueChange::Queued(record) => {
                let ticket = record.ticket.id.clone();
                self.is_there(&ticket);
                if !self.waiting.came(record) {
                    tracing::warn!(queue = %self.queue, %ticket, "the ticket fits no match under the queue's rules and waits for its expiry");
                }
            }
            QueueChange::Gone(ticket) => self.waiting.went(&ticket),
        }
    }

    /// The configuration was read again. Tickets keep their place.
    fn follow_settings(&mut self) {
        let settings = self.shared.queues.of(&self.queue);
        if settings.are(&self.settings) {
            return;
        }
        tracing::info!(queue = %self.queue, rules = %settings.rules, "the queue's settings have changed");
        if settings.rules != self.settings.rules {
            self.waiting.follow(settings.rules.clone());
        }
        if settings.land_type != self.settings.land_type {
            // What held it up was about servers of the other kind.
            self.held_up = HeldUp::default();
        }
        if settings.rules != self.settings.rules || settings.function != self.settings.function {
            // What it proposed went by the old ones.
            self.outside = outside(&self.queue, &settings);
        }
        let absence = std::mem::replace(&mut self.settings, settings).absence;
        if self.settings.absence != absence {
            self.all_are_there();
        }
        self.unreported = true;
    }

    fn hear(&mut self, outcome: Outcome) {
        self.unreported = true;
        let now = self.now();
        if let Some(outside) = &mut self.outside {
            outside.heard(outcome, now);
        }
    }

    fn see_room(&mut self, count: u64) {
        if std::mem::replace(&mut self.room_seen, count) != count {
            self.held_up.room_appeared();
        }
    }

    /// Has the matches that can be made now placed: no more than there are places, but one at least, which finds out why
    /// there is none. Where the oldest fit none of the places, those behind them have their turn as well.
    fn propose(&mut self, now: Time) {
        let free = PLACING - self.placing.len();
        if free == 0 || self.waiting.is_empty() || self.held_up.is_paused(now) {
            return;
        }
        let places = self.shared.allocation.places(&self.settings.land_type);
        // Seen before the servers are looked at: room that appears from here on is noticed.
        let room_seen = self.room_seen;
        let limit = free.min(self.held_up.probes().unwrap_or(places).max(1));
        let matches = match &mut self.outside {
            None => self.waiting.matches(now, limit),
            Some(outside) => outside.matches(&mut self.waiting, &self.settings, now, limit),
        };
        for the_match in matches {
            let (shared, lease) = (Arc::clone(&self.shared), self.lease.clone());
            let settings = Arc::clone(&self.settings);
            self.placing
                .push(Box::pin(async move { (room_seen, shared.place(&lease, &settings, the_match).await) }));
        }
    }

    fn settle(&mut self, room_seen: u64, placed: Placed) -> Result<(), End> {
        self.unreported = true;
        match placed {
            Placed::Done(the_match) => self.done(&the_match),
            Placed::NoLand(the_match, error) => {
                self.waiting.put_back(&the_match);
                tracing::debug!(queue = %self.queue, %error, "matches wait for a server");
                let now = self.now();
                self.held_up.failed(&error, now);
                if self.shared.room.count() != room_seen {
                    self.held_up.room_appeared();
                }
            }
            Placed::NotQueued(the_match, gone) => {
                for ticket in &gone {
                    self.waiting.went(ticket);
                }
                self.waiting.put_back(&the_match);
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
            self.waiting.went(&record.ticket.id);
        }
    }

    async fn renew(&mut self) -> Result<(), End> {
        let kept = self.shared.storage.renew(&self.lease, self.shared.lease, self.now()).await?;
        if kept { Ok(()) } else { Err(End::LeaseLost) }
    }

    /// When to look again if nothing happens. `Err`: never, as nothing has happened for long.
    fn wake_at(&mut self, now: Time) -> Result<Instant, End> {
        if !self.waiting.is_empty() || !self.placing.is_empty() {
            self.last_busy = Instant::now();
        }
        let idle_at = self.last_busy + IDLE;
        if idle_at <= Instant::now() {
            return Err(End::Released("no tickets for a while"));
        }
        let deadline = self.held_up.until().into_iter().chain(self.waiting.deadlines());
        let outside = self.outside.as_ref().and_then(|outside| outside.deadline(self.waiting.moves()));
        let deadline = deadline.chain(outside);
        // One that is due already waits for something else: for room, or for a match that is being placed.
        let deadline = deadline.filter(|at| *at > now).min().map(|at| self.shared.clock.instant_of(at.0));
        let report_at = self.reporting.is_empty().then(|| self.report_due_at());
        let look = self.settings.absence.filter(|_| !self.waiting.is_empty());
        let look_at = look.map(|_| self.shared.clock.instant_of(self.absent.look_at.0));
        Ok(deadline.into_iter().chain(report_at).chain(look_at).chain([idle_at]).min().unwrap_or(idle_at))
    }

    fn now(&self) -> Time {
        Time(self.shared.clock.now_ms())
    }
}

/// Who proposes the matches of a queue with these settings, where that is not our own engine.
fn outside(queue: &QueueKey, settings: &QueueSettings) -> Option<Outside> {
    settings.function.as_ref().map(|function| Outside::new(queue.clone(), function))
}

/// What became of the call that is under way; `None` where none is.
async fn heard(outside: &mut Option<Outside>) -> Option<Outcome> {
    outside.as_mut()?.next().await
}
