//! The queued tickets of one queue, in order, and how many stand before each.
//!
//! A tree that is sorted by order would have to be walked to count a ticket's place, and that for a million tickets while
//! everybody waits for the state. Orders only grow, so the tickets lie in a list that is appended to; one that leaves
//! turns into a gap. A Fenwick tree over the list counts those that are left: a place costs a logarithm, and so does a
//! coming and a going. Gaps are closed when they are more than the tickets, which costs each going a constant.

use std::sync::Arc;

use crate::TicketRecord;

/// Fewer gaps than this are not worth closing.
const FEW: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Line {
    /// By order; `None` for one that has left.
    slots: Vec<(u64, Option<Arc<TicketRecord>>)>,
    /// At `n - 1`: how many tickets are left in the slots from `n - lowest_bit(n)` (included) to `n` (excluded).
    counts: Vec<u32>,
    /// How many tickets are left in all.
    left: usize,
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.left
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<TicketRecord>> {
        self.slots.iter().filter_map(|(_, ticket)| ticket.as_ref())
    }

    /// Adds a ticket, of a greater order than every ticket before.
    pub(super) fn push(&mut self, ticket: Arc<TicketRecord>) {
        let order = ticket.ticket.order;
        debug_assert!(self.slots.last().is_none_or(|(last, _)| *last < order), "orders grow");
        self.slots.push((order, Some(ticket)));
        self.left += 1;
        // The new count covers the ranges of some that are there, and the ticket.
        let number = self.slots.len();
        let begin = number - lowest_bit(number);
        let (mut end, mut count) = (number - 1, 1);
        while end > begin {
            count += self.counts[end - 1];
            end -= lowest_bit(end);
        }
        self.counts.push(count);
    }

    /// Takes out the ticket of this order; nothing where it isn't here.
    pub(super) fn remove(&mut self, order: u64) {
        let Some(index) = self.find(order) else { return };
        self.slots[index].1 = None;
        self.left -= 1;
        let mut number = index + 1;
        while let Some(count) = self.counts.get_mut(number - 1) {
            *count -= 1;
            number += lowest_bit(number);
        }
        if self.slots.len() - self.left > self.left.max(FEW) {
            self.close_gaps();
        }
    }

    /// How many tickets are no younger than the one of this order, itself included; `None` where it isn't here.
    pub(super) fn position(&self, order: u64) -> Option<u32> {
        let mut end = self.find(order)? + 1;
        let mut position = 0;
        while end > 0 {
            position += self.counts[end - 1];
            end -= lowest_bit(end);
        }
        Some(position)
    }

    /// The slot of the ticket of this order.
    fn find(&self, order: u64) -> Option<usize> {
        let index = self.slots.binary_search_by_key(&order, |(order, _)| *order).ok()?;
        self.slots[index].1.is_some().then_some(index)
    }

    fn close_gaps(&mut self) {
        self.slots.retain(|(_, ticket)| ticket.is_some());
        self.slots.shrink_to(2 * self.left);
        self.counts.clear();
        self.counts.shrink_to(2 * self.left);
        // Without gaps, a count is the length of its range; a queue holds fewer tickets than a `u32` counts.
        self.counts
            .extend((1..=self.left).map(|number| u32::try_from(lowest_bit(number)).unwrap_or(u32::MAX)));
    }
}

fn lowest_bit(number: usize) -> usize {
    number & number.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use matching::{GroupId, QueueKey, Ticket, TicketId, Time};
    use proptest::prelude::*;

    use super::*;

    fn ticket(order: u64) -> Arc<TicketRecord> {
        let ticket = Ticket {
            id: TicketId::new(format!("t-{order}")),
            group: GroupId::new("g"),
            players: Arc::from([]),
            order,
            enqueued_at: Time(0),
            expires_at: Time(0),
        };
        Arc::new(TicketRecord { ticket, queue: QueueKey::new("q"), region: None, constraints: None })
    }

    proptest! {
        /// Tickets come (`None`) and leave (the one at that place, from either end) in any order.
        #[test]
        fn a_place_is_what_counting_says(
            steps in proptest::collection::vec(proptest::option::of((any::<bool>(), 0..40_usize)), 0..800),
        ) {
            let (mut line, mut plain, mut order) = (Line::default(), BTreeMap::new(), 0);
            for step in steps {
                match step {
                    None => {
                        order += 1 + order % 3;
                        line.push(ticket(order));
                        plain.insert(order, ());
                    }
                    Some((from_end, nth)) => {
                        let nth = if from_end { plain.keys().rev().nth(nth) } else { plain.keys().nth(nth) };
                        let Some(nth) = nth.copied() else { continue };
                        plain.remove(&nth);
                        line.remove(nth);
                        line.remove(nth);
                        prop_assert_eq!(line.position(nth), None);
                    }
                }
            }
            prop_assert_eq!(line.len(), plain.len());
            let orders: Vec<_> = line.iter().map(|ticket| ticket.ticket.order).collect();
            prop_assert_eq!(&orders, &plain.keys().copied().collect::<Vec<_>>());
            for (order, position) in orders.iter().zip(1..) {
                prop_assert_eq!(line.position(*order), Some(position));
            }
            prop_assert!(line.slots.len() <= 2 * line.len() + 2 * FEW, "gaps are closed");
        }
    }
}
