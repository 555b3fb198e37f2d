//! When the players of queued tickets were there last. Not written down: after a restart nobody is absent, until they are noted.

use std::collections::{BTreeSet, HashMap};

use matching::{QueueKey, TicketId, Time};

use super::{Changed, State};
use crate::{KEEP_ENDED, Lease, Status};

/// The notes of one queue, of queued tickets alone.
#[derive(Debug, Default)]
pub(super) struct Seen {
    at: HashMap<TicketId, Time>,
    /// The same, the longest ago first.
    by_time: BTreeSet<(Time, TicketId)>,
}

impl Seen {
    fn note(&mut self, ticket: &TicketId, now: Time) {
        let before = self.at.get(ticket).copied();
        if before.is_none_or(|before| before < now) {
            if let Some(before) = before {
                self.by_time.remove(&(before, ticket.clone()));
            }
            self.at.insert(ticket.clone(), now);
            self.by_time.insert((now, ticket.clone()));
        }
    }

    pub(super) fn forget(&mut self, ticket: &TicketId) {
        if let Some(at) = self.at.remove(ticket) {
            self.by_time.remove(&(at, ticket.clone()));
        }
    }

    fn until(&self, since: Time, limit: usize) -> Vec<TicketId> {
        let absent = self.by_time.iter().take_while(|(at, _)| *at <= since);
        absent.take(limit).map(|(_, ticket)| ticket.clone()).collect()
    }
}

impl State {
    pub(crate) fn note_seen(&mut self, queue: &QueueKey, tickets: &[TicketId], now: Time) {
        for ticket in tickets {
            if self.is_queued(ticket, queue)
                && let Some(queue) = self.queues.get_mut(queue)
            {
                queue.seen.note(ticket, now);
            }
        }
    }

    pub(crate) fn absent(&self, queue: &QueueKey, since: Time, limit: usize) -> Vec<TicketId> {
        self.queues.get(queue).map(|queue| queue.seen.until(since, limit)).unwrap_or_default()
    }

    pub(crate) fn drop_absent(
        &mut self,
        lease: &Lease,
        tickets: &[TicketId],
        since: Time,
        now: Time,
    ) -> (Option<Vec<TicketId>>, Changed) {
        let mut changed = Changed::default();
        if !self.holds(lease) {
            return (None, changed);
        }
        for ticket in tickets {
            let seen = self.queues.get(&lease.queue).and_then(|queue| queue.seen.at.get(ticket));
            if seen.is_some_and(|seen| *seen <= since) {
                self.end(ticket, Status::Absent, now + KEEP_ENDED, &mut changed);
            }
        }
        (Some(changed.tickets.clone()), changed)
    }
}
