//! What is a match for our own engine is one from outside, and nothing else is.

use matching::{
    Attribute, Engine, GroupId, Player, PlayerId, QueueConfig, QueueKey, Ticket, TicketId, rule_set::RuleSet,
};
use proptest::prelude::*;

use super::*;

const RANKED: &str = r#"{
  "name": "ranked", "ruleLanguageVersion": "1.0",
  "playerAttributes": [{ "name": "skill", "type": "number" }],
  "teams": [{ "name": "red", "minPlayers": 1, "maxPlayers": 2 }, { "name": "blue", "minPlayers": 1, "maxPlayers": 2 }],
  "rules": [{ "name": "Fair", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 50 }],
  "expansions": [{ "target": "rules[Fair].maxDistance", "steps": [{ "waitTimeSeconds": 10, "value": 200 }] }]
}"#;

fn ranked() -> Rules {
    Rules::RuleSet(Arc::new(RuleSet::parse(RANKED).unwrap().rules))
}

fn by_key(key: &str, config: &QueueConfig) -> Rules {
    Rules::new(&QueueKey::new(key), config).unwrap()
}

/// A ticket of so many players of this skill, enqueued at `order` milliseconds.
fn ticket(order: u64, players: usize, skill: f64) -> Arc<TicketRecord> {
    let player = |n| Player {
        attributes: [("skill", Attribute::Number(skill))].into_iter().collect(),
        ..Player::new(PlayerId::new(format!("p{order}-{n}")))
    };
    let ticket = Ticket {
        id: TicketId::new(format!("t{order}")),
        group: GroupId::new(format!("t{order}")),
        players: (0..players).map(player).collect(),
        order,
        enqueued_at: Time(order),
        expires_at: Time(60_000),
    };
    Arc::new(TicketRecord { ticket, queue: QueueKey::new("demo"), region: None, constraints: None })
}

fn side(name: &str, tickets: &[&Arc<TicketRecord>]) -> Side {
    Side { name: name.into(), tickets: tickets.iter().map(|ticket| Arc::clone(ticket)).collect() }
}

fn checked(rules: &Rules, sides: Vec<Side>, now: u64) -> Result<Match, (Reason, String)> {
    let engine = Engine::new(rules.clone());
    check(rules, engine.judge(), sides, Time(now)).map_err(|refused| (refused.reason, refused.case))
}

/// The teams of a match as text, and that its tickets are in order.
fn shown(the_match: &Match) -> String {
    assert!(the_match.records.is_sorted_by_key(|record| record.ticket.order));
    let players = |team: &Team| team.players.iter().map(PlayerId::as_str).collect::<Vec<_>>().join(" ");
    let teams = the_match.teams.iter().map(|team| format!("{}: {}", team.name, players(team)));
    teams.collect::<Vec<_>>().join(", ")
}

#[test]
fn teams_come_in_the_order_of_the_rules_and_tickets_by_age() {
    let rules = by_key("demo:2v2", &QueueConfig::default());
    let (a, b, c) = (ticket(1, 1, 0.0), ticket(2, 2, 0.0), ticket(3, 1, 0.0));
    let the_match = checked(&rules, vec![side("team-2", &[&b]), side("team-1", &[&c, &a])], 10).unwrap();
    assert_eq!(shown(&the_match), "team-1: p1-0 p3-0, team-2: p2-0 p2-1");
}

#[test]
fn sizes_and_names_of_teams_are_held() {
    let rules = by_key("demo:1v1", &QueueConfig::default());
    let (a, b, c) = (ticket(1, 1, 0.0), ticket(2, 1, 0.0), ticket(3, 1, 0.0));
    for (sides, reason, part) in [
        (vec![], Reason::Size, "no ticket"),
        (vec![side("team-1", &[]), side("team-2", &[])], Reason::Size, "no ticket"),
        (vec![side("team-1", &[&a])], Reason::Size, "team-2 has 0 players and needs 1"),
        (vec![side("team-1", &[&a, &b]), side("team-2", &[&c])], Reason::Size, "team-1 has 2 players"),
        (
            vec![side("team-1", &[&a]), side("team-3", &[&b])],
            Reason::Teams,
            "no team `team-3`; there are `team-1`",
        ),
        (vec![side("", &[&a, &b])], Reason::Teams, "no team ``"),
        (vec![side("team-1", &[&a]), side("team-1", &[&b])], Reason::Teams, "`team-1` is there twice"),
    ] {
        let (refused, case) = checked(&rules, sides, 10).unwrap_err();
        assert!(refused == reason && case.contains(part), "{refused:?}: {case}, not {part}");
    }
}

