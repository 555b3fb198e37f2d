//! The state itself and its transitions, as plain data: no lock, no I/O, time as an argument.
//!
//! [`Local`](crate::Local) puts a lock around it, and writes down what changes. What each transition means is said at the
//! trait, [`Storage`](crate::Storage); here is how it is done.

mod allocations;
mod entry;
mod line;
mod presence;
mod queue;
mod redeemed;
mod retention;

use std::{collections::HashMap, sync::Arc, time::Duration};

use matching::{GroupId, PlayerId, QueueKey, Ticket, TicketId, Time};
use tokio::sync::Notify;

use self::{allocations::Allocations, queue::Queue, redeemed::Redeemed, retention::Retention};
pub(crate) use self::{
    allocations::KeptAllocation,
    entry::{Entry, KeptTicket},
};
use crate::{
    Cancelled, EnqueueError, Enqueued, Fenced, KEEP_ENDED, Lease, NewMatch, NewTicket, Place, QueueFeed,
    QueueReport, RedemptionId, Signals, Status, TicketRecord, TicketState, TokenId, WorkerId,
};

/// Everything that is kept.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Queued tickets, and ended ones until they are swept.
    tickets: HashMap<TicketId, TicketState>,
    /// The active ticket of a group.
    groups: HashMap<GroupId, TicketId>,
    /// The active ticket of a player.
    players: HashMap<PlayerId, TicketId>,
    /// Queues with tickets or an owner.
    queues: HashMap<QueueKey, Queue>,
    /// When ended tickets may be forgotten.
    retention: Retention,
    redeemed: Redeemed,
    allocations: Allocations,
    /// The order of the newest ticket; grows over all queues.
    last_order: u64,
    /// The fence of the newest lease; grows over all queues.
    last_fence: u64,
}

/// What a transition did: what has to be written down, and whom it has to be told to afterwards.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changed {
    /// Not in it: who owns which queue. That ends with the process.
    pub(crate) entries: Vec<Entry>,
    /// Tickets with a new status.
    pub(crate) tickets: Vec<TicketId>,
    /// A queue has tickets and no owner.
    pub(crate) unowned_queue: bool,
}

impl Changed {
    /// Whether there is nothing to write down and nobody to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.tickets.is_empty() && !self.unowned_queue
    }

    /// The tickets that are to be written down, new ones included.
    pub(crate) fn written_tickets(&self) -> impl Iterator<Item = &TicketId> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Ticket(kept) => Some(&kept.record.ticket.id),
            _ => None,
        })
    }

    /// Tells who has to know. To be called when all of it is written down and can be read.
    pub(crate) fn publish(&self, signals: &Signals, unowned: &Notify) {
        for ticket in &self.tickets {
            signals.wake(ticket);
        }
        if self.unowned_queue {
            unowned.notify_one();
        }
    }
}

impl State {
    pub(crate) fn enqueue(&mut self, new: NewTicket, now: Time) -> Result<(Enqueued, Changed), EnqueueError> {
        if let Some(known) = self.tickets.get(&new.id) {
            return if known.record.same_content(&new) {
                Ok((Enqueued::Known(known.clone()), Changed::default()))
            } else {
                Err(EnqueueError::TicketIdTaken)
            };
        }
        if let Some(known) = self.groups.get(&new.group).and_then(|id| self.tickets.get(id)) {
            return if known.record.same_content(&new) {
                Ok((Enqueued::Known(known.clone()), Changed::default()))
            } else {
                Err(EnqueueError::GroupQueued(known.record.ticket.id.clone()))
            };
        }
        if let Some(busy) = new.players.iter().find(|player| self.players.contains_key(&player.id)) {
            return Err(EnqueueError::PlayerQueued(busy.id.clone()));
        }
        if self.queues.get(&new.queue).is_some_and(|queue| queue.len() >= new.queue_limit) {
            return Err(EnqueueError::QueueFull);
        }
        if !self.queues.contains_key(&new.queue) && self.queues.len() >= new.queues_limit {
            return Err(EnqueueError::TooManyQueues);
        }

        self.last_order += 1;
        let record = Arc::new(TicketRecord {
            ticket: Ticket {
                id: new.id.clone(),
                group: new.group,
                players: new.players,
                order: self.last_order,
                enqueued_at: now,
                expires_at: now + new.lifetime,
            },
            queue: new.queue,
            region: new.region,
            constraints: new.constraints,
        });
        let state = TicketState { record: Arc::clone(&record), status: Status::Queued };
        self.tickets.insert(new.id, state.clone());
        let queue = self.take_in(&record);
        let unowned_queue = !queue.is_owned(now);
        let entries = vec![Entry::Ticket(KeptTicket::new(&state, None))];
        Ok((Enqueued::New(state), Changed { entries, unowned_queue, ..Changed::default() }))
    }

