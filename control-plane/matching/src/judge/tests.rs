//! What the judge derives from a rule set, and what it tells a ticket's owner. That it judges rightly is held in tests/rule_sets.

use std::{sync::Arc, time::Duration};

use super::{Breach, Judge, Lineup};
use crate::{Attribute, GroupId, Player, PlayerId, Ticket, TicketId, Time, rule_set::RuleSet};

const NOW: Time = Time(1_000_000);

fn judge(parts: &str) -> Judge {
    let attributes = r#"[
        { "name": "skill", "type": "number" },
        { "name": "mode", "type": "string", "default": "fun" },
        { "name": "maps", "type": "string_list", "default": ["harbour"] },
        { "name": "rating", "type": "string_number_map", "default": { "mu": 25, "sigma": 8 } }
    ]"#;
    let text = format!(r#"{{ "ruleLanguageVersion": "1.0", "playerAttributes": {attributes}, {parts} }}"#);
    let parsed = RuleSet::parse(&text).unwrap_or_else(|found| panic!("{found:#?}"));
    Judge::new(Arc::new(parsed.rules))
}

fn duel(rules: &str) -> Judge {
    judge(&format!(
        r#""teams": [{{ "name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2 }}], {rules}"#
    ))
}

fn ticket(order: u64, age: u64, players: &[&[(&str, Attribute)]]) -> Ticket {
    let player = |(index, attributes): (usize, &&[(&str, Attribute)])| {
        let mut player = Player::new(PlayerId::new(format!("p{order}-{index}")));
        player.attributes = attributes.iter().cloned().collect();
        player
    };
    Ticket {
        id: TicketId::new(format!("ticket-{order}")),
        group: GroupId::new(format!("group-{order}")),
        players: players.iter().enumerate().map(player).collect(),
        order,
        enqueued_at: NOW - Duration::from_secs(age),
        expires_at: Time(u64::MAX),
    }
}

fn skilled(order: u64, age: u64, skill: f64) -> Ticket {
    ticket(order, age, &[&[("skill", Attribute::Number(skill))]])
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_plan_says_where_to_look() {
    let judge = judge(
        r#""teams": [{ "name": "side", "minPlayers": 2, "maxPlayers": 2, "quantity": 2 }],
        "rules": [
            { "name": "close", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 10 },
            { "name": "same", "type": "batchDistance", "batchAttribute": "mode" },
            { "name": "map", "type": "collection", "operation": "intersection",
              "measurements": ["flatten(teams[*].players.attributes[maps])"], "minCount": 1 },
            { "name": "fast", "type": "latency", "maxLatency": 50 }
        ],
        "expansions": [{ "target": "rules[close].maxDistance", "steps": [{ "waitTimeSeconds": 5, "value": 30 }] }]"#,
    );
    let plan = judge.plan();
    assert_eq!((plan.keys, plan.regions, plan.shared), (1, true, 1));
    let near = plan.near.as_ref().unwrap();
    assert_eq!(near.attribute, "skill");
    let limits = [0, 4, 5, 60].map(|age| near.limit(seconds(age), seconds(60)));
    assert_eq!(limits, [10.0, 10.0, 30.0, 30.0].map(Some));
    assert_eq!(judge.next_change(Duration::ZERO), Some(seconds(5)));
    assert_eq!(judge.next_change(seconds(5)), None);
    assert_eq!(
        plan.teams.iter().map(|team| (team.name.as_str(), team.alike)).collect::<Vec<_>>(),
        [("side_1", 0), ("side_2", 0)]
    );
}

#[test]
fn teams_of_one_player_make_a_rule_of_teams_one_of_tickets() {
    let judge = duel(
        r#""rules": [{ "name": "fair", "type": "distance", "maxDistance": 10,
            "measurements": ["avg(teams[*].players.attributes[skill])"],
            "referenceValue": "avg(flatten(teams[*].players.attributes[skill]))" }]"#,
    );
    let near = judge.plan().near.as_ref().unwrap();
    assert_eq!(near.limit(Duration::ZERO, Duration::ZERO), Some(20.0));
    let facts = [100.0, 120.0, 121.0].map(|skill| judge.facts(&skilled(skill as u64, 0, skill)).unwrap());
    assert!(judge.may_meet(&facts[0], &facts[1], NOW));
    let why = judge.why_apart(&facts[0], &facts[2], NOW, Time(0)).unwrap();
    assert_eq!((why.what, why.by), (Breach::Rule(0), Some(1.0)));
}

#[test]
fn between_two_the_age_is_known_and_among_more_it_is_not() {
    let rules = |most: u32| {
        format!(
            r#""teams": [{{ "name": "side", "minPlayers": 1, "maxPlayers": {most}, "quantity": 2 }}],
            "algorithm": {{ "expansionAgeSelection": "oldest" }},
            "rules": [{{ "name": "close", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 10 }}],
            "expansions": [{{ "target": "rules[close].maxDistance", "steps": [{{ "waitTimeSeconds": 9, "value": 30 }}] }}]"#
        )
    };
    for (most, may) in [(1, false), (2, true)] {
        let judge = judge(&rules(most));
        let [a, b] =
            [(1, 100.0), (2, 125.0)].map(|(order, skill)| judge.facts(&skilled(order, 8, skill)).unwrap());
        assert_eq!(judge.may_meet(&a, &b, NOW), may, "a third may be older");
        assert!(judge.why_apart(&a, &b, NOW, a.enqueued_at).is_some(), "nobody is older");
        assert!(judge.may_meet(&a, &b, NOW + seconds(1)));
    }
}