#[test]
fn groups_relax_by_their_oldest_and_may_have_teams_of_the_functions_own() {
    let config = QueueConfig {
        min_players: Some(2),
        max_players: Some(3),
        min_wait: Some(Duration::from_secs(1)),
        relax_after: Some(Duration::from_secs(5)),
        ..QueueConfig::default()
    };
    let rules = by_key("demo", &config);
    let (a, b, c) = (ticket(0, 1, 0.0), ticket(2_000, 1, 0.0), ticket(2_001, 1, 0.0));
    let all = || vec![side("", &[&c, &a, &b])];
    let reason = |sides, now| checked(&rules, sides, now).unwrap_err().0;
    assert_eq!(reason(all(), 999), Reason::TooYoung);
    assert_eq!(shown(&checked(&rules, all(), 2_100).unwrap()), "");
    let two = || vec![side("", &[&a, &b])];
    assert_eq!(reason(two(), 4_999), Reason::Size);
    assert_eq!(checked(&rules, two(), 5_000).unwrap().records.len(), 2);
    let made = checked(&rules, vec![side("boss", &[&c]), side("hunters", &[&b, &a])], 5_000).unwrap();
    assert_eq!(shown(&made), "boss: p2001-0, hunters: p0-0 p2000-0");
    for sides in [
        vec![side("", &[&a]), side("x", &[&b])],
        vec![side("x", &[&a]), side("x", &[&b])],
        vec![side("x", &[&a, &b]), side("y", &[])],
        vec![side("x\n", &[&a, &b])],
    ] {
        assert_eq!(reason(sides, 5_000), Reason::Teams);
    }
}

#[test]
fn every_hard_rule_holds_at_the_time_of_the_match() {
    let rules = ranked();
    let (a, b, pair) = (ticket(0, 1, 100.0), ticket(1, 1, 220.0), ticket(2, 2, 110.0));
    let far = || vec![side("blue", &[&a]), side("red", &[&b])];
    let (reason, case) = checked(&rules, far(), 9_999).unwrap_err();
    assert_eq!((reason, case.as_str()), (Reason::Rule, "the rule `Fair` is broken by 70"));
    assert_eq!(shown(&checked(&rules, far(), 10_001).unwrap()), "red: p1-0, blue: p0-0");
    let (reason, case) = checked(&rules, vec![side("red", &[&a, &pair])], 20_000).unwrap_err();
    assert!(reason == Reason::Size && case.contains("`red`"), "{case}");
    let (reason, _) = checked(&rules, vec![side("green", &[&a])], 20_000).unwrap_err();
    assert_eq!(reason, Reason::Teams);
}

#[test]
fn who_is_late_is_in_no_match() {
    let rules = by_key("demo:2", &QueueConfig::default());
    let (a, b) = (ticket(1, 1, 0.0), ticket(2, 1, 0.0));
    assert!(checked(&rules, vec![side("", &[&a, &b])], 59_999).is_ok());
    assert_eq!(checked(&rules, vec![side("", &[&a, &b])], 60_000).unwrap_err().0, Reason::Expired);
}

fn some_rules() -> impl Strategy<Value = Rules> {
    let relaxing = QueueConfig {
        min_players: Some(2),
        max_players: Some(5),
        relax_after: Some(Duration::from_millis(500)),
        min_wait: Some(Duration::from_millis(100)),
        ..QueueConfig::default()
    };
    prop_oneof![
        Just(by_key("demo:4", &QueueConfig::default())),
        Just(by_key("demo", &relaxing)),
        Just(by_key("demo:1v3", &QueueConfig::default())),
        Just(by_key("demo:2v2v2", &QueueConfig::default())),
        Just(ranked()),
    ]
}

proptest! {
    #[test]
    fn whatever_our_own_engine_proposes_passes(
        rules in some_rules(),
        sizes in proptest::collection::vec((1..4_usize, 0..300_u32), 1..40),
        now in 40..20_000_u64,
    ) {
        let tickets: Vec<_> =
            sizes.iter().zip(0..).map(|(&(players, skill), order)| ticket(order, players, skill.into())).collect();
        let mut engine = Engine::new(rules.clone());
        for record in &tickets {
            engine.insert(record.ticket.clone());
        }
        for proposal in engine.next_matches(Time(now), usize::MAX) {
            let all = proposal.tickets.iter().map(|ticket| &tickets[ticket.order as usize]);
            let sides = if proposal.teams.is_empty() {
                vec![side("", &all.collect::<Vec<_>>())]
            } else {
                let in_team = |team: &Team, record: &TicketRecord| team.players.contains(&record.ticket.players[0].id);
                let of = |team: &Team| all.clone().filter(|record| in_team(team, record)).collect::<Vec<_>>();
                proposal.teams.iter().map(|team| side(&team.name, &of(team))).collect()
            };
            let the_match = checked(&rules, sides, now).unwrap();
            prop_assert_eq!(&*the_match.teams, &*proposal.teams);
            let tickets: Vec<_> = the_match.records.iter().map(|record| record.ticket.clone()).collect();
            prop_assert_eq!(tickets, proposal.tickets);
        }
    }
}