    pub(crate) fn cancel(&mut self, id: &TicketId, now: Time) -> (Option<Cancelled>, Changed) {
        let Some(ticket) = self.tickets.get(id) else {
            return (None, Changed::default());
        };
        match &ticket.status {
            Status::Queued => {
                let mut changed = Changed::default();
                self.end(id, Status::Cancelled, now + KEEP_ENDED, &mut changed);
                (Some(Cancelled::Yes), changed)
            }
            Status::Cancelled | Status::Absent => (Some(Cancelled::Yes), Changed::default()),
            ended => (Some(Cancelled::No(ended.clone())), Changed::default()),
        }
    }

    pub(crate) fn queued_tickets(&self) -> usize {
        self.queues.values().map(Queue::len).sum()
    }

    pub(crate) fn read(&self, id: &TicketId) -> Option<TicketState> {
        self.tickets.get(id).cloned()
    }

    pub(crate) fn assign(&mut self, lease: &Lease, new: NewMatch, now: Time) -> (Fenced, Changed) {
        if !self.holds(lease) {
            return (Fenced::LeaseLost, Changed::default());
        }
        let not_queued: Vec<_> = new
            .assignments
            .iter()
            .map(|(id, _)| id)
            .filter(|id| !self.is_queued(id, &lease.queue))
            .cloned()
            .collect();
        if !not_queued.is_empty() {
            return (Fenced::NotQueued(not_queued), Changed::default());
        }
        let mut changed = Changed::default();
        for (id, assignment) in new.assignments {
            self.end(&id, Status::Assigned(assignment), now + new.lasting, &mut changed);
        }
        (Fenced::Done, changed)
    }

    pub(crate) fn expire(&mut self, lease: &Lease, ids: &[TicketId], now: Time) -> (Fenced, Changed) {
        if !self.holds(lease) {
            return (Fenced::LeaseLost, Changed::default());
        }
        let mut changed = Changed::default();
        for id in ids {
            let due = self.tickets.get(id).is_some_and(|known| known.record.ticket.expires_at <= now);
            if due && self.is_queued(id, &lease.queue) {
                self.end(id, Status::Expired, now + KEEP_ENDED, &mut changed);
            }
        }
        (Fenced::Done, changed)
    }

    pub(crate) fn claim(
        &mut self,
        key: &QueueKey,
        worker: &WorkerId,
        lasting: Duration,
        now: Time,
    ) -> Option<Lease> {
        let queue = self.queues.entry(key.clone()).or_default();
        if queue.is_owned(now) {
            return None;
        }
        self.last_fence += 1;
        queue.own(worker.clone(), self.last_fence, now + lasting);
        Some(Lease { queue: key.clone(), fence: self.last_fence })
    }

    pub(crate) fn renew(&mut self, lease: &Lease, lasting: Duration, now: Time) -> bool {
        let holds = self.holds(lease);
        if let Some(queue) = self.queues.get_mut(&lease.queue).filter(|_| holds) {
            queue.prolong(now + lasting);
        }
        holds
    }

    pub(crate) fn release(&mut self, lease: &Lease) -> Changed {
        let mut changed = Changed::default();
        if self.holds(lease)
            && let Some(queue) = self.queues.get_mut(&lease.queue)
        {
            queue.disown();
            changed.unowned_queue = !queue.is_empty();
            self.drop_queue_if_unused(&lease.queue);
        }
        changed
    }

    pub(crate) fn follow(&mut self, lease: &Lease) -> Option<QueueFeed> {
        let holds = self.holds(lease);
        self.queues.get_mut(&lease.queue).filter(|_| holds).map(Queue::follow)
    }

    /// In the order of their keys: who takes them over does the same whenever the same happens.
    pub(crate) fn unowned_queues(&self, now: Time) -> Vec<QueueKey> {
        let unowned = self.queues.iter().filter(|(_, queue)| !queue.is_empty() && !queue.is_owned(now));
        let mut unowned: Vec<_> = unowned.map(|(key, _)| key.clone()).collect();
        unowned.sort_unstable();
        unowned
    }

    pub(crate) fn report(&mut self, lease: &Lease, report: Arc<QueueReport>) -> bool {
        let holds = self.holds(lease);
        if let Some(queue) = self.queues.get_mut(&lease.queue).filter(|_| holds) {
            queue.report(report);
        }
        holds
    }

