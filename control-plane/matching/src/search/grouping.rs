//! Solos into matches of a fixed size, so that the tickets of each lie close together.
//!
//! On a line, the closest groups are made of neighbours. So among the tickets around a seed the best division is found by
//! dynamic programming over their order: skip as few as possible, then the least sum of spreads. The match
//! with the oldest ticket in it is taken; the others are found again by later tries, when more may be known.

use super::{
    Effort, Waiting,
    neighbours::Neighbours,
    teams::{self, Arranged},
};
use crate::{Time, judge::Judge};

/// What a division costs, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Cost {
    /// Whether the oldest is left out.
    oldest_skipped: bool,
    /// How many are left out that have nowhere else to go.
    skipped: u32,
    spread: f64,
}

/// The match of the oldest ticket here under the closest division. `None`: sizes are not fixed, not all are solos, or the
/// judge doesn't take it.
pub(super) fn closest(
    judge: &Judge,
    waiting: &Waiting,
    near: &Neighbours,
    now: Time,
    effort: &mut Effort,
) -> Option<Arranged> {
    let size = teams::fixed_total(judge.plan())?;
    let list = &near.list;
    if size < 2 || list.len() < size || list.iter().any(|neighbour| neighbour.size != 1) {
        return None;
    }
    let oldest = (0..list.len()).filter(|&at| list[at].meets_seed).min_by_key(|&at| list[at].order)?;
    let fits = |from: usize| {
        let group = &list[from..from + size];
        let facts = |at: usize| &waiting[group[at].slot].facts;
        (1..size).all(|b| (0..b).all(|a| judge.may_meet(facts(a), facts(b), now)))
    };
    let free = Cost { oldest_skipped: false, skipped: 0, spread: 0.0 };
    // best[n]: the first n are divided, and whether the last `size` of them are a match.
    let mut best: Vec<(Cost, bool)> = Vec::with_capacity(list.len() + 1);
    best.push((free, false));
    for n in 1..=list.len() {
        let (mut cost, _) = best[n - 1];
        let at_edge = (near.more.0 && n < size) || (near.more.1 && list.len() - n < size - 1);
        cost.oldest_skipped |= n - 1 == oldest;
        cost.skipped += u32::from(!at_edge);
        let mut choice = (cost, false);
        if n >= size && fits(n - size) {
            let (mut cost, _) = best[n - size];
            cost.spread += list[n - 1].near - list[n - size].near;
            if cost < choice.0 {
                choice = (cost, true);
            }
        }
        best.push(choice);
    }
    let mut end = list.len();
    let mut of_seed = None;
    while end > 0 {
        if !best[end].1 {
            end -= 1;
            continue;
        }
        let members = end - size..end;
        end -= size;
        if members.contains(&oldest) {
            let found = judged(judge, waiting, near, members.clone(), now, effort);
            if found.is_some() {
                return found;
            }
        } else if members.contains(&near.seed) {
            of_seed = Some(members);
        }
    }
    judged(judge, waiting, near, of_seed?, now, effort)
}

fn judged(
    judge: &Judge,
    waiting: &Waiting,
    near: &Neighbours,
    members: std::ops::Range<usize>,
    now: Time,
    effort: &mut Effort,
) -> Option<Arranged> {
    let slots: Vec<_> = near.list[members].iter().map(|neighbour| neighbour.slot).collect();
    teams::arrange(judge, waiting, &slots, now, effort)
}
