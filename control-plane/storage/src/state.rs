//! The state itself and its transitions, as plain data: no lock, no I/O, time as an argument.
//!
//! [`Memory`](crate::Memory) puts a lock around it. What each transition means is said at the trait,
//! [`Storage`](crate::Storage); here is how it is done.

mod queue;
mod redeemed;
mod retention;

use std::{collections::HashMap, sync::Arc, time::Duration};

use matching::{GroupId, PlayerId, QueueKey, Ticket, TicketId, Time};

use self::{queue::Queue, redeemed::Redeemed, retention::Retention};
use crate::{
    Cancelled, EnqueueError, Enqueued, Fenced, KEEP_ENDED, Lease, NewMatch, NewTicket, QueueFeed, Status,
    TicketRecord, TicketState, TokenId, WorkerId,
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
    /// The order of the newest ticket; grows over all queues.
    last_order: u64,
    /// The fence of the newest lease; grows over all queues.
    last_fence: u64,
}

/// Whom a transition has to be told to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Tickets with a new status.
    pub(crate) tickets: Vec<TicketId>,
    /// A queue has tickets and no owner.
    pub(crate) unowned_queue: bool,
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
                group: new.group.clone(),
                players: new.players,
                order: self.last_order,
                enqueued_at: now,
                expires_at: now + new.lifetime,
            },
            queue: new.queue.clone(),
            region: new.region,
            constraints: new.constraints,
        });
        let state = TicketState { record: Arc::clone(&record), status: Status::Queued };
        self.groups.insert(new.group, new.id.clone());
        for player in record.ticket.players.iter() {
            self.players.insert(player.id.clone(), new.id.clone());
        }
        self.tickets.insert(new.id, state.clone());
        let queue = self.queues.entry(new.queue).or_default();
        queue.insert(record);
        let unowned_queue = !queue.is_owned(now);
        Ok((Enqueued::New(state), Changed { unowned_queue, ..Changed::default() }))
    }

    pub(crate) fn cancel(&mut self, id: &TicketId, now: Time) -> (Option<Cancelled>, Changed) {
        let Some(ticket) = self.tickets.get(id) else {
            return (None, Changed::default());
        };
        match &ticket.status {
            Status::Queued => {
                self.end(id, Status::Cancelled, now + KEEP_ENDED);
                (Some(Cancelled::Yes), Changed { tickets: vec![id.clone()], ..Changed::default() })
            }
            Status::Cancelled => (Some(Cancelled::Yes), Changed::default()),
            ended => (Some(Cancelled::No(ended.clone())), Changed::default()),
        }
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
        let mut tickets = Vec::with_capacity(new.assignments.len());
        for (id, assignment) in new.assignments {
            self.end(&id, Status::Assigned(assignment), now + new.lasting);
            tickets.push(id);
        }
        (Fenced::Done, Changed { tickets, ..Changed::default() })
    }

    pub(crate) fn expire(&mut self, lease: &Lease, ids: &[TicketId], now: Time) -> (Fenced, Changed) {
        if !self.holds(lease) {
            return (Fenced::LeaseLost, Changed::default());
        }
        let mut changed = Changed::default();
        for id in ids {
            let due = self.tickets.get(id).is_some_and(|known| known.record.ticket.expires_at <= now);
            if due && self.is_queued(id, &lease.queue) {
                self.end(id, Status::Expired, now + KEEP_ENDED);
                changed.tickets.push(id.clone());
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

    pub(crate) fn unowned_queues(&self, now: Time) -> Vec<QueueKey> {
        let unowned = self.queues.iter().filter(|(_, queue)| !queue.is_empty() && !queue.is_owned(now));
        unowned.map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn redeem(&mut self, token: &TokenId, expires_at: Time) -> bool {
        self.redeemed.insert(token, expires_at)
    }

    pub(crate) fn sweep(&mut self, now: Time, limit: usize) -> usize {
        let ended = self.retention.take_due(now, limit);
        for id in &ended {
            self.tickets.remove(id);
        }
        // An owner that is over left nothing behind but its name.
        self.queues.retain(|_, queue| !queue.is_empty() || queue.is_owned(now));
        ended.len() + self.redeemed.sweep(now, limit)
    }

    /// Moves a queued ticket to a final status and frees its group and players.
    fn end(&mut self, id: &TicketId, status: Status, keep_until: Time) {
        let Some(known) = self.tickets.get_mut(id) else {
            return;
        };
        known.status = status;
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
