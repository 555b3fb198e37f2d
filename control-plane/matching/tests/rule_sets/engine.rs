//! What the engine makes of made-up rule sets: right matches only, all that there are in a small queue, and exactly when due.

use std::sync::Arc;

use matching::{Proposal, Ticket, Time, rule_set::RuleSet};

use crate::{dice::Dice, made_up, queue::Queue};

const START: Time = Time(1_000_000);
/// Until every made-up number has its last value.
const SPAN: u64 = 30_000;

/// A queue from its first ticket on, asked when a ticket comes and when the engine wants to be. What `happens` is told of each
/// pass.
fn run(
    mut dice: Dice,
    rules: &Arc<RuleSet>,
    tickets: u64,
    mut happens: impl FnMut(&mut Queue, &mut Dice, Time),
) -> Queue {
    let mut queue = Queue::new(rules);
    let mut arrivals: Vec<Time> = (0..tickets).map(|_| Time(START.0 + dice.below(SPAN / 2))).collect();
    arrivals.sort_unstable();
    let mut chance = dice.clone();
    let mut arrivals = (1..).zip(arrivals).peekable();
    loop {
        let arrival = arrivals.peek().map(|(_, at)| *at);
        let next = [arrival, queue.engine.next_deadline()].into_iter().flatten().min();
        let Some(now) = next.filter(|now| now.0 <= START.0 + SPAN) else {
            return queue;
        };
        while let Some((order, at)) = arrivals.next_if(|(_, at)| *at <= now) {
            let ticket = Ticket { enqueued_at: at, ..made_up::ticket(&mut dice, rules, order, at) };
            queue.insert(ticket, now);
        }
        queue.pass(now, usize::MAX);
        happens(&mut queue, &mut chance, now);
    }
}

fn with_any_rules(seed: u64, tickets: u64) -> Queue {
    let mut dice = Dice::new(seed);
    let rules = Arc::new(made_up::rule_set(&mut dice));
    run(dice, &rules, tickets, |_, _, _| {})
}

fn with_usual_rules(seed: u64, tickets: u64, happens: impl FnMut(&mut Queue, &mut Dice, Time)) -> Queue {
    let mut dice = Dice::new(seed);
    let rules = Arc::new(made_up::usual_rule_set(&mut dice, 2));
    run(dice, &rules, tickets, happens)
}

/// Every proposal is checked as it comes, by the slow checker too.
#[test]
fn every_match_satisfies_every_rule() {
    let made: usize = (0..120).map(|seed| with_any_rules(seed, 25).made.len()).sum();
    assert!(made > 200, "{made}");
    let made: usize = (0..200).map(|seed| with_usual_rules(seed, 25, |_, _, _| {}).made.len()).sum();
    assert!(made > 200, "{made}");
}

#[test]
fn the_same_seed_gives_the_same_matches() {
    for seed in 0..50 {
        let [one, other] = [(), ()].map(|()| with_any_rules(seed, 25));
        assert_eq!(one.made, other.made, "seed {seed}");
        assert_eq!(one.waiting, other.waiting, "seed {seed}");
    }
}

/// After each pass nothing is left that could be matched, nor a millisecond before the next: what loosens is used when it is due, not
/// before and not after.
#[test]
fn expansions_fire_exactly_when_due() {
    let mut by_time = 0;
    for seed in 0..1_000 {
        let queue = with_usual_rules(seed, 5, |queue, _, now| {
            assert_nothing_is_possible(queue, now, seed);
            let next = queue.engine.next_deadline().map_or(Time(START.0 + SPAN), |at| Time(at.0 - 1));
            assert_nothing_is_possible(queue, next, seed);
        });
        let newest = |proposal: &Proposal| proposal.tickets.iter().map(|ticket| ticket.enqueued_at).max();
        by_time += queue.made.iter().filter(|(at, proposal)| newest(proposal) < Some(*at)).count();
    }
    assert!(by_time > 100, "only {by_time} matches were made by time alone");
}

/// A match that doesn't happen since one of its tickets was cancelled gives the others back, and they are matched at once with whom
/// there is, at the age they had.
#[test]
fn a_cancel_leaves_no_partner_behind() {
    let mut returned = 0;
    for seed in 0..1_000 {
        with_usual_rules(seed, 5, |queue, dice, now| {
            if let Some((_, proposal)) = queue.made.pop_if(|(at, _)| *at == now) {
                let gone = dice.below(proposal.tickets.len() as u64) as usize;
                for (index, ticket) in proposal.tickets.into_iter().enumerate() {
                    if index != gone {
                        returned += 1;
                        assert!(queue.insert(ticket, now), "seed {seed}: not taken back");
                    }
                }
                queue.pass(now, usize::MAX);
            }
            assert_nothing_is_possible(queue, now, seed);
        });
    }
    assert!(returned > 300, "{returned}");
}

/// However a pass is cut into steps, and whoever is cancelled between two of them, those that are left are matched.
#[test]
fn a_cancel_within_a_pass_leaves_nobody_behind() {
    for seed in 0..150 {
        let mut dice = Dice::new(seed);
        let rules = Arc::new(made_up::usual_rule_set(&mut dice, 1));
        let all: Vec<Ticket> =
            (1..=6).map(|order| made_up::ticket(&mut dice, &rules, order, START)).collect();
        for (cancelled, steps) in (1..=6).flat_map(|order| (0..=3).map(move |steps| (order, steps))) {
            let mut queue = Queue::new(&rules);
            for ticket in &all {
                queue.insert(ticket.clone(), START);
            }
            let mut now = START;
            for _ in 0..steps {
                queue.pass(now, 1);
                now = Time(now.0 + 1);
            }
            queue.cancel(cancelled);
            queue.pass(now, usize::MAX);
            assert_nothing_is_possible(&queue, now, seed);
        }
    }
}

fn assert_nothing_is_possible(queue: &Queue, now: Time, seed: u64) {
    assert!(
        !queue.could_match(now),
        "seed {seed}: these could be matched at {now:?}: {:#?}\n{:#?}",
        queue.waiting,
        queue.rules
    );
}
