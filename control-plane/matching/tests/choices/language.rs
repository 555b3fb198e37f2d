//! What the parts of the language mean where it has no parties.

use super::{far, on_map, party, player, rule, rules, skilled, solo, with_maps, with_teams};

#[test]
fn expansions_go_by_the_newest_ticket_unless_told_otherwise() {
    let near = |algorithm: &str, basis: &str| {
        rules(&format!(
            r#""algorithm": {{ {algorithm} }}, "rules": [{{ "name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 5 {basis} }}],
            "expansions": [{{ "target": "rules[Near].maxDistance", "steps": [{{ "waitTimeSeconds": 10, "value": 50 }}] }}]"#
        ))
    };
    let oldest = r#""expansionAgeSelection": "oldest""#;
    let match_of = |older, newer| ([solo(skilled(0.0)).aged(older)], [solo(skilled(30.0)).aged(newer)]);
    for (algorithm, basis, older, newer, holds) in [
        ("", "", 100, 9, false),
        ("", "", 100, 10, true),
        (oldest, "", 10, 0, true),
        ("", r#", "ageBasis": "oldest""#, 10, 0, true),
        (oldest, r#", "ageBasis": "newest""#, 10, 0, false),
    ] {
        let (red, blue) = match_of(older, newer);
        let rules = near(algorithm, basis);
        assert_eq!(rules.hold(&[&red, &blue]), holds, "{algorithm} {basis} {older} {newer}");
    }
}

#[test]
fn team_sizes_go_by_the_algorithms_age() {
    let teams = r#"{ "name": "red", "minPlayers": 2, "maxPlayers": 2 }"#;
    let more = |algorithm: &str| {
        format!(
            r#""algorithm": {{ {algorithm} }}, "expansions": [{{ "target": "teams[red].minPlayers", "steps": [{{ "waitTimeSeconds": 10, "value": 1 }}] }}]"#
        )
    };
    let rules = with_teams(teams, &more(""));
    assert!(!rules.hold(&[&[solo(skilled(0.0)).aged(9)]]));
    assert!(rules.hold(&[&[solo(skilled(0.0)).aged(10)]]));
}

#[test]
fn stddev_is_of_the_population_and_median_between_the_middle_two() {
    let measured = |expression: &str, value: f64| {
        rule(&format!(
            r#""type": "distance", "measurements": ["{expression}(teams[red].players.attributes[skill])"], "referenceValue": {value}, "maxDistance": 0.0001"#
        ))
    };
    let red = [2.0, 4.0, 4.0, 6.0].map(|skill| solo(skilled(skill)));
    let blue = [solo(skilled(0.0))];
    assert!(measured("stddev", 2.0_f64.sqrt()).hold(&[&red, &blue]));
    let red = [1.0, 2.0, 10.0, 100.0].map(|skill| solo(skilled(skill)));
    assert!(measured("median", 6.0).hold(&[&red, &blue]));
}

#[test]
fn nothing_is_asked_of_no_value() {
    let teams = r#"{ "name": "red", "minPlayers": 1, "maxPlayers": 5 }, { "name": "blue", "minPlayers": 0, "maxPlayers": 5 }"#;
    let of = |measured: &str, reference: &str| {
        with_teams(
            teams,
            &format!(
                r#""rules": [{{ "name": "Rule", "type": "comparison", "measurements": ["{measured}"], "operation": "=", "referenceValue": {reference} }}]"#
            ),
        )
    };
    let red = [solo(skilled(7.0))];
    assert!(of("avg(teams[blue].players.attributes[skill])", "3").hold(&[&red, &[]]));
    assert!(
        of("avg(teams[red].players.attributes[skill])", "\"max(teams[blue].players.attributes[skill])\"")
            .hold(&[&red, &[]])
    );
    assert!(of("sum(teams[blue].players.attributes[skill])", "0").hold(&[&red, &[]]));
    assert!(!of("count(teams[blue].players)", "1").hold(&[&red, &[]]));
}

#[test]
fn a_comparison_without_a_reference_is_over_all_teams_grouped_or_not() {
    for measured in ["teams[*].players.attributes[map]", "flatten(teams[*].players.attributes[map])"] {
        let same =
            rule(&format!(r#""type": "comparison", "measurements": ["{measured}"], "operation": "=""#));
        assert!(same.hold(&[&[solo(on_map("a"))], &[solo(on_map("a"))]]));
        assert!(!same.hold(&[&[solo(on_map("a"))], &[solo(on_map("b"))]]));
        assert!(!same.hold(&[&[solo(on_map("a"))], &[solo(on_map("A"))]]), "case matters");
    }
}

#[test]
fn collections_are_asked_for_each_team_where_there_is_a_list_a_team() {
    let counted = |measured: &str| {
        rule(&format!(
            r#""type": "collection", "operation": "contains", "measurements": ["{measured}"], "referenceValue": "a", "maxCount": 1"#
        ))
    };
    let match_of = || ([solo(with_maps(&["a"])), solo(with_maps(&["b"]))], [solo(with_maps(&["a", "a"]))]);
    let (red, blue) = match_of();
    assert!(
        counted("teams[*].players.attributes[maps]").hold(&[&red, &blue]),
        "twice in one list counts once"
    );
    assert!(!counted("flatten(teams[*].players.attributes[maps])").hold(&[&red, &blue]));
}

#[test]
fn a_list_of_texts_can_be_the_reference() {
    let some = rule(
        r#""type": "collection", "operation": "reference_intersection_count", "measurements": ["flatten(teams[*].players.attributes[maps])"], "referenceValue": ["a", "b"], "minCount": 1"#,
    );
    assert!(some.hold(&[&[solo(with_maps(&["a"]))], &[solo(with_maps(&["c", "b"]))]]));
    assert!(!some.hold(&[&[solo(with_maps(&["a"]))], &[solo(with_maps(&["c"]))]]));
}

#[test]
fn a_latency_rule_needs_one_region_for_both_its_limits() {
    let near = |reference: &str| {
        rule(&format!(r#""type": "latency", "maxLatency": 100, "maxDistance": 30 {reference}"#))
    };
    let teams =
        |other: u32| ([solo(far([("eu", 20), ("us", 90)]))], [solo(far([("eu", other), ("us", 10)]))]);
    let (red, blue) = teams(50);
    assert!(near("").hold(&[&red, &blue]));
    let (red, blue) = teams(60);
    assert!(!near("").hold(&[&red, &blue]), "40 from the lowest in eu, 80 in us");
    assert!(near(r#", "distanceReference": "avg""#).hold(&[&red, &blue]), "20 from the average in eu");
    let apart = rules(
        r#""rules": [{ "name": "Fast", "type": "latency", "maxLatency": 20 }, { "name": "Alike", "type": "latency", "maxDistance": 5 }]"#,
    );
    let red = [solo(far([("eu", 10), ("us", 50)]))];
    assert!(apart.hold(&[&red, &[solo(far([("eu", 20), ("us", 52)]))]]), "each by a region of its own");
}

#[test]
fn xor_holds_where_exactly_one_does() {
    let rules = rules(
        r#""rules": [
            { "name": "A", "type": "comparison", "measurements": ["flatten(players.attributes[skill])"], "operation": ">", "referenceValue": 1 },
            { "name": "B", "type": "comparison", "measurements": ["flatten(players.attributes[skill])"], "operation": ">", "referenceValue": 2 },
            { "name": "C", "type": "comparison", "measurements": ["flatten(players.attributes[skill])"], "operation": ">", "referenceValue": 3 },
            { "name": "One", "type": "compound", "statement": "xor(A, B, C)" }]"#,
    );
    let holds = |skill: f64| rules.hold(&[&[solo(skilled(skill))], &[solo(skilled(skill))]]);
    assert_eq!([1.0, 2.0, 3.0, 4.0].map(holds), [false, true, false, false]);
}

#[test]
fn teams_of_a_kind_are_named_together_or_by_number() {
    let teams = r#"{ "name": "side", "minPlayers": 1, "maxPlayers": 2, "quantity": 2 }"#;
    let counted = |measured: &str| {
        with_teams(
            teams,
            &format!(
                r#""rules": [{{ "name": "Two", "type": "comparison", "measurements": ["{measured}"], "operation": "=", "referenceValue": 2 }}]"#
            ),
        )
    };
    let two = || [solo(skilled(1.0)), solo(skilled(2.0))];
    let one = || [solo(skilled(3.0))];
    assert!(counted("count(teams[side_1].players)").hold(&[&two(), &one()]));
    assert!(!counted("count(teams[side_2].players)").hold(&[&two(), &one()]));
    assert!(!counted("count(teams[side].players)").hold(&[&two(), &one()]), "asked of each");
    assert!(counted("count(teams[side].players)").hold(&[&two(), &two()]));
}

#[test]
fn who_asks_for_a_team_is_in_one_of_that_name() {
    let teams = r#"{ "name": "side", "minPlayers": 1, "maxPlayers": 2, "quantity": 2 }"#;
    let rules = with_teams(teams, r#""rules": []"#);
    let asking = |team: &str| {
        let mut asking = player("asking", []);
        asking.team = Some(team.into());
        [party([asking])]
    };
    let other = || [solo(skilled(1.0))];
    assert!(rules.hold(&[&asking("side_1"), &other()]));
    assert!(!rules.hold(&[&other(), &asking("side_1")]));
    assert!(rules.hold(&[&other(), &asking("side")]));
    assert!(!rules.takes(&asking("middle")[0]));
}
