//! Whether tickets that wait could be a match: then leaving them waiting is wrong.

use std::collections::BTreeMap;

use super::{Finding, Kind, Rules, Shape, tickets::Ticket};
use crate::chaos::history::QueueKey;

/// Whether some of these groups, given by their numbers of players, are a match of this shape.
pub fn can_match(shape: &Shape, groups: impl IntoIterator<Item = usize>) -> bool {
    let mut left = BTreeMap::new();
    for players in groups {
        *left.entry(players).or_insert(0_usize) += 1;
    }
    match shape {
        Shape::Alone => !left.is_empty(),
        Shape::Teams(sizes) => fill(&mut left, sizes, 0),
    }
}

/// Fills the team at `place`, and those after it: with what a group of each size leaves to fill, tried in turn.
fn fill(left: &mut BTreeMap<usize, usize>, teams: &[usize], missing: usize) -> bool {
    let Some((team, others)) = teams.split_first() else { return missing == 0 };
    let room = if missing == 0 { *team } else { missing };
    let sizes: Vec<usize> = left.range(1..=room).rev().map(|(players, _)| *players).collect();
    for players in sizes {
        let count = left.get_mut(&players).filter(|count| **count > 0);
        let Some(count) = count else { continue };
        *count -= 1;
        let full = players == room;
        let rest = if full { others } else { teams };
        if fill(left, rest, room - players) {
            return true;
        }
        *left.entry(players).or_default() += 1;
    }
    false
}

/// Finds the queues whose tickets were only ended because nobody could be matched with them, although somebody could.
pub(super) fn judge<'a>(
    rules: &Rules,
    tickets: impl Iterator<Item = &'a Ticket>,
    findings: &mut Vec<Finding>,
) {
    let mut left: BTreeMap<&QueueKey, Vec<&Ticket>> = BTreeMap::new();
    for ticket in tickets.filter(|ticket| ticket.was_left()) {
        left.entry(&ticket.queue).or_default().push(ticket);
    }
    for (queue, tickets) in left {
        if can_match(&rules.shape(queue), tickets.iter().map(|ticket| ticket.players.len())) {
            let what =
                format!("{} tickets of {queue} were left, and a match could be made of them", tickets.len());
            let tickets = tickets.iter().map(|ticket| ticket.id.clone()).collect();
            findings.push(Finding { tickets, ..Finding::new(Kind::LeftWaiting, what) });
        }
    }
}
