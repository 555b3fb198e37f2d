//! In queues so small that everything can be tried, the engine finds what trying everything finds: whether there is
//! a match, around which anchor, and the oldest company.

use std::cmp::Reverse;

use matching::{Engine, Rules, Ticket, Time};
use proptest::prelude::*;

use crate::made_up;

const NOW: u64 = 1_000;

/// The orders of the next match, by trying every set of tickets around every anchor.
fn by_trying(rules: &Rules, tickets: &[Ticket]) -> Option<Vec<u64>> {
    tickets.iter().enumerate().find_map(|(anchor, ticket)| {
        (0..1_usize << tickets.len())
            .filter(|set| set >> anchor & 1 == 1)
            .map(|set| -> Vec<&Ticket> {
                let chosen = |(at, ticket)| (set >> at & 1 == 1).then_some(ticket);
                tickets.iter().enumerate().filter_map(chosen).collect()
            })
            .filter(|set| is_match(rules, ticket, set))
            .min_by_key(|set| {
                let orders: Vec<u64> = set.iter().map(|ticket| ticket.order).collect();
                (Reverse(players(set)), orders)
            })
            .map(|set| set.iter().map(|ticket| ticket.order).collect())
    })
}

fn players(set: &[&Ticket]) -> usize {
    set.iter().map(|ticket| ticket.size()).sum()
}

fn is_match(rules: &Rules, anchor: &Ticket, set: &[&Ticket]) -> bool {
    let waited = Time(NOW).since(anchor.enqueued_at);
    match rules {
        Rules::StartAlone => set.len() == 1,
        Rules::RuleSet(_) => unreachable!("these queues have none"),
        Rules::FillGroup { min_players, max_players, min_wait, relax_after } => {
            let relaxed = relax_after.is_some_and(|age| waited >= age);
            let fewest = if relaxed { *min_players } else { *max_players };
            waited >= *min_wait && (fewest as usize..=*max_players as usize).contains(&players(set))
        }
        Rules::Teams { sizes, min_wait } => {
            let mut open: Vec<usize> = sizes.iter().map(|&size| size as usize).collect();
            waited >= *min_wait && players(set) == open.iter().sum::<usize>() && can_be_seated(set, &mut open)
        }
    }
}

/// Every ticket into every team that has room for it.
fn can_be_seated(set: &[&Ticket], open: &mut [usize]) -> bool {
    let Some((ticket, rest)) = set.split_first() else {
        return true;
    };
    (0..open.len()).any(|team| {
        let Some(space) = open[team].checked_sub(ticket.size()) else {
            return false;
        };
        let before = std::mem::replace(&mut open[team], space);
        let seated = can_be_seated(rest, open);
        open[team] = before;
        seated
    })
}

proptest! {
    #[test]
    fn the_engine_finds_what_trying_everything_finds(
        rules in made_up::rules(),
        parties in proptest::collection::vec((1..6_u32, 0..6_u64), 0..11),
    ) {
        let mut engine = Engine::new(rules.clone());
        let mut tickets = Vec::new();
        let mut enqueued_at = NOW - 50;
        for ((size, later), order) in parties.into_iter().zip(0..) {
            enqueued_at += later;
            let ticket = made_up::ticket(order, size, enqueued_at, u64::MAX);
            if engine.insert(ticket.clone()) {
                tickets.push(ticket);
            }
        }
        let mut expected = Vec::new();
        while let Some(orders) = by_trying(&rules, &tickets) {
            tickets.retain(|ticket| !orders.contains(&ticket.order));
            expected.push(orders);
        }
        let found: Vec<Vec<u64>> = engine
            .next_matches(Time(NOW), usize::MAX)
            .iter()
            .map(|proposal| proposal.tickets.iter().map(|ticket| ticket.order).collect())
            .collect();
        prop_assert_eq!(found, expected);
    }
}
