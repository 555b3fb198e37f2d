//! A match around a seed, of parties and solos, for teams of any sizes.
//!
//! Of the tickets that may meet the seed, runs of neighbours are tried, the closest first; in each, tickets are taken one by one as
//! long as all may meet each other and the teams can hold them. Larger matches are tried before smaller ones.

use std::time::Duration;

use super::{
    Effort, Waiting,
    neighbours::{Neighbour, Neighbours},
    teams::{self, Arranged},
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
    let mut candidates: Vec<Neighbour> =
        near.list.iter().filter(|neighbour| neighbour.meets_seed).copied().collect();
    let sizes = sizes(judge, waiting, &candidates, now);
    let anchor = candidates.iter().min_by_key(|candidate| candidate.order)?.slot;
    if judge.sorts() {
        candidates =
            judge.sorted(&waiting[anchor].facts, candidates, |candidate| &waiting[candidate.slot].facts);
    }
    let mut assembly =
        Assembly { judge, waiting, now, sizes, chosen: Vec::new(), players: 0, found: None, done: false };
    if anchor != seed.slot {
        assembly.search(&candidates, &[seed.slot, anchor], effort);
    }
    if assembly.found.is_none() {
        assembly.search(&candidates, &[seed.slot], effort);
    }
    assembly.found
}

/// The fewest and the most players of a match: sizes change with age, and whose age counts is known when the match is.
fn sizes(judge: &Judge, waiting: &Waiting, candidates: &[Neighbour], now: Time) -> (usize, usize) {
    let age = |candidate: &Neighbour| now.since(waiting[candidate.slot].ticket.enqueued_at);
    let mut ages: Vec<_> = candidates.iter().map(age).collect();
    ages.sort_unstable();
    ages.dedup();
    let at = |age: &Duration| {
        let rooms = teams::rooms(judge, *age, *age);
        (rooms.iter().map(|room| room.min).sum(), rooms.iter().map(|room| room.max).sum())
    };
    let fixed = teams::fixed_total(judge.plan()).map(|total| (total, total));
    let either = |a: (usize, usize), b: (usize, usize)| (a.0.min(b.0), a.1.max(b.1));
    fixed.or_else(|| ages.iter().map(at).reduce(either)).unwrap_or_default()
}

struct Assembly<'a> {
    judge: &'a Judge,
    waiting: &'a Waiting,
    now: Time,
    /// The fewest and the most players that a match of the candidates can have.
    sizes: (usize, usize),
    chosen: Vec<Slot>,
    players: usize,
    found: Option<Arranged>,
    /// Nothing better is looked for.
    done: bool,
}

impl Assembly<'_> {
    /// Looks for a match of these candidates with all of `musts` in it.
    fn search(&mut self, candidates: &[Neighbour], musts: &[Slot], effort: &mut Effort) {
        let (min, max) = self.sizes;
        self.chosen.clear();
        self.players = 0;
        for &must in musts {
            if !self.join(must) {
                return;
            }
        }
        self.done = false;
        let there: usize = candidates.iter().map(|candidate| candidate.size).sum();
        for players in (usize::max(min, 1)..=usize::min(max, there)).rev() {
            // In another order than that of the line there are no runs.
            let runs = if self.judge.sorts() { vec![candidates] } else { runs(candidates, musts, players) };
            for run in runs {
                let others: Vec<_> =
                    run.iter().filter(|candidate| !musts.contains(&candidate.slot)).copied().collect();
                self.fill(&others, players, effort);
                if self.done || effort.gave_up() {
                    return;
                }
            }
            if self.found.is_some() {
                return;
            }
        }
    }

    /// Takes more of `others` until there are exactly so many players, in all ways that the effort allows.
    fn fill(&mut self, others: &[Neighbour], players: usize, effort: &mut Effort) {
        if self.players == players {
            if let Some(arranged) = teams::arrange(self.judge, self.waiting, &self.chosen, self.now, effort) {
                if self.found.as_ref().is_none_or(|found| arranged.cost < found.cost) {
                    self.found = Some(arranged);
                }
                self.done = effort.choices == 0;
            }
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
                if self.done || effort.gave_up() {
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