    /// In no order.
    pub(crate) fn reports(&self, now: Time) -> Vec<(QueueKey, Arc<QueueReport>)> {
        let reported =
            |(key, queue): (&QueueKey, &Queue)| Some((key.clone(), Arc::clone(queue.reported(now)?)));
        self.queues.iter().filter_map(reported).collect()
    }

    pub(crate) fn place(&self, ticket: &TicketRecord, now: Time) -> Option<Place> {
        self.queues.get(&ticket.queue)?.place(ticket.ticket.order, now)
    }

    /// Whether the token is this redemption's.
    pub(crate) fn redeem(&mut self, token: &TokenId, by: &RedemptionId, expires_at: Time) -> (bool, Changed) {
        let known = self.redeemed.knows(token);
        let redeemed = self.redeemed.insert(token, by, expires_at);
        let new = (redeemed && !known).then(|| Entry::Redeemed(token.clone(), by.clone(), expires_at));
        (redeemed, Changed { entries: new.into_iter().collect(), ..Changed::default() })
    }

    /// What was forgotten is what is to be written down.
    pub(crate) fn sweep(&mut self, now: Time, limit: usize) -> Changed {
        let ended = self.retention.take_due(now, limit);
        let forgotten = ended.iter().filter_map(|id| self.tickets.remove(id));
        let mut entries: Vec<_> =
            forgotten.map(|known| Entry::Forgotten(known.record.ticket.order)).collect();
        // An owner that is over left nothing behind but its name.
        self.queues.retain(|_, queue| !queue.is_empty() || queue.is_owned(now));
        let redeemed = self.redeemed.sweep(now, limit);
        let over = redeemed.into_iter();
        entries.extend(over.map(|(expires_at, token, by)| Entry::RedemptionOver(token, by, expires_at)));
        entries.extend(self.allocations.sweep(now, limit).into_iter().map(Entry::AllocationOver));
        Changed { entries, ..Changed::default() }
    }

    /// Puts a ticket back that was written down.
    pub(crate) fn restore_ticket(&mut self, kept: KeptTicket) {
        let KeptTicket { record, status, keep_until } = kept;
        let id = record.ticket.id.clone();
        self.last_order = self.last_order.max(record.ticket.order);
        if status == Status::Queued {
            self.take_in(&record);
        } else {
            self.retention.keep(id.clone(), keep_until.unwrap_or(record.ticket.expires_at));
        }
        self.tickets.insert(id, TicketState { record, status });
    }

    /// Puts a redemption back that was written down.
    pub(crate) fn restore_redeemed(&mut self, token: &TokenId, by: &RedemptionId, expires_at: Time) {
        self.redeemed.insert(token, by, expires_at);
    }

    /// Takes a queued ticket into its queue, and notes its group and players. The queue.
    fn take_in(&mut self, record: &Arc<TicketRecord>) -> &mut Queue {
        let ticket = &record.ticket;
        self.groups.insert(ticket.group.clone(), ticket.id.clone());
        for player in ticket.players.iter() {
            self.players.insert(player.id.clone(), ticket.id.clone());
        }
        let queue = self.queues.entry(record.queue.clone()).or_default();
        queue.insert(Arc::clone(record));
        queue
    }

    /// Moves a queued ticket to a final status and frees its group and players.
    fn end(&mut self, id: &TicketId, status: Status, keep_until: Time, changed: &mut Changed) {
        let Some(known) = self.tickets.get_mut(id) else {
            return;
        };
        known.status = status;
        changed.entries.push(Entry::Ticket(KeptTicket::new(known, Some(keep_until))));
        changed.tickets.push(id.clone());
        let record = Arc::clone(&known.record);
        self.groups.remove(&record.ticket.group);
        for player in record.ticket.players.iter() {
            self.players.remove(&player.id);
        }
        if let Some(queue) = self.queues.get_mut(&record.queue) {
            queue.remove(&record);
            self.drop_queue_if_unused(&record.queue);
        }
        self.retention.keep(id.clone(), keep_until);
    }

    fn holds(&self, lease: &Lease) -> bool {
        self.queues.get(&lease.queue).is_some_and(|queue| queue.fence() == Some(lease.fence))
    }

    fn is_queued(&self, id: &TicketId, queue: &QueueKey) -> bool {
        self.tickets
            .get(id)
            .is_some_and(|known| known.status == Status::Queued && known.record.queue == *queue)
    }

    fn drop_queue_if_unused(&mut self, key: &QueueKey) {
        if self.queues.get(key).is_some_and(|queue| queue.is_empty() && queue.fence().is_none()) {
            self.queues.remove(key);
        }
    }
}
