//! What a rule makes of parties, and of what players lack.

use super::{Attribute, far, on_map, party, player, rule, rules, skilled, solo, with_maps};

#[test]
fn each_player_of_a_party_stands_with_the_partys_number() {
    // A party of 10 and 30 stands as two of 20: the team's average weighs players, and the rule is asked for each.
    let average = rule(
        r#""type": "comparison", "measurements": ["avg(teams[red].players.attributes[skill])"], "operation": "=", "referenceValue": 30"#,
    );
    let red = [party([skilled(10.0), skilled(30.0)]), solo(skilled(50.0))];
    assert!(average.hold(&[&red, &[solo(skilled(0.0))]]));
    for (by, holds) in [("avg", true), ("min", false), ("max", true)] {
        let least = rule(&format!(
            r#""type": "comparison", "measurements": ["flatten(teams[*].players.attributes[skill])"], "operation": ">=", "referenceValue": 20, "partyAggregation": "{by}""#
        ));
        let pair = [party([skilled(10.0), skilled(30.0)])];
        assert_eq!(least.hold(&[&pair, &[solo(skilled(20.0))]]), holds, "{by}");
    }
}

#[test]
fn without_a_reference_and_for_texts_each_player_has_their_own_value() {
    let same = rule(
        r#""type": "comparison", "measurements": ["flatten(teams[*].players.attributes[skill])"], "operation": "=""#,
    );
    assert!(!same.hold(&[&[party([skilled(10.0), skilled(30.0)])], &[solo(skilled(20.0))]]));
    assert!(same.hold(&[&[party([skilled(20.0), skilled(20.0)])], &[solo(skilled(20.0))]]));
    let other = rule(
        r#""type": "comparison", "measurements": ["flatten(teams[*].players.attributes[map])"], "operation": "!=""#,
    );
    assert!(other.hold(&[&[party([on_map("a"), on_map("b")])], &[solo(on_map("c"))]]));
    assert!(!other.hold(&[&[party([on_map("a"), on_map("a")])], &[solo(on_map("c"))]]));
}

#[test]
fn batch_distance_of_numbers_is_between_parties_and_of_texts_within_them_too() {
    let near = rule(r#""type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5"#);
    assert!(near.hold(&[&[party([skilled(0.0), skilled(40.0)])], &[solo(skilled(22.0))]]));
    assert!(!near.hold(&[&[solo(skilled(10.0))], &[solo(skilled(16.0))]]));
    let same = rule(r#""type": "batchDistance", "batchAttribute": "map""#);
    assert!(same.hold(&[&[party([on_map("a"), on_map("a")])], &[solo(on_map("a"))]]));
    assert!(!same.takes(&party([on_map("a"), on_map("b")])));
}

#[test]
fn a_partys_lists_become_one_but_contains_counts_players() {
    let shared = |by: &str| {
        rule(&format!(
            r#""type": "collection", "operation": "intersection", "measurements": ["flatten(teams[*].players.attributes[maps])"], "minCount": 1, "partyAggregation": "{by}""#
        ))
    };
    let pair = || [party([with_maps(&["a"]), with_maps(&["b"])])];
    assert!(shared("union").hold(&[&pair(), &[solo(with_maps(&["b"]))]]));
    assert!(!shared("intersection").hold(&[&pair(), &[solo(with_maps(&["b"]))]]));
    let one = rule(
        r#""type": "collection", "operation": "contains", "measurements": ["flatten(teams[*].players.attributes[maps])"], "referenceValue": "b", "maxCount": 1"#,
    );
    assert!(one.hold(&[&pair(), &[solo(with_maps(&["a"]))]]));
    assert!(!one.hold(&[&pair(), &[solo(with_maps(&["b"]))]]));
}

#[test]
fn a_party_has_no_latency_where_one_of_it_has_none() {
    let fast = rule(r#""type": "latency", "maxLatency": 70"#);
    let pair = || [party([far([("eu", 20), ("us", 50)]), far([("eu", 120)])])];
    // 70 on average in eu; in us there is only one of them.
    assert!(fast.hold(&[&pair(), &[solo(far([("eu", 70)]))]]));
    assert!(!fast.hold(&[&pair(), &[solo(far([("us", 10)]))]]));
}

#[test]
fn who_lacks_what_a_rule_looks_at_is_told_at_once() {
    let same = rule(r#""type": "batchDistance", "batchAttribute": "map""#);
    assert!(!same.takes(&solo(skilled(1.0))));
    assert!(!same.takes(&solo(player("typed", [("map", Attribute::Number(1.0))]))), "another type is none");
    let level = rule(r#""type": "batchDistance", "batchAttribute": "level", "maxDistance": 0"#);
    assert!(
        level.hold(&[&[solo(skilled(1.0))], &[solo(player("five", [("level", Attribute::Number(5.0))]))]])
    );
    let wish = rule(r#""type": "batchDistance", "batchAttribute": "map", "weight": 1"#);
    assert!(wish.hold(&[&[solo(skilled(1.0))], &[solo(skilled(2.0))]]));
    let either = rules(
        r#""rules": [{ "name": "Map", "type": "batchDistance", "batchAttribute": "map" },
            { "name": "Skill", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5 },
            { "name": "Either", "type": "compound", "statement": "or(Map, Skill)" }]"#,
    );
    assert!(either.hold(&[&[solo(skilled(1.0))], &[solo(skilled(2.0))]]));
    assert!(!either.hold(&[&[solo(skilled(1.0))], &[solo(on_map("a"))]]));
    let fast = rule(r#""type": "latency", "maxLatency": 70"#);
    assert!(!fast.takes(&solo(skilled(1.0))));
}
