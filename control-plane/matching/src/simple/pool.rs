//! The waiting tickets of one queue, filed the ways that matching asks for them.
//!
//! Strategies look at sizes and ages only, so tickets of one size lie in one bucket, oldest first, and a strategy reads
//! the front of a few buckets instead of the queue. Every step here costs a logarithm of the number of tickets.
//! Whether tickets fit together is the strategies' business; the pool knows no rule.
//!
//! A ticket whose lifetime is over must not be proposed, yet it is still here until somebody takes it out. So buckets
//! hold only what is alive at `as_of`, and [`Pool::set_now`] moves that point; each ticket crosses it once, and back
//! if the clock is set back.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry},
    ops::Bound,
};

use crate::{Ticket, TicketId, Time};

/// Tickets by order, by id, by expiry, and the living ones by size.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// All of them, the dead included.
    tickets: BTreeMap<u64, Ticket>,
    /// Only ever looked into, never walked: its iteration order is random.
    orders: HashMap<TicketId, u64>,
    /// All of them.
    expiries: BTreeSet<(Time, u64)>,
    /// Those that expire after `as_of`. No bucket is empty.
    buckets: BTreeMap<u32, BTreeSet<u64>>,
    /// The time for which the buckets are right.
    as_of: Time,
    /// See [`Pool::overtaken`].
    overtaken: bool,
}

impl Pool {
    /// Adds a ticket; `false`, and nothing changes, where its id or its order is here already.
    pub(crate) fn insert(&mut self, ticket: Ticket) -> bool {
        if self.orders.contains_key(&ticket.id) {
            return false;
        }
        let order = ticket.order;
        let Entry::Vacant(place) = self.tickets.entry(order) else {
            return false;
        };
        let ticket = place.insert(ticket);
        self.orders.insert(ticket.id.clone(), order);
        self.expiries.insert((ticket.expires_at, order));
        if ticket.expires_at > self.as_of {
            let size = size(ticket);
            self.buckets.entry(size).or_default().insert(order);
        }
        true
    }

    /// A ticket, dead or alive.
    pub(crate) fn get(&self, id: &TicketId) -> Option<&Ticket> {
        self.tickets.get(self.orders.get(id)?)
    }

    /// Takes a ticket out, dead or alive.
    pub(crate) fn remove(&mut self, id: &TicketId) -> Option<Ticket> {
        let order = *self.orders.get(id)?;
        self.take(order)
    }

    /// Takes the ticket of this order out, dead or alive.
    pub(crate) fn take(&mut self, order: u64) -> Option<Ticket> {
        let ticket = self.tickets.remove(&order)?;
        self.orders.remove(&ticket.id);
        self.expiries.remove(&(ticket.expires_at, order));
        self.bury(&ticket);
        Some(ticket)
    }

    /// The ticket whose lifetime is over first, if it is over at `now`.
    pub(crate) fn first_expired(&self, now: Time) -> Option<u64> {
        let &(expires_at, order) = self.expiries.first()?;
        (expires_at <= now).then_some(order)
    }

    /// When the next lifetime is over, or was.
    pub(crate) fn next_expiry(&self) -> Option<Time> {
        self.expiries.first().map(|&(expires_at, _)| expires_at)
    }

    /// Makes the buckets right for `now`, which may also be earlier than the last.
    pub(crate) fn set_now(&mut self, now: Time) {
        let crossed =
            |from: Time, to: Time| (Bound::Excluded((from, u64::MAX)), Bound::Included((to, u64::MAX)));
        if now > self.as_of {
            let dying: Vec<u64> =
                self.expiries.range(crossed(self.as_of, now)).map(|&(_, order)| order).collect();
            for order in dying {
                // Cheap: what is large in a ticket is shared.
                let ticket = self.tickets[&order].clone();
                self.bury(&ticket);
            }
        } else if now < self.as_of {
            for &(_, order) in self.expiries.range(crossed(now, self.as_of)) {
                let size = size(&self.tickets[&order]);
                self.buckets.entry(size).or_default().insert(order);
            }
        }
        self.as_of = now;
    }

    /// The living tickets by party size, smallest size first; each bucket oldest first.
    pub(crate) fn buckets(&self) -> impl DoubleEndedIterator<Item = (u32, &BTreeSet<u64>)> {
        self.buckets.iter().map(|(&size, bucket)| (size, bucket))
    }

    /// The oldest living ticket of every size, in no order that means anything.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (u32, &Ticket)> {
        self.buckets().filter_map(|(size, bucket)| Some((size, &self.tickets[bucket.first()?])))
    }

    /// Whether a ticket came to the head of its bucket which has waited longer than the one before it, since this was
    /// last asked. Order and time of enqueue can disagree by as much as the clocks of those who set them do, and then
    /// such a head may be allowed what the last one was not yet.
    pub(crate) fn overtaken(&mut self) -> bool {
        std::mem::take(&mut self.overtaken)
    }

    /// Whether [`Pool::overtaken`] would say so.
    pub(crate) fn is_overtaken(&self) -> bool {
        self.overtaken
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.tickets.len()
    }

    /// All of them, oldest first.
    pub(crate) fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.values()
    }

    /// Takes a ticket out of its bucket, if it is in it.
    fn bury(&mut self, ticket: &Ticket) {
        let size = size(ticket);
        let Some(bucket) = self.buckets.get_mut(&size) else {
            return;
        };
        let was_head = bucket.first() == Some(&ticket.order);
        bucket.remove(&ticket.order);
        match bucket.first() {
            None => {
                self.buckets.remove(&size);
            }
            Some(head) if was_head => {
                self.overtaken |= self.tickets[head].enqueued_at < ticket.enqueued_at;
            }
            Some(_) => {}
        }
    }
}

/// A ticket's number of players, as the strategies count.
fn size(ticket: &Ticket) -> u32 {
    u32::try_from(ticket.size()).unwrap_or(u32::MAX)
}
