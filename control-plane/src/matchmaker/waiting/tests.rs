//! Whatever comes, goes and is placed: every ticket is in one place, and none that went comes back.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use matching::{GroupId, Player, PlayerId, QueueConfig, QueueKey, Ticket};
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// A ticket of this many players, with so many milliseconds to live.
    Comes(usize, u64),
    /// Of the tickets that ever came, this one.
    Goes(usize),
    Match(usize),
    /// Of the tickets that ever came, these are to be a match.
    Take(Vec<usize>),
    /// Of the matches that are being placed, this one.
    PutBack(usize),
    Happens(usize),
    Wait(u64),
    Expire,
    /// The rules become those of a group of this many.
    Follow(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1..6_usize, 1..500_u64).prop_map(|(players, lives)| Step::Comes(players, lives)),
        3 => (0..30_usize).prop_map(Step::Goes),
        4 => (0..4_usize).prop_map(Step::Match),
        4 => proptest::collection::vec(0..30_usize, 0..4).prop_map(Step::Take),
        2 => (0..4_usize).prop_map(Step::PutBack),
        2 => (0..4_usize).prop_map(Step::Happens),
        2 => (1..300_u64).prop_map(Step::Wait),
        2 => Just(Step::Expire),
        1 => (2..6_usize).prop_map(Step::Follow),
    ]
}

fn record(order: u64, players: usize, now: Time, lives: u64) -> Arc<TicketRecord> {
    let player = |n| Player::new(PlayerId::new(format!("p{order}-{n}")));
    let ticket = Ticket {
        id: TicketId::new(format!("t{order}")),
        group: GroupId::new(format!("t{order}")),
        players: (0..players).map(player).collect(),
        order,
        enqueued_at: now,
        expires_at: now + Duration::from_millis(lives),
    };
    Arc::new(TicketRecord { ticket, queue: QueueKey::new("demo:4"), region: None, constraints: None })
}

/// The orders of the tickets in all places.
fn orders(waiting: &Waiting) -> Vec<u64> {
    let misfits = waiting.misfits.iter().map(|(_, id)| waiting.records[id].ticket.order);
    let engine = waiting.engine.tickets().map(|ticket| ticket.order);
    let mut orders: Vec<_> = engine.chain(misfits).chain(waiting.placing.keys().copied()).collect();
    orders.sort_unstable();
    orders
}

proptest! {
    #[test]
    fn every_ticket_is_in_one_place(steps in proptest::collection::vec(step(), 1..80)) {
        let rules = |players: usize| {
            Rules::new(&QueueKey::new(format!("demo:{players}")), &QueueConfig::default()).unwrap()
        };
        let mut most = 4;
        let (mut waiting, mut now) = (Waiting::new(rules(most)), Time(1_000));
        let mut ever: Vec<Arc<TicketRecord>> = Vec::new();
        let mut queued: BTreeMap<u64, Arc<TicketRecord>> = BTreeMap::new();
        let mut placing: Vec<Match> = Vec::new();
        for step in steps {
            match step {
                Step::Comes(players, lives) => {
                    let new = record(ever.len() as u64, players, now, lives);
                    assert_eq!(waiting.came(Arc::clone(&new)), players <= most);
                    queued.insert(new.ticket.order, Arc::clone(&new));
                    ever.push(new);
                }
                Step::Goes(which) => {
                    if let Some(record) = ever.get(which) {
                        waiting.went(&record.ticket.id);
                        queued.remove(&record.ticket.order);
                    }
                }
                Step::Match(limit) => {
                    let matches = waiting.matches(now, limit);
                    assert!(matches.len() <= limit);
                    for one in &matches {
                        assert!(one.records.iter().all(|record| queued.contains_key(&record.ticket.order)));
                    }
                    placing.extend(matches);
                    let mut seen = HashSet::new();
                    let all = placing.iter().flat_map(|one| &one.records).map(|record| record.ticket.order);
                    // One that went while it was placed can't have come back in another.
                    all.for_each(|order| assert!(seen.insert(order), "{order} is in two matches"));
                }
                Step::Take(which) => {
                    let named = which.iter().filter_map(|&which| ever.get(which)).cloned();
                    let one = Match { records: named.collect(), teams: Arc::from([]) };
                    let placed: HashSet<_> = placing.iter().flat_map(|one| &one.records).map(|record| record.ticket.order).collect();
                    let orders: HashSet<_> = one.records.iter().map(|record| record.ticket.order).collect();
                    let free = |record: &Arc<TicketRecord>| {
                        let order = record.ticket.order;
                        queued.contains_key(&order) && !placed.contains(&order) && record.ticket.size() <= most
                    };
                    let all_free = orders.len() == one.records.len() && one.records.iter().all(free);
                    assert_eq!(waiting.take(&one), all_free);
                    placing.extend(all_free.then_some(one));
                }
                Step::PutBack(which) if which < placing.len() => waiting.put_back(&placing.remove(which)),
                Step::Happens(which) if which < placing.len() => {
                    for record in placing.remove(which).records {
                        waiting.went(&record.ticket.id);
                        queued.remove(&record.ticket.order);
                    }
                }
                Step::PutBack(_) | Step::Happens(_) => {}
                Step::Follow(players) => {
                    most = players;
                    waiting.follow(rules(most));
                    for record in queued.values() {
                        let standing = waiting.standing(&record.ticket.id, now).unwrap();
                        let is_placed = placing.iter().flat_map(|one| &one.records).any(|one| one.ticket.order == record.ticket.order);
                        assert_eq!(standing == Standing::BeingPlaced, is_placed);
                        let is_unfit = matches!(standing, Standing::Unfit(_));
                        assert_eq!(is_unfit, !is_placed && record.ticket.size() > most, "{standing:?}");
                    }
                }
                Step::Wait(span) => now = now + Duration::from_millis(span),
                Step::Expire => {
                    let in_match = |order: u64| {
                        placing.iter().flat_map(|one| &one.records).any(|record| record.ticket.order == order)
                    };
                    let due: HashSet<_> = queued.values()
                        .filter(|record| record.ticket.expires_at <= now && !in_match(record.ticket.order))
                        .map(|record| record.ticket.id.clone())
                        .collect();
                    let expired = waiting.take_expired(now, 1_000);
                    assert_eq!(expired.iter().cloned().collect::<HashSet<_>>(), due);
                    queued.retain(|_, record| !expired.contains(&record.ticket.id));
                }
            }
            let census = waiting.census();
            assert_eq!(census.tickets, queued.len());
            assert_eq!(orders(&waiting), queued.keys().copied().collect::<Vec<_>>());
            assert_eq!(census.players, queued.values().map(|record| record.ticket.size()).sum::<usize>());
            assert_eq!(census.oldest, queued.values().map(|record| record.ticket.enqueued_at).min());
            assert_eq!(waiting.is_empty(), queued.is_empty());
        }
    }
}
