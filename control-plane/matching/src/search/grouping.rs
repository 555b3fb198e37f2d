//! Tickets of one size into matches of a fixed size, so that the tickets of each lie close together.
//!
//! On a line, the closest groups are made of neighbours. So the best division of tickets in their order is found by dynamic
//! programming: leave out as few as possible, and of those divisions take the one with the least sum of spreads. Around a seed,
//! the match with the oldest ticket in it is taken ([`closest`]); the others are found again by later tries, when more may be
//! known. Where most of a queue is new, all of it is divided at once ([`all`]): nobody waits for a later try then.

use std::ops::Range;

use super::{
    Effort, Waiting,
    neighbours::{Neighbour, Neighbours},
    teams::{self, Arranged},
};
use crate::{
    Time,
    judge::{Judge, Plan},
};

/// Tickets that are divided at once, so that a queue of a million takes no memory of its size.
const CHUNK: usize = 8_192;

/// What a division costs, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Cost {
    /// Whether the oldest is left out.
    oldest_skipped: bool,
    /// How many are left out that have nowhere else to go.
    skipped: u32,
    spread: f64,
}

/// The match of the oldest ticket here under the closest division. `None`: the sizes differ, or the judge doesn't take it.
pub(super) fn closest(
    judge: &Judge,
    waiting: &Waiting,
    near: &Neighbours,
    now: Time,
    effort: &mut Effort,
) -> Option<Arranged> {
    let list = &near.list;
    let members = group_size(judge.plan(), list)?;
    let oldest = (0..list.len()).filter(|&at| list[at].meets_seed).min_by_key(|&at| list[at].order)?;
    let groups = divide(judge, waiting, list, members, oldest, near.more, now);
    let mut judged = |at: usize| {
        let group = groups.iter().find(|group| group.contains(&at))?;
        let slots: Vec<_> = list[group.clone()].iter().map(|neighbour| neighbour.slot).collect();
        teams::arrange(judge, waiting, &slots, now, effort)
    };
    judged(oldest).or_else(|| judged(near.seed))
}

/// Divides everything that waits. The matches that the judge takes, those with the oldest tickets first; tickets on shelves where the
/// sizes differ are left for later tries.
pub(super) fn all(judge: &Judge, waiting: &Waiting, now: Time, choosy: bool) -> Vec<Arranged> {
    let mut found = Vec::new();
    for shelf in waiting.shelves() {
        let alive = shelf.values().filter(|slot| waiting[**slot].is_alive(now));
        let list: Vec<_> = alive.map(|&slot| Neighbour::new(slot, &waiting[slot], true)).collect();
        let mut rest = &list[..];
        while !rest.is_empty() {
            let chunk = &rest[..rest.len().min(CHUNK)];
            let Some(members) = group_size(judge.plan(), chunk) else { break };
            // Those at the chunk's end that fit nobody in it go into the next.
            let more = (false, chunk.len() < rest.len());
            let oldest = (0..chunk.len()).min_by_key(|&at| chunk[at].order).unwrap_or(0);
            let groups = divide(judge, waiting, chunk, members, oldest, more, now);
            let next = groups.iter().map(|group| group.end).max().filter(|_| more.1).unwrap_or(chunk.len());
            for group in groups {
                let slots: Vec<_> = chunk[group.clone()].iter().map(|neighbour| neighbour.slot).collect();
                let mut effort = Effort::of_try(0, members, choosy);
                let oldest = chunk[group].iter().map(|neighbour| neighbour.order).min();
                let arranged = teams::arrange(judge, waiting, &slots, now, &mut effort);
                found.extend(arranged.map(|arranged| (oldest, arranged)));
            }
            rest = &rest[next..];
        }
    }
    found.sort_unstable_by_key(|(oldest, _)| *oldest);
    found.into_iter().map(|(_, arranged)| arranged).collect()
}

/// How many of these tickets make a match, where that is one number: all are of one size, and so many of them fill each team.
fn group_size(plan: &Plan, list: &[Neighbour]) -> Option<usize> {
    let total = teams::fixed_total(plan)?;
    let size = list.first()?.size;
    let alike = list.iter().all(|neighbour| neighbour.size == size);
    let filled = plan.teams.iter().all(|team| (team.max_players.first as usize).is_multiple_of(size));
    (alike && filled && total > size && list.len() >= total / size).then_some(total / size)
}

/// The groups of the closest division, each of `members` neighbours in a row that may all meet. `more`: whether there are others
/// before the first and after the last, with which those at that end may go.
fn divide(
    judge: &Judge,
    waiting: &Waiting,
    list: &[Neighbour],
    members: usize,
    oldest: usize,
    more: (bool, bool),
    now: Time,
) -> Vec<Range<usize>> {
    let fits = |from: usize| {
        let facts = |at: usize| &waiting[list[from + at].slot].facts;
        // Those furthest apart first: they are the least likely to fit.
        (1..members).rev().all(|b| (0..b).all(|a| judge.may_meet(facts(a), facts(b), now)))
    };
    let free = Cost { oldest_skipped: false, skipped: 0, spread: 0.0 };
    // best[n]: what dividing the first n costs, and whether the last of them end a group.
    let mut best: Vec<(Cost, bool)> = Vec::with_capacity(list.len() + 1);
    best.push((free, false));
    for n in 1..=list.len() {
        let (mut cost, _) = best[n - 1];
        let at_end = (more.0 && n < members) || (more.1 && list.len() - n < members - 1);
        cost.oldest_skipped |= n - 1 == oldest;
        cost.skipped += u32::from(!at_end);
        let mut choice = (cost, false);
        if n >= members && fits(n - members) {
            let (mut cost, _) = best[n - members];
            cost.spread += list[n - 1].near - list[n - members].near;
            if cost < choice.0 {
                choice = (cost, true);
            }
        }
        best.push(choice);
    }
    let mut groups = Vec::new();
    let mut end = list.len();
    while end > 0 {
        if best[end].1 {
            groups.push(end - members..end);
            end -= members;
        } else {
            end -= 1;
        }
    }
    groups
}
