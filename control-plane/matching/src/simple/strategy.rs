//! Which tickets form the next match: one strategy for each kind of rules, and what they share.
//!
//! All of them go the same way. An anchor is chosen: the oldest ticket that can be matched. Then the oldest others are
//! taken with which the numbers come out ([`selection`]). What "come out" means is the strategy's own: a sum for a group
//! ([`fill_group`]), a packing for teams ([`teams`]). A ticket's players matter only by their number, and a team
//! that a player asks for means nothing to these rules.
//!
//! Only the oldest ticket of each size is tried as an anchor: another one of that size has the same company to choose
//! from and has waited less. So a pass costs as many tries as there are sizes, however many tickets wait.

mod fill_group;
mod packing;
mod selection;
mod sums;
mod teams;

use std::collections::BTreeMap;

use crate::{Rules, Ticket, Time, simple::pool::Pool};

/// The tickets of one match.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Oldest first.
    pub(crate) tickets: Vec<Place>,
    /// How many teams the match has; 0 where the rules have none.
    pub(crate) teams: usize,
}

/// Where a ticket plays.
#[derive(Debug)]
pub(crate) struct Place {
    /// Which ticket.
    pub(crate) order: u64,
    /// In which team, counted from 0; without meaning where there are no teams.
    pub(crate) team: usize,
}

/// The anchors that were tried in vain in this pass: the order of the ticket, by its size.
///
/// A pass only takes tickets away, so what has found no company will not find any later in the same pass. Without this,
/// each match would try them again.
pub(crate) type Vain = BTreeMap<u32, u64>;

/// The next match at `now`, oldest anchor first. Nothing is taken out of the pool.
pub(crate) fn next(rules: &Rules, pool: &Pool, now: Time, vain: &mut Vain) -> Option<Selection> {
    let mut anchors: Vec<(u32, &Ticket)> =
        pool.heads().filter(|(size, head)| vain.get(size) != Some(&head.order)).collect();
    anchors.sort_unstable_by_key(|(_, head)| head.order);
    for (size, anchor) in anchors {
        let selection = around(rules, pool, now, size, anchor);
        if selection.is_some() {
            return selection;
        }
        vain.insert(size, anchor.order);
    }
    None
}

/// The match around one anchor, a ticket of `size` players at the head of its bucket.
fn around(rules: &Rules, pool: &Pool, now: Time, size: u32, anchor: &Ticket) -> Option<Selection> {
    match rules {
        // Its queue has another engine.
        Rules::RuleSet(_) => None,
        Rules::StartAlone => Some(Selection::without_teams([anchor.order])),
        Rules::FillGroup { min_players, max_players, min_wait, relax_after } => {
            if now < anchor.enqueued_at + *min_wait {
                return None;
            }
            let relaxed = relax_after.is_some_and(|age| now >= anchor.enqueued_at + age);
            let fewest = if relaxed { *min_players } else { *max_players };
            let parties = fill_group::select(pool, size, fewest..=*max_players)?;
            Some(Selection::without_teams(parties.into_iter().map(|party| party.order)))
        }
        Rules::Teams { sizes, min_wait } => {
            if now < anchor.enqueued_at + *min_wait {
                return None;
            }
            teams::select(pool, size, sizes)
        }
    }
}

impl Selection {
    fn without_teams(orders: impl IntoIterator<Item = u64>) -> Self {
        Self { tickets: orders.into_iter().map(|order| Place { order, team: 0 }).collect(), teams: 0 }
    }
}