#[test]
fn who_fits_no_match_is_told_why() {
    let told = |judge: &Judge, ticket: &Ticket| judge.facts(ticket).unwrap_err().to_string();
    let judge = duel(
        r#""rules": [
            { "name": "close", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 10 },
            { "name": "veterans", "type": "comparison", "operation": ">=", "referenceValue": 5,
              "measurements": ["flatten(teams[*].players.attributes[skill])"] },
            { "name": "fast", "type": "latency", "maxLatency": 50 }
        ]"#,
    );
    assert_eq!(
        told(&judge, &ticket(1, 0, &[&[]])),
        "A player has no attribute \"skill\" (a number), and the rule \"close\" needs it of everybody."
    );
    assert_eq!(
        told(&judge, &skilled(1, 0, 4.0)),
        "The rule \"veterans\" never allows a value that one of its players has."
    );
    assert_eq!(
        told(&judge, &skilled(1, 0, 6.0)),
        "There is no region for which all its players have a latency that the rule \"fast\" ever allows."
    );
    let two: &[(&str, Attribute)] = &[("skill", Attribute::Number(6.0))];
    assert_eq!(
        told(&judge, &ticket(1, 0, &[two, two])),
        "A party of 2 fits no team: the largest it may be in takes 1."
    );
    let mut lost = skilled(1, 0, 6.0);
    let mut player = lost.players[0].clone();
    player.team = Some("green".into());
    lost.players = [player].into();
    assert!(told(&judge, &lost).starts_with("No team \"green\" can take"));
}

#[test]
fn the_likelier_winner_is_predicted_as_published() {
    let judge = judge(
        r#""teams": [{ "name": "side", "minPlayers": 1, "maxPlayers": 3, "quantity": 2 }],
        "additionalRules": [{ "name": "even", "type": "winProbability", "attribute": "rating", "maxProbability": 0.5 }]"#,
    );
    let facts = |order, skill: (f64, f64)| {
        let rating = [("mu", skill.0), ("sigma", skill.1)].into_iter().collect();
        judge.facts(&ticket(order, 0, &[&[("rating", Attribute::StringNumberMap(rating))]])).unwrap()
    };
    let chance = |one: &[(f64, f64)], other: &[(f64, f64)]| {
        let team = |from: u64, team: &[(f64, f64)]| -> Vec<_> {
            (from..).zip(team).map(|(order, skill)| facts(order, *skill)).collect()
        };
        let (one, other) = (team(0, one), team(10, other));
        let teams = [one.iter().collect::<Vec<_>>(), other.iter().collect()];
        let broken = judge.judge(&Lineup { teams: &teams }, NOW).broken;
        0.5 + broken.and_then(|broken| broken.by).unwrap_or(0.0)
    };
    // The example in the documentation of the crate skillratings, whose answer is 21 to 79.
    let newcomer = (25.0, 25.0 / 3.0);
    let predicted = chance(&[(42.0, 2.1), newcomer, (12.0, 3.2)], &[(31.0, 1.2), newcomer, (41.0, 1.2)]);
    assert!((predicted - 0.79).abs() < 0.005, "{predicted}");
    assert_eq!(chance(&[newcomer], &[newcomer]), 0.5);
    // On the scale of Elo nothing overflows.
    assert_eq!(chance(&[(9_000.0, 1.0)], &[(1_000.0, 1.0)]), 1.0);
}

#[test]
fn a_tickets_facts_are_small() {
    let judge = duel(
        r#""rules": [{ "name": "close", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 10 }]"#,
    );
    let facts = judge.facts(&skilled(1, 0, 5.0)).unwrap();
    let heap = facts.numbers.len() * size_of::<f64>();
    assert_eq!(facts.lists().len() + facts.key().len() + facts.regions().len(), 0);
    assert!(size_of_val(&facts) + heap < 150, "{} + {heap}", size_of_val(&facts));
}

#[test]
fn teams_that_a_rule_names_cant_be_exchanged() {
    let judge = judge(
        r#""teams": [{ "name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2 },
                    { "name": "other", "minPlayers": 1, "maxPlayers": 1, "quantity": 2 }],
        "rules": [{ "name": "strong", "type": "comparison", "operation": ">=", "referenceValue": 5,
                    "measurements": ["avg(teams[side_1].players.attributes[skill])"] }]"#,
    );
    let alike: Vec<usize> = judge.plan().teams.iter().map(|team| team.alike).collect();
    assert!(alike[0] != alike[1] && alike[2] == alike[3], "{alike:?}");
}
