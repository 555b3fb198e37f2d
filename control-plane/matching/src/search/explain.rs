//! Why a ticket waits under a rule set.
//!
//! The same judge is asked that parts tickets in a search, so what is told is what happened. The work is bounded like a
//! try's: of a large queue those are looked at that lie closest, from the inside out, and then the oldest of those that a text
//! keeps apart.

use std::{collections::BTreeMap, ops::Bound};

use super::{Search, waiting::Slot};
use crate::{
    TicketId, Time,
    explanation::{Exclusion, Explanation},
    judge::Breach,
    rule_set::AgeBasis,
};

/// Tickets looked at.
const LOOKS: usize = 2_000;

/// How many a thing keeps away, and by how much the nearest misses.
type Tally = (usize, Option<f64>);

impl Search {
    /// How things stand for a ticket. `None`: it isn't here.
    pub(crate) fn explain(&self, id: &TicketId, now: Time) -> Option<Explanation> {
        let seed = self.waiting.find(id)?;
        let own = &self.waiting[seed];
        let oldest = self.waiting.tickets().next().map_or(now, |ticket| ticket.enqueued_at);
        let (mut looked_at, mut fitting, mut fitting_players) = (0, 0, 0);
        let mut parted: BTreeMap<Breach, Tally> = BTreeMap::new();
        for slot in self.closest(seed).chain(self.on_other_shelves(seed)).take(LOOKS) {
            let other = &self.waiting[slot];
            looked_at += 1;
            match self.judge.why_apart(&own.facts, &other.facts, now, oldest) {
                None => {
                    fitting += 1;
                    fitting_players += other.facts.size();
                }
                Some(broken) => {
                    let (tickets, nearest) = parted.entry(broken.what).or_default();
                    *tickets += 1;
                    *nearest = match (*nearest, broken.by) {
                        (Some(known), Some(by)) => Some(known.min(by)),
                        (known, by) => known.or(by),
                    };
                }
            }
        }
        let age = now.since(own.ticket.enqueued_at);
        let players_needed = self.players_needed(now, own.ticket.enqueued_at, oldest);
        Some(Explanation {
            candidates: self.waiting.len() - 1,
            looked_at,
            fitting,
            fitting_players,
            exclusions: self.exclusions(parted),
            players_needed,
            players_missing: players_needed.saturating_sub(own.facts.size() + fitting_players),
            next_change: self.judge.next_change(age).map(|at| own.ticket.enqueued_at + at),
        })
    }

    /// Those on its shelf, the closest first.
    fn closest(&self, seed: Slot) -> impl Iterator<Item = Slot> {
        let (shelf, place) = (self.waiting.shelf_of(seed), self.waiting[seed].place());
        let mut below = shelf.range(..place).rev().peekable();
        let mut above = shelf.range((Bound::Excluded(place), Bound::Unbounded)).peekable();
        let from = place.0.0;
        std::iter::from_fn(move || {
            let distance = |found: Option<&(&(super::waiting::Near, u64), &Slot)>| {
                found.map_or(f64::INFINITY, |((near, _), _)| (near.0 - from).abs())
            };
            let next = if distance(above.peek()) <= distance(below.peek()) {
                above.next().or_else(|| below.next())
            } else {
                below.next()
            };
            next.map(|(_, slot)| *slot)
        })
    }

    /// Those that can't meet it because a text differs, the oldest first.
    fn on_other_shelves(&self, seed: Slot) -> impl Iterator<Item = Slot> {
        let own = self.waiting[seed].facts.key();
        // Where there is one shelf, nobody has to be passed over to find that out.
        let others = self.waiting.len() - self.waiting.shelf_of(seed).len();
        let slots = self.waiting.tickets().filter_map(|ticket| self.waiting.find(&ticket.id));
        // A shelf of a million before the first of another is not walked.
        slots
            .take(if others == 0 { 0 } else { 2 * LOOKS })
            .filter(move |slot| self.waiting[*slot].facts.key() != own)
    }

    /// Players of the smallest match that the ticket can be in by now.
    fn players_needed(&self, now: Time, since: Time, oldest: Time) -> usize {
        let age = now.since(match self.judge.rules().algorithm.expansion_age {
            AgeBasis::Newest => since,
            AgeBasis::Oldest => oldest,
        });
        let least: f64 = self.judge.plan().teams.iter().map(|team| team.min_players.at(age)).sum();
        // Sizes are small whole numbers, and a match has somebody in it.
        (least.max(1.0)) as usize
    }

    fn exclusions(&self, parted: BTreeMap<Breach, Tally>) -> Vec<Exclusion> {
        let exclusion = |(what, (tickets, nearest_by)): (Breach, Tally)| {
            let (what, is_rule) = match what {
                Breach::TeamSize(_) => ("team size", false),
                Breach::TeamAsked(_) => ("team asked", false),
                Breach::Roles(_) => ("roles", false),
                Breach::PremadeParity => ("premade parity", false),
                Breach::Rule(index) => (self.judge.rules().rules[index].name.as_str(), true),
            };
            Exclusion { what: what.to_owned(), is_rule, tickets, nearest_by }
        };
        let mut exclusions: Vec<Exclusion> = Vec::new();
        for one in parted.into_iter().map(exclusion) {
            // Of several teams' sizes nobody needs to know which team's.
            match exclusions.iter_mut().find(|known| (&known.what, known.is_rule) == (&one.what, one.is_rule))
            {
                Some(known) => {
                    known.tickets += one.tickets;
                    known.nearest_by = known.nearest_by.into_iter().chain(one.nearest_by).reduce(f64::min);
                }
                None => exclusions.push(one),
            }
        }
        exclusions.sort_by_key(|one| std::cmp::Reverse(one.tickets));
        exclusions
    }
}
