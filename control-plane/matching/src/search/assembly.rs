//! A match around a seed, of parties and solos, for teams of any sizes.
//!
//! Of the tickets that may meet the seed, runs of neighbours are tried, the closest first; in each, tickets are taken one by one as
//! long as all may meet each other and the teams can hold them. Larger matches are tried before smaller ones.

use std::time::Duration;

use super::{
    Effort, Waiting,
    neighbours::{Neighbour, Neighbours},
    teams::{self, Arranged, Room},
    waiting::Slot,
};
use crate::{Time, judge::Judge};

/// Finds one: with the oldest ticket that may meet the seed if that can be, else with the seed alone.
pub(super) fn around(
    judge: &Judge,
    waiting: &Waiting,
    near: &Neighbours,
    now: Time,
    effort: &mut Effort,
) -> Option<Arranged> {
    let seed = near.list[near.seed];
    let candidates: Vec<Neighbour> =
        near.list.iter().filter(|neighbour| neighbour.meets_seed).copied().collect();
    let ages = candidates.iter().map(|candidate| now.since(waiting[candidate.slot].ticket.enqueued_at));
    let oldest_age = ages.max().unwrap_or(Duration::ZERO);
    let seed_age = now.since(waiting[seed.slot].ticket.enqueued_at);
    let rooms = teams::rooms(judge, seed_age, oldest_age);
    let anchor = candidates.iter().min_by_key(|candidate| candidate.order)?.slot;
    let mut assembly =
        Assembly { judge, waiting, now, rooms: &rooms, chosen: Vec::new(), players: 0, found: None };
    if anchor != seed.slot {
        assembly.search(&candidates, &[seed.slot, anchor], effort);
    }
    if assembly.found.is_none() {
        assembly.search(&candidates, &[seed.slot], effort);
    }
    assembly.found
}

struct Assembly<'a> {
    judge: &'a Judge,
    waiting: &'a Waiting,
    now: Time,
    rooms: &'a [Room],
    chosen: Vec<Slot>,
    players: usize,
    found: Option<Arranged>,
}

impl Assembly<'_> {
    /// Looks for a match of these candidates with all of `musts` in it.
    fn search(&mut self, candidates: &[Neighbour], musts: &[Slot], effort: &mut Effort) {
        let (min, max) =
            (self.rooms.iter().map(|room| room.min).sum(), self.rooms.iter().map(|room| room.max).sum());
        self.chosen.clear();
        self.players = 0;
        for &must in musts {
            if !self.join(must) {
                return;
            }
        }
        let there: usize = candidates.iter().map(|candidate| candidate.size).sum();
        for players in (usize::max(min, 1)..=usize::min(max, there)).rev() {
            for run in runs(candidates, musts, players) {
                let others: Vec<_> =
                    run.iter().filter(|candidate| !musts.contains(&candidate.slot)).copied().collect();
                self.fill(&others, players, effort);
                if self.found.is_some() || effort.gave_up() {
                    return;
                }
            }
        }
    }

    /// Takes more of `others` until there are exactly so many players, in all ways that the effort allows.
    fn fill(&mut self, others: &[Neighbour], players: usize, effort: &mut Effort) {
        if self.players == players {
            self.found = teams::arrange(self.judge, self.waiting, &self.chosen, self.now, effort);
            return;
        }
        let mut left: usize = others.iter().map(|other| other.size).sum();
        for (at, other) in others.iter().enumerate() {
            if self.players + left < players {
                return;
            }
            left -= other.size;
            if !effort.spend(|effort| &mut effort.steps) {
                return;
            }
            if self.players + other.size <= players && self.join(other.slot) {
                self.fill(&others[at + 1..], players, effort);
                if self.found.is_some() || effort.gave_up() {
                    return;
                }
                self.leave();
            }
        }
    }

    /// Whether the ticket may meet all that were chosen; then it is chosen as well.
    fn join(&mut self, slot: Slot) -> bool {
        let facts = &self.waiting[slot].facts;
        let fits =
            self.chosen.iter().all(|other| self.judge.may_meet(&self.waiting[*other].facts, facts, self.now));
        if fits {
            self.players += facts.size();
            self.chosen.push(slot);
        }
        fits
    }

    fn leave(&mut self) {
        if let Some(slot) = self.chosen.pop() {
            self.players -= self.waiting[slot].facts.size();
        }
    }
}

/// The runs of neighbours that have all of `musts` and enough players, as short as they can be: the closest first.
fn runs<'a>(candidates: &'a [Neighbour], musts: &[Slot], players: usize) -> Vec<&'a [Neighbour]> {
    let places = candidates.iter().enumerate().filter(|(_, candidate)| musts.contains(&candidate.slot));
    let places: Vec<usize> = places.map(|(at, _)| at).collect();
    let (Some(&first), Some(&last)) = (places.first(), places.last()) else { return Vec::new() };
    let mut runs = Vec::new();
    let mut end = last + 1;
    let mut inside: usize = candidates[..end].iter().map(|candidate| candidate.size).sum();
    for start in 0..=first {
        while inside < players && end < candidates.len() {
            inside += candidates[end].size;
            end += 1;
        }
        if inside < players {
            break;
        }
        runs.push(&candidates[start..end]);
        inside -= candidates[start].size;
    }
    let spread = |run: &&[Neighbour]| run[run.len() - 1].near - run[0].near;
    runs.sort_by(|a, b| spread(a).total_cmp(&spread(b)));
    // Where none of the short ones holds a match, all of them together may.
    runs.push(candidates);
    runs
}
