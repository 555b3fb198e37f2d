//! Why a ticket waits, as the engine tells it under a rule set.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::sync::Arc;

use matching::{
    Attribute, Engine, Explanation, GroupId, Player, PlayerId, Rules, Ticket, TicketId, Time,
    rule_set::RuleSet,
};

/// Two teams of one; skill within 50 and after 20 s within 100; the same mode.
const RULES: &str = r#"{
  "name": "ranked", "ruleLanguageVersion": "1.0",
  "playerAttributes": [{ "name": "skill", "type": "number" }, { "name": "mode", "type": "string", "default": "duel" }],
  "teams": [{ "name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2 }],
  "rules": [
    { "name": "Fair", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 50 },
    { "name": "SameMode", "type": "batchDistance", "batchAttribute": "mode" }
  ],
  "expansions": [{ "target": "rules[Fair].maxDistance", "steps": [{ "waitTimeSeconds": 20, "value": 100 }] }]
}"#;

fn engine() -> Engine {
    Engine::new(Rules::RuleSet(Arc::new(RuleSet::parse(RULES).unwrap().rules)))
}

fn ticket(order: u64, skill: f64, mode: &str) -> Ticket {
    let mut player = Player::new(PlayerId::new(format!("p{order}")));
    let attributes =
        [("skill".to_owned(), Attribute::Number(skill)), ("mode".to_owned(), Attribute::String(mode.into()))];
    player.attributes = attributes.into_iter().collect();
    Ticket {
        id: TicketId::new(format!("t{order}")),
        group: GroupId::new(format!("g{order}")),
        players: Arc::from([player]),
        order,
        enqueued_at: Time(0),
        expires_at: Time(900_000),
    }
}

fn explain(engine: &Engine, order: u64, now: u64) -> Explanation {
    engine.explain(&TicketId::new(format!("t{order}")), Time(now)).unwrap()
}

fn exclusions(told: &Explanation) -> Vec<(&str, usize, Option<f64>)> {
    told.exclusions.iter().map(|one| (one.what.as_str(), one.tickets, one.nearest_by)).collect()
}

#[test]
fn each_is_counted_where_it_is_kept_away_and_the_nearest_miss_is_told() {
    let mut engine = engine();
    for (order, skill, mode) in
        [(1, 0.0, "duel"), (2, 130.0, "duel"), (3, 400.0, "duel"), (4, 10.0, "race"), (5, -90.0, "duel")]
    {
        assert!(engine.insert(ticket(order, skill, mode)));
    }
    let told = explain(&engine, 1, 5_000);
    assert_eq!((told.candidates, told.looked_at, told.fitting), (4, 4, 0));
    assert_eq!(exclusions(&told), [("Fair", 3, Some(40.0)), ("SameMode", 1, None)]);
    assert_eq!(told.nearest_miss(), Some(("Fair", 40.0)));
    assert_eq!((told.players_needed, told.players_missing), (2, 1));
    assert_eq!(told.next_change, Some(Time(20_000)));

    // The same when the number has grown: one fits, and nothing loosens any more.
    let told = explain(&engine, 1, 20_000);
    assert_eq!((told.fitting, told.fitting_players, told.players_missing), (1, 1, 0));
    assert_eq!(exclusions(&told), [("Fair", 2, Some(30.0)), ("SameMode", 1, None)]);
    assert_eq!(told.next_change, None);
    assert_eq!(engine.next_matches(Time(20_000), 10).len(), 1, "and so there is a match");
    assert_eq!(engine.explain(&TicketId::new("t1"), Time(20_000)), None, "which it is in");
}

#[test]
fn of_a_large_queue_the_closest_are_looked_at() {
    let mut engine = engine();
    for order in 1..=10_000_u64 {
        // 60 apart: nobody fits anybody.
        assert!(engine.insert(ticket(order, (order * 60) as f64, "duel")));
    }
    for order in 10_001..=10_010 {
        assert!(engine.insert(ticket(order, 0.0, &format!("mode {order}"))));
    }
    let told = explain(&engine, 5_000, 0);
    assert_eq!(told.candidates, 10_009);
    assert!((1_000..10_000).contains(&told.looked_at), "{}", told.looked_at);
    assert_eq!(told.nearest_miss(), Some(("Fair", 10.0)));
    let counted: usize = told.exclusions.iter().map(|one| one.tickets).sum();
    assert_eq!(counted + told.fitting, told.looked_at);
    // Alone with its mode: others are looked at all the same.
    let told = explain(&engine, 10_001, 0);
    assert!(told.fitting == 0 && told.looked_at > 1_000 && told.players_missing == 1, "{told:?}");
}

#[test]
fn asking_changes_nothing() {
    let (mut asked, mut silent) = (engine(), engine());
    for order in 1..200_u64 {
        let one = ticket(order, (order * 37 % 2_000) as f64, if order % 3 == 0 { "race" } else { "duel" });
        assert!(asked.insert(one.clone()) && silent.insert(one));
        let now = Time(order * 150);
        for other in 1..=order {
            drop(asked.explain(&TicketId::new(format!("t{other}")), now));
        }
        assert_eq!(asked.next_matches(now, 5), silent.next_matches(now, 5));
        assert_eq!(asked.next_deadline(), silent.next_deadline());
    }
}
