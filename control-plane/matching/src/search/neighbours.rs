//! The tickets that lie closest to one, in the order of the number that the rules want to be close.

use std::{ops::Bound, time::Duration};

use super::{
    Effort,
    waiting::{Entry, Slot, Waiting},
};
use crate::{Time, judge::Judge};

/// After so many in a row that fit nobody here, nothing is looked for further out.
const IN_VAIN: u32 = 64;

/// A ticket and what lies around it.
#[derive(Debug)]
pub(super) struct Neighbours {
    /// By the number, and of equals the oldest first.
    pub(super) list: Vec<Neighbour>,
    /// Where the ticket itself is in it.
    pub(super) seed: usize,
    /// Whether there is more beyond the first and beyond the last.
    pub(super) more: (bool, bool),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour {
    pub(super) slot: Slot,
    pub(super) near: f64,
    pub(super) order: u64,
    pub(super) size: usize,
    /// Whether the seed may meet it. One that it may not is here because of those in between, who have the choice.
    pub(super) meets_seed: bool,
}

impl Neighbour {
    pub(super) fn new(slot: Slot, entry: &Entry, meets_seed: bool) -> Self {
        let (near, order) = entry.place();
        Self { slot, near: near.0, order, size: entry.facts.size(), meets_seed }
    }
}

/// Gathers them.
pub(super) fn of(judge: &Judge, waiting: &Waiting, seed: Slot, now: Time, effort: &mut Effort) -> Neighbours {
    let shelf = waiting.shelf_of(seed);
    let place = waiting[seed].place();
    let below = shelf.range(..place).rev().map(|(_, slot)| *slot);
    let above = shelf.range((Bound::Excluded(place), Bound::Unbounded)).map(|(_, slot)| *slot);
    let (mut list, more_below) = side(judge, waiting, seed, below, now, effort);
    list.reverse();
    let at = list.len();
    list.push(Neighbour::new(seed, &waiting[seed], true));
    let (above, more_above) = side(judge, waiting, seed, above, now, effort);
    list.extend(above);
    Neighbours { list, seed: at, more: (more_below, more_above) }
}

/// Those on one side, from the inside out, and whether there are more.
fn side(
    judge: &Judge,
    waiting: &Waiting,
    seed: Slot,
    slots: impl Iterator<Item = Slot>,
    now: Time,
    effort: &mut Effort,
) -> (Vec<Neighbour>, bool) {
    let mut found: Vec<Neighbour> = Vec::new();
    let mut in_vain = 0;
    let reach = reach(judge, waiting, seed, now);
    let seed_facts = &waiting[seed].facts;
    for slot in slots {
        if found.len() == effort.neighbours {
            // Those further out are further away: a match with them would be a worse one, so this is no giving up.
            return (found, true);
        }
        if !effort.spend(|effort| &mut effort.looks) {
            return (found, true);
        }
        let entry = &waiting[slot];
        if !entry.is_alive(now) {
            continue;
        }
        let meets_seed = judge.may_meet(seed_facts, &entry.facts, now);
        let meets_last =
            || found.last().is_some_and(|last| judge.may_meet(&waiting[last.slot].facts, &entry.facts, now));
        if meets_seed || meets_last() {
            in_vain = 0;
            found.push(Neighbour::new(slot, entry, meets_seed));
        } else {
            in_vain += 1;
            if in_vain == IN_VAIN {
                // Where the rules say how far, nothing fits beyond that; where they don't, something may.
                let distance = (entry.place().0.0 - waiting[seed].place().0.0).abs();
                let more = reach.is_none_or(|reach| distance <= reach);
                if more {
                    effort.give_up();
                }
                return (found, more);
            }
        }
    }
    (found, false)
}

/// How far from the seed a ticket may lie at most.
fn reach(judge: &Judge, waiting: &Waiting, seed: Slot, now: Time) -> Option<f64> {
    let age = |since: Time| now.since(since);
    let oldest = waiting.tickets().next().map_or(Duration::ZERO, |ticket| age(ticket.enqueued_at));
    let newest = age(waiting[seed].ticket.enqueued_at);
    judge.plan().near.as_ref()?.limit(newest, oldest.max(newest))
}
