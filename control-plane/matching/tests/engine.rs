//! What the engine does, by example: one paragraph each, to read before the properties.

use std::time::Duration;

use matching::{
    Engine, GroupId, Player, PlayerId, Proposal, QueueConfig, QueueKey, Rules, Ticket, TicketId, Time,
};

const NEVER: u64 = u64::MAX;

/// A queue whose tickets are named by their order.
fn queue(key: &str, config: &QueueConfig) -> Engine {
    Engine::new(Rules::new(&QueueKey::new(key), config).expect("rules that can be followed"))
}

fn relaxing(min_players: u32, max_players: u32, min_wait: u64, relax_after: u64) -> QueueConfig {
    QueueConfig {
        min_players: Some(min_players),
        max_players: Some(max_players),
        min_wait: Some(Duration::from_millis(min_wait)),
        relax_after: Some(Duration::from_millis(relax_after)),
        ..QueueConfig::default()
    }
}

/// Players `1a`, `1b`, … for the ticket of order 1.
fn ticket(order: u64, size: u8) -> Ticket {
    let players = (b'a'..b'a' + size).map(|letter| PlayerId::new(format!("{order}{}", char::from(letter))));
    Ticket {
        id: TicketId::new(order.to_string()),
        group: GroupId::new(order.to_string()),
        players: players.map(Player::new).collect(),
        order,
        enqueued_at: Time(0),
        expires_at: Time(NEVER),
    }
}

/// Adds tickets of these sizes, with orders from 1 on.
fn fill(engine: &mut Engine, sizes: &[u8]) {
    for (&size, order) in sizes.iter().zip(1..) {
        assert!(engine.insert(ticket(order, size)));
    }
}

fn orders<'a>(tickets: impl IntoIterator<Item = &'a Ticket>) -> Vec<u64> {
    tickets.into_iter().map(|ticket| ticket.order).collect()
}

fn matches(engine: &mut Engine, now: u64) -> Vec<Vec<u64>> {
    let proposals = engine.next_matches(Time(now), usize::MAX);
    proposals.iter().map(|proposal| orders(&proposal.tickets)).collect()
}

fn teams(proposal: &Proposal) -> Vec<(String, String)> {
    let players = |players: &[PlayerId]| players.iter().map(PlayerId::as_str).collect::<Vec<_>>().join(" ");
    proposal.teams.iter().map(|team| (team.name.clone(), players(&team.players))).collect()
}

#[test]
fn each_ticket_starts_alone() {
    let mut engine = queue("x", &QueueConfig::default());
    fill(&mut engine, &[1, 3, 1]);
    assert_eq!(matches(&mut engine, 0), [[1], [2], [3]]);
    assert!(engine.is_empty());
}

#[test]
fn a_group_takes_the_oldest_that_add_up() {
    let mut engine = queue("x:4", &QueueConfig::default());
    fill(&mut engine, &[3, 2, 2, 1]);
    assert_eq!(matches(&mut engine, 0), [[1, 4], [2, 3]]);
}

#[test]
fn a_ticket_without_company_does_not_hold_up_the_others() {
    let mut engine = queue("x:4", &QueueConfig::default());
    fill(&mut engine, &[3, 2, 2, 2]);
    assert_eq!(matches(&mut engine, 0), [[2, 3]]);
    assert_eq!(orders(engine.tickets()), [1, 4]);
}

#[test]
fn teams_are_packed_and_not_only_added_up() {
    let mut engine = queue("x:3v3", &QueueConfig::default());
    fill(&mut engine, &[1, 1, 1, 2, 2]);
    let proposals = engine.next_matches(Time(0), usize::MAX);
    // The three solos could fill a team, but then the parties of two could not.
    assert_eq!(orders(&proposals[0].tickets), [1, 2, 4, 5]);
    let expected = [("team-1", "1a 4a 4b"), ("team-2", "2a 5a 5b")].map(|(a, b)| (a.into(), b.into()));
    assert_eq!(teams(&proposals[0]), expected);
    assert_eq!(orders(engine.tickets()), [3]);
}

#[test]
fn teams_of_different_sizes_keep_their_order() {
    let mut engine = queue("x:1v4", &QueueConfig::default());
    fill(&mut engine, &[2, 1, 2]);
    let proposals = engine.next_matches(Time(0), usize::MAX);
    let expected = [("team-1", "2a"), ("team-2", "1a 1b 3a 3b")].map(|(a, b)| (a.into(), b.into()));
    assert_eq!(teams(&proposals[0]), expected);
}

#[test]
fn a_group_relaxes_when_its_time_has_come() {
    let mut engine = queue("x", &relaxing(2, 4, 0, 100));
    fill(&mut engine, &[1, 1, 1]);
    assert!(matches(&mut engine, 99).is_empty());
    assert_eq!(engine.next_deadline(), Some(Time(100)));
    assert_eq!(matches(&mut engine, 100), [[1, 2, 3]], "as many as there are, not as few as may be");
}

#[test]
fn nothing_starts_before_the_minimum_wait() {
    let mut engine = queue("x", &relaxing(1, 2, 50, 10));
    fill(&mut engine, &[1, 1]);
    assert!(matches(&mut engine, 49).is_empty());
    assert_eq!(engine.next_deadline(), Some(Time(50)));
    assert_eq!(matches(&mut engine, 50), [[1, 2]]);
}

