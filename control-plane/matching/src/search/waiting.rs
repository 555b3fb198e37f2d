//! The waiting tickets, and the orders in which a search asks for them.
//!
//! A ticket stays in its slot as long as it is here; all indices hold slots. Tickets that can't meet because a text differs lie in
//! different shelves; on a shelf they lie by the number that the rules want to be close, and by age where they are equal.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, RandomState},
    ops::{Index, IndexMut},
};

use hashbrown::HashTable;

use crate::{Ticket, TicketId, Time, judge::Facts};

/// Where a ticket lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u32);

/// A number by which tickets are sorted. Facts hold finite ones only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Near(pub(crate) f64);

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) ticket: Ticket,
    pub(crate) facts: Facts,
    /// When time may change something for it; the end of time: never.
    pub(crate) turn: Time,
    /// How many tries gave up.
    pub(crate) tries: u8,
}

/// The end of time.
pub(crate) const NEVER: Time = Time(u64::MAX);

/// The tickets of one shelf.
pub(crate) type Shelf = BTreeMap<(Near, u64), Slot>;
/// What all tickets of a shelf have in common.
type Key = Box<[smol_str::SmolStr]>;

#[derive(Debug, Default)]
pub(crate) struct Waiting {
    slots: Vec<Option<Entry>>,
    free: Vec<Slot>,
    /// Only ever looked into, never walked: its order is random.
    by_id: HashTable<Slot>,
    hasher: RandomState,
    by_order: BTreeMap<u64, Slot>,
    expiries: BTreeSet<(Time, Slot)>,
    shelves: BTreeMap<Key, Shelf>,
}

impl Entry {
    pub(crate) fn is_alive(&self, now: Time) -> bool {
        self.ticket.expires_at > now
    }

    /// Its place on its shelf.
    pub(crate) fn place(&self) -> (Near, u64) {
        (Near(self.facts.near().unwrap_or(0.0)), self.ticket.order)
    }
}

impl Waiting {
    /// `None`, and nothing changes, where the id or the order is here already.
    pub(crate) fn insert(&mut self, ticket: Ticket, facts: Facts) -> Option<Slot> {
        if self.find(&ticket.id).is_some() || self.by_order.contains_key(&ticket.order) {
            return None;
        }
        let entry = Entry { ticket, facts, turn: NEVER, tries: 0 };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                Slot(u32::try_from(self.slots.len() - 1).expect("a queue has fewer than 2^32 tickets"))
            }
        };
        let (order, expires_at) = (entry.ticket.order, entry.ticket.expires_at);
        match self.shelves.get_mut(entry.facts.key()) {
            Some(shelf) => _ = shelf.insert(entry.place(), slot),
            None => _ = self.shelves.insert(entry.facts.key().into(), [(entry.place(), slot)].into()),
        }
        let hash = self.hasher.hash_one(&entry.ticket.id);
        self.slots[slot.0 as usize] = Some(entry);
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_id.insert_unique(hash, slot, |slot| hasher.hash_one(id(slots, *slot)));
        self.by_order.insert(order, slot);
        self.expiries.insert((expires_at, slot));
        Some(slot)
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Entry {
        let hash = self.hasher.hash_one(id(&self.slots, slot));
        if let Ok(found) = self.by_id.find_entry(hash, |known| *known == slot) {
            found.remove();
        }
        let entry = self.slots[slot.0 as usize].take().expect("whoever has a slot found a ticket there");
        self.free.push(slot);
        self.by_order.remove(&entry.ticket.order);
        self.expiries.remove(&(entry.ticket.expires_at, slot));
        if let Some(shelf) = self.shelves.get_mut(entry.facts.key()) {
            shelf.remove(&entry.place());
            if shelf.is_empty() {
                self.shelves.remove(entry.facts.key());
            }
        }
        entry
    }

    pub(crate) fn find(&self, wanted: &TicketId) -> Option<Slot> {
        self.by_id.find(self.hasher.hash_one(wanted), |slot| id(&self.slots, *slot) == wanted).copied()
    }

    /// The tickets that this one may meet as far as texts go, and itself.
    pub(crate) fn shelf_of(&self, slot: Slot) -> &Shelf {
        &self.shelves[self[slot].facts.key()]
    }

    /// All shelves.
    pub(crate) fn shelves(&self) -> impl Iterator<Item = &Shelf> {
        self.shelves.values()
    }

    pub(crate) fn first_expired(&self, now: Time) -> Option<Slot> {
        self.expiries.first().filter(|(at, ..)| *at <= now).map(|(.., slot)| *slot)
    }

    /// A lifetime of "for ever" ends at the end of time: nobody needs to be woken for that.
    pub(crate) fn next_expiry(&self) -> Option<Time> {
        self.expiries.first().map(|(at, ..)| *at).filter(|at| *at < NEVER)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_order.len()
    }

    pub(crate) fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.by_order.values().map(|slot| &self[*slot].ticket)
    }
}

fn id(slots: &[Option<Entry>], slot: Slot) -> &TicketId {
    &slots[slot.0 as usize].as_ref().expect("an index holds slots in use").ticket.id
}

impl Index<Slot> for Waiting {
    type Output = Entry;

    fn index(&self, slot: Slot) -> &Entry {
        self.slots[slot.0 as usize].as_ref().expect("whoever has a slot found a ticket there")
    }
}

impl IndexMut<Slot> for Waiting {
    fn index_mut(&mut self, slot: Slot) -> &mut Entry {
        self.slots[slot.0 as usize].as_mut().expect("whoever has a slot found a ticket there")
    }
}

impl Eq for Near {}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
