//! What the rules say the state must be, in the plainest way to say it: tickets in a list, everything else counted anew.

use std::{collections::BTreeMap, time::Duration};

use matching::{QueueKey, TicketId, Time};
use storage::{EnqueueError, Fenced, KEEP_ENDED, Lease, NewTicket, Status};

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) now: Time,
    /// In the order of their enqueues; the forgotten ones are not here.
    pub(crate) tickets: Vec<Known>,
    owners: BTreeMap<QueueKey, (u64, Time)>,
    /// What the present owners said, in a number.
    reports: BTreeMap<QueueKey, u64>,
    redeemed: BTreeMap<String, (Time, String)>,
    newest_fence: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) new: NewTicket,
    pub(crate) status: Ended,
    expires_at: Time,
    keep_until: Option<Time>,
    seen: Option<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Not,
    Assigned,
    Cancelled,
    Expired,
    Absent,
}

/// What an enqueue must come to.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    New,
    /// The ticket of this id.
    Known(String),
    Refused(EnqueueError),
}

impl Ended {
    pub(crate) fn of(status: &Status) -> Self {
        match status {
            Status::Queued => Self::Not,
            Status::Assigned(_) => Self::Assigned,
            Status::Cancelled => Self::Cancelled,
            Status::Expired => Self::Expired,
            Status::Absent => Self::Absent,
        }
    }
}

impl Model {
    /// Without any ticket.
    pub(crate) fn at(now: Time) -> Self {
        Self { now, ..Self::default() }
    }

    pub(crate) fn enqueue(&mut self, new: &NewTicket) -> Outcome {
        let same = |known: &Known| {
            known.new.queue == new.queue && known.new.group == new.group && known.new.players == new.players
        };
        if let Some(known) = self.tickets.iter().find(|known| known.new.id == new.id) {
            return if same(known) {
                Outcome::Known(known.new.id.to_string())
            } else {
                Outcome::Refused(EnqueueError::TicketIdTaken)
            };
        }
        if let Some(known) = self.queued().find(|known| known.new.group == new.group) {
            return if same(known) {
                Outcome::Known(known.new.id.to_string())
            } else {
                Outcome::Refused(EnqueueError::GroupQueued(known.new.id.clone()))
            };
        }
        let busy = |id| self.queued().any(|known| known.new.players.iter().any(|player| player.id == id));
        if let Some(player) = new.players.iter().find(|player| busy(player.id.clone())) {
            return Outcome::Refused(EnqueueError::PlayerQueued(player.id.clone()));
        }
        if self.queued_in(&new.queue).len() >= new.queue_limit {
            return Outcome::Refused(EnqueueError::QueueFull);
        }
        let expires_at = self.now + new.lifetime;
        let (status, new) = (Ended::Not, new.clone());
        self.tickets.push(Known { new, status, expires_at, keep_until: None, seen: None });
        Outcome::New
    }

    /// The ticket's status after a cancel.
    pub(crate) fn cancel(&mut self, id: &str) -> Option<Ended> {
        if self.is_queued(id) {
            self.end(id, Ended::Cancelled, KEEP_ENDED);
        }
        self.status(id)
    }

    pub(crate) fn assign(&mut self, lease: &Lease, ids: &[&str], lasting: Duration) -> Fenced {
        if !self.holds(lease) {
            return Fenced::LeaseLost;
        }
        let here = |id: &&str| self.queued_in(&lease.queue).contains(&(*id).to_owned());
        let gone: Vec<_> = ids.iter().copied().filter(|id| !here(id)).map(TicketId::new).collect();
        if !gone.is_empty() {
            return Fenced::NotQueued(gone);
        }
        for id in ids {
            self.end(id, Ended::Assigned, lasting);
        }
        Fenced::Done
    }

    pub(crate) fn expire(&mut self, lease: &Lease, ids: &[&str]) -> Fenced {
        if !self.holds(lease) {
            return Fenced::LeaseLost;
        }
        for id in ids {
            let due = |known: &&Known| known.new.id.as_str() == *id && known.expires_at <= self.now;
            if self.queued().find(due).is_some_and(|known| known.new.queue == lease.queue) {
                self.end(id, Ended::Expired, KEEP_ENDED);
            }
        }
        Fenced::Done
    }

    /// Notes that these were seen `now`.
    pub(crate) fn note_seen(&mut self, queue: &QueueKey, ids: &[&str], now: Time) {
        for known in self.tickets.iter_mut().filter(|known| known.status == Ended::Not) {
            if known.new.queue == *queue && ids.contains(&known.new.id.as_str()) {
                known.seen = known.seen.max(Some(now));
            }
        }
    }