#[test]
fn a_deadline_that_changed_nothing_does_not_come_again() {
    let mut engine = queue("x", &relaxing(2, 4, 0, 100));
    fill(&mut engine, &[1]);
    assert!(matches(&mut engine, 100).is_empty());
    assert_eq!(engine.next_deadline(), None);
}

#[test]
fn a_pass_that_ended_at_its_limit_goes_on_soon() {
    let mut engine = queue("x", &QueueConfig::default());
    fill(&mut engine, &[1, 1]);
    assert_eq!(engine.next_matches(Time(7), 1).len(), 1);
    assert_eq!(engine.next_deadline(), Some(Time(8)));
    assert_eq!(engine.next_matches(Time(8), 0), []);
    assert_eq!(engine.next_deadline(), None, "who asks for nothing is left alone");
    assert_eq!(matches(&mut engine, 8), [[2]]);
}

#[test]
fn who_finds_matches_elsewhere_is_told_when_waiting_loosened_the_rules() {
    let mut engine = queue("x", &relaxing(2, 4, 0, 100));
    assert!(engine.insert(Ticket { expires_at: Time(500), ..ticket(1, 1) }));
    assert!(!engine.pass_over(Time(99)));
    assert!(engine.pass_over(Time(100)));
    assert!(!engine.pass_over(Time(101)));
    assert_eq!(engine.next_deadline(), Some(Time(500)), "its expiry is all that is left");
    assert!(engine.insert(ticket(2, 1)));
    assert_eq!(matches(&mut engine, 102), [[1, 2]], "nothing was overlooked for it");
}

#[test]
fn a_ticket_whose_lifetime_is_over_waits_for_being_taken() {
    let mut engine = queue("x:2", &QueueConfig::default());
    fill(&mut engine, &[1]);
    engine.insert(Ticket { expires_at: Time(10), ..ticket(2, 1) });
    assert_eq!(engine.next_deadline(), Some(Time(10)));
    assert!(matches(&mut engine, 10).is_empty());
    assert_eq!(engine.len(), 2);
    assert_eq!(engine.next_deadline(), Some(Time(10)), "until it is taken");
    assert_eq!(orders(&engine.take_expired(Time(10), usize::MAX)), [2]);
    assert_eq!(engine.next_deadline(), None);
}

#[test]
fn a_dead_ticket_can_still_be_cancelled() {
    let mut engine = queue("x:2", &QueueConfig::default());
    engine.insert(Ticket { expires_at: Time(10), ..ticket(1, 1) });
    assert!(matches(&mut engine, 10).is_empty());
    assert!(engine.remove(&TicketId::new("1")).is_some());
    assert!(engine.take_expired(Time(10), usize::MAX).is_empty());
    assert_eq!(engine.next_deadline(), None);
}

#[test]
fn a_clock_that_is_set_back_brings_the_dead_back() {
    let mut engine = queue("x:2", &QueueConfig::default());
    fill(&mut engine, &[1]);
    engine.insert(Ticket { expires_at: Time(1_000), ..ticket(2, 1) });
    assert!(matches(&mut engine, 5_000).is_empty());
    assert_eq!(matches(&mut engine, 500), [[1, 2]]);
}

#[test]
fn what_comes_back_has_its_old_place() {
    let mut engine = queue("x:2", &QueueConfig::default());
    fill(&mut engine, &[1, 1, 1]);
    let proposals = engine.next_matches(Time(0), usize::MAX);
    assert_eq!(orders(&proposals[0].tickets), [1, 2]);
    assert!(engine.insert(proposals[0].tickets[1].clone()));
    assert_eq!(orders(engine.tickets()), [2, 3]);
    assert_eq!(matches(&mut engine, 0), [[2, 3]]);
}

#[test]
fn what_cannot_be_matched_is_not_taken_in() {
    let mut engine = queue("x:1v4", &QueueConfig::default());
    assert!(!engine.insert(ticket(1, 5)), "more than the largest team");
    assert!(!engine.insert(ticket(1, 0)), "nobody");
    assert!(engine.insert(ticket(1, 4)));
    assert!(!engine.insert(ticket(1, 4)), "the same ticket again");
    let impostor = Ticket { id: TicketId::new("other"), ..ticket(1, 1) };
    assert!(!engine.insert(impostor), "another ticket's place");
    assert_eq!(engine.len(), 1);
}

#[test]
fn rules_that_nobody_checked_match_nothing_and_break_nothing() {
    let min_wait = Duration::ZERO;
    for rules in [
        Rules::Teams { sizes: vec![], min_wait },
        Rules::Teams { sizes: vec![0, 0], min_wait },
        Rules::Teams { sizes: vec![u32::MAX, 2], min_wait },
        Rules::FillGroup { min_players: 0, max_players: 0, min_wait, relax_after: None },
        Rules::FillGroup { min_players: 9, max_players: 2, min_wait, relax_after: Some(min_wait) },
        Rules::FillGroup { min_players: u32::MAX, max_players: u32::MAX, min_wait, relax_after: None },
    ] {
        let mut engine = Engine::new(rules);
        engine.insert(ticket(1, 1));
        engine.insert(ticket(2, 2));
        assert!(matches(&mut engine, 0).is_empty(), "{:?}", engine.rules());
    }
}
