//! Who sleeps until the next deadline misses nothing that somebody sees who looks every millisecond.

use matching::{Engine, Rules, Time};
use proptest::prelude::*;

use crate::made_up;

const START: u64 = 1_000;
/// Long enough for every lifetime and every wait to end.
const END: u64 = START + 250;

/// What comes from outside, and when.
#[derive(Debug, Clone)]
enum Event {
    Insert { size: u32, lifetime: u64, skew: u64 },
    Cancel(usize),
}

fn event() -> impl Strategy<Value = (u64, Event)> {
    let event = prop_oneof![
        4 => (1..6_u32, 1..150_u64, 0..15_u64)
            .prop_map(|(size, lifetime, skew)| Event::Insert { size, lifetime, skew }),
        1 => any::<usize>().prop_map(Event::Cancel),
    ];
    (START..START + 60, event)
}

/// What left the queue and when, and how often it was looked after.
#[derive(Debug, PartialEq)]
struct Record {
    matches: Vec<(u64, Vec<u64>)>,
    expired: Vec<(u64, u64)>,
    looks: usize,
}

fn run(rules: &Rules, events: &[(u64, Event)], every_millisecond: bool) -> Record {
    let mut engine = Engine::new(rules.clone());
    let mut record = Record { matches: Vec::new(), expired: Vec::new(), looks: 0 };
    for now in START..END {
        let mut came = false;
        for (order, (_, event)) in events.iter().enumerate().filter(|(_, (at, _))| *at == now) {
            match *event {
                Event::Insert { size, lifetime, skew } => {
                    came |= engine.insert(made_up::ticket(order as u64, size, now - skew, now + lifetime));
                }
                Event::Cancel(at) => {
                    let id = engine.tickets().nth(at % engine.len().max(1)).map(|ticket| ticket.id.clone());
                    id.and_then(|id| engine.remove(&id));
                }
            }
        }
        let due = engine.next_deadline().is_some_and(|deadline| deadline.0 <= now);
        if !(every_millisecond || came || due) {
            continue;
        }
        record.looks += 1;
        let expired = engine.take_expired(Time(now), usize::MAX);
        record.expired.extend(expired.iter().map(|ticket| (now, ticket.order)));
        for proposal in engine.next_matches(Time(now), usize::MAX) {
            record.matches.push((now, proposal.tickets.iter().map(|ticket| ticket.order).collect()));
        }
        let again = engine.next_deadline();
        assert!(again.is_none_or(|deadline| deadline.0 > now), "{again:?} comes again at {now}");
    }
    assert!(engine.is_empty() || engine.next_deadline().is_some(), "{engine:?} is forgotten");
    record
}

proptest! {
    #[test]
    fn sleeping_misses_nothing(
        rules in made_up::rules(),
        events in proptest::collection::vec(event(), 0..40),
    ) {
        let awake = run(&rules, &events, true);
        let asleep = run(&rules, &events, false);
        prop_assert_eq!(&asleep.matches, &awake.matches);
        prop_assert_eq!(&asleep.expired, &awake.expired);
        // For each ticket: when it comes, two ages, its end, and having moved up; nothing that spins.
        prop_assert!(asleep.looks <= 5 * events.len(), "{} looks for {} events", asleep.looks, events.len());
    }
}