    /// The queue's tickets that were noted and not seen after `since`, the longest ago first.
    pub(crate) fn absent(&self, queue: &QueueKey, since: Time) -> Vec<TicketId> {
        let noted = self.queued().filter(|known| known.new.queue == *queue);
        let noted = noted.filter_map(|known| Some((known.seen?, known.new.id.clone())));
        let mut absent: Vec<_> = noted.filter(|(seen, _)| *seen <= since).collect();
        absent.sort();
        absent.into_iter().map(|(_, id)| id).collect()
    }

    pub(crate) fn drop_absent(&mut self, lease: &Lease, ids: &[&str], since: Time) -> Option<Vec<TicketId>> {
        if !self.holds(lease) {
            return None;
        }
        let absent = self.absent(&lease.queue, since);
        let dropped = ids.iter().map(|id| TicketId::new(*id)).filter(|id| absent.contains(id));
        let dropped: Vec<_> = dropped.collect();
        for id in &dropped {
            self.end(id.as_str(), Ended::Absent, KEEP_ENDED);
        }
        Some(dropped)
    }

    /// Whether a claim must succeed.
    pub(crate) fn may_claim(&self, queue: &QueueKey) -> bool {
        self.owners.get(queue).is_none_or(|(_, until)| *until <= self.now)
    }

    /// Notes a claim; its fence is greater than any before.
    pub(crate) fn claimed(&mut self, lease: &Lease, lasting: Duration) {
        assert!(lease.fence > self.newest_fence, "{lease:?} after {}", self.newest_fence);
        self.newest_fence = lease.fence;
        self.reports.remove(&lease.queue);
        self.owners.insert(lease.queue.clone(), (lease.fence, self.now + lasting));
    }

    pub(crate) fn renew(&mut self, lease: &Lease, lasting: Duration) -> bool {
        let (holds, until) = (self.holds(lease), self.now + lasting);
        if holds {
            self.owners.insert(lease.queue.clone(), (lease.fence, until));
        }
        holds
    }

    pub(crate) fn release(&mut self, lease: &Lease) {
        if self.holds(lease) {
            self.owners.remove(&lease.queue);
            self.reports.remove(&lease.queue);
        }
    }

    pub(crate) fn report(&mut self, lease: &Lease, said: u64) -> bool {
        let holds = self.holds(lease);
        if holds {
            self.reports.insert(lease.queue.clone(), said);
        }
        holds
    }

    /// What there is to be read of the owners' reports.
    pub(crate) fn reports(&self) -> Vec<(QueueKey, u64)> {
        let lasting = self.reports.iter().filter(|(queue, _)| !self.may_claim(queue));
        lasting.map(|(queue, said)| (queue.clone(), *said)).collect()
    }

    pub(crate) fn redeem(&mut self, token: &str, by: &str, expires_at: Time) -> bool {
        let redeemed = self.redeemed.entry(token.to_owned());
        redeemed.or_insert_with(|| (expires_at, by.to_owned())).1 == by
    }

    /// How many things must be forgotten now.
    pub(crate) fn sweep(&mut self) -> usize {
        let now = self.now;
        let before = self.tickets.len() + self.redeemed.len();
        self.tickets.retain(|known| known.keep_until.is_none_or(|until| until > now));
        self.redeemed.retain(|_, (expires_at, _)| *expires_at > now);
        let unused: Vec<_> =
            self.owners.keys().filter(|queue| self.queued_in(queue).is_empty()).cloned().collect();
        for queue in unused.iter().filter(|queue| self.may_claim(queue)).cloned().collect::<Vec<_>>() {
            self.owners.remove(&queue);
            self.reports.remove(&queue);
        }
        before - self.tickets.len() - self.redeemed.len()
    }

    pub(crate) fn holds(&self, lease: &Lease) -> bool {
        self.owners.get(&lease.queue).is_some_and(|(fence, _)| *fence == lease.fence)
    }

    pub(crate) fn status(&self, id: &str) -> Option<Ended> {
        self.tickets.iter().find(|known| known.new.id.as_str() == id).map(|known| known.status)
    }

    /// The ids of the queue's tickets, oldest first.
    pub(crate) fn queued_in(&self, queue: &QueueKey) -> Vec<String> {
        self.queued()
            .filter(|known| known.new.queue == *queue)
            .map(|known| known.new.id.to_string())
            .collect()
    }

    fn queued(&self) -> impl Iterator<Item = &Known> {
        self.tickets.iter().filter(|known| known.status == Ended::Not)
    }

    fn is_queued(&self, id: &str) -> bool {
        self.status(id) == Some(Ended::Not)
    }

    fn end(&mut self, id: &str, status: Ended, keep: Duration) {
        let now = self.now;
        for known in self.tickets.iter_mut().filter(|known| known.new.id.as_str() == id) {
            known.status = status;
            known.keep_until = Some(now + keep);
        }
    }
}
