//! What Muster adds to the language.

use super::{Attribute, on_map, party, player, rated, rule, rules, skilled, solo, with_teams};
use crate::{NOW, Party};
use matching::judge::{Facts, Lineup};

#[test]
fn a_weight_makes_a_rule_a_preference() {
    let wish = rule(r#""type": "batchDistance", "batchAttribute": "map", "weight": 2"#);
    let cost = |red: Party, blue: Party| {
        let facts: Vec<Facts> =
            [red, blue].iter().map(|party| wish.0.facts(&party.ticket(1)).unwrap()).collect();
        let verdict = wish.0.judge(&Lineup { teams: &[vec![&facts[0]], vec![&facts[1]]] }, NOW);
        assert_eq!(verdict.broken, None);
        verdict.cost
    };
    assert!(cost(solo(on_map("a")), solo(on_map("a"))) < cost(solo(on_map("a")), solo(on_map("b"))));
}

#[test]
fn an_optional_rule_isnt_asked_from_its_age_on_and_holds_in_compounds() {
    let same =
        r#""name": "Same", "type": "batchDistance", "batchAttribute": "map", "optionalAfterSeconds": 10"#;
    let alone = rules(&format!(r#""rules": [{{ {same} }}]"#));
    let both = rules(&format!(
        r#""rules": [{{ {same} }}, {{ "name": "Fast", "type": "latency", "maxLatency": 50 }}, {{ "name": "Both", "type": "compound", "statement": "or(Same, Fast)" }}]"#
    ));
    for rules in [alone, both] {
        let at = |age| rules.hold(&[&[solo(on_map("a")).aged(age)], &[solo(on_map("b")).aged(age)]]);
        assert_eq!([9, 10].map(at), [false, true]);
    }
}

#[test]
fn a_linear_expansion_moves_from_the_start_in_whole_seconds() {
    let near = rules(
        r#""rules": [{ "name": "Near", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 10 }],
        "expansions": [{ "target": "rules[Near].maxDistance", "linear": true, "steps": [{ "waitTimeSeconds": 10, "value": 110 }] }]"#,
    );
    let at = |age| near.hold(&[&[solo(skilled(0.0)).aged(age)], &[solo(skilled(60.0)).aged(age)]]);
    assert_eq!([0, 4, 5, 10].map(at), [false, false, true, true]);
}

#[test]
fn slots_are_filled_by_who_has_the_role_or_none() {
    let teams = r#"{ "name": "red", "minPlayers": 1, "maxPlayers": 3, "roles": [{ "role": "tank" }, { "role": "healer" }] }"#;
    let rules = with_teams(teams, r#""rules": []"#);
    let team = |roles: &[&str]| {
        let players = roles.iter().map(|role| {
            let mut player = player("player", []);
            player.role = (!role.is_empty()).then(|| (*role).into());
            solo(player)
        });
        rules.hold(&[&players.collect::<Vec<_>>()])
    };
    assert!(team(&["tank", "healer"]));
    assert!(team(&["tank", "tank", "healer"]), "a place beyond the slots");
    assert!(team(&["tank", ""]));
    assert!(!team(&["tank", "tank", "tank"]));
    assert!(!team(&["healer"]));
}

#[test]
fn parity_is_of_the_largest_parties() {
    let rules = rules(r#""algorithm": { "premadeParity": 1 }"#);
    let of = |size: usize| party((0..size).map(|index| skilled(index as f64)));
    assert!(rules.hold(&[&[of(3)], &[of(2), of(1)]]));
    assert!(!rules.hold(&[&[of(3)], &[of(1), of(1), of(1)]]));
}

#[test]
fn the_likeliest_winners_chance_is_bounded() {
    let open = rules(
        r#""additionalRules": [{ "name": "Open", "type": "winProbability", "attribute": "rating", "maxProbability": 0.6 }]"#,
    );
    assert!(open.hold(&[&[solo(rated(25.0, 8.0))], &[solo(rated(25.0, 8.0))]]));
    assert!(open.hold(&[&[solo(rated(27.0, 8.0))], &[solo(rated(25.0, 8.0))]]), "unsure");
    assert!(!open.hold(&[&[solo(rated(35.0, 2.0))], &[solo(rated(25.0, 2.0))]]));
}

#[test]
fn nobody_meets_whom_they_blocked_but_parties_chose_each_other() {
    let rules =
        rules(r#""additionalRules": [{ "name": "Blocked", "type": "blockList", "attribute": "blocked" }]"#);
    let blocking = || player("ann", [("blocked", Attribute::StringList(Box::new(["bob".into()])))]);
    let (bob, cem) = (|| player("bob", []), || player("cem", []));
    assert!(!rules.hold(&[&[solo(blocking())], &[solo(bob())]]), "opponents");
    assert!(!rules.hold(&[&[solo(bob()), solo(blocking())], &[solo(cem())]]), "the same team");
    assert!(rules.hold(&[&[party([blocking(), bob()])], &[solo(cem())]]));
}
