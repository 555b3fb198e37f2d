//! Which tickets are looked at first.

use super::{Rules, player, rated, rule, rules, skilled, solo};
use crate::Party;
use matching::judge::Facts;

/// The places of these parties in the order in which they are looked at, for the first as the anchor.
fn order(rules: &Rules, parties: &[Party]) -> Vec<usize> {
    let facts: Vec<Facts> =
        parties.iter().map(|party| rules.0.facts(&party.ticket(1)).expect("it fits")).collect();
    rules.0.sorted(&facts[0], (1..facts.len()).collect(), |&at| &facts[at])
}

fn with_skills(skills: [f64; 4]) -> Vec<Party> {
    skills.into_iter().map(|skill| solo(skilled(skill))).collect()
}

#[test]
fn an_absolute_sort_goes_by_the_value_and_a_distance_sort_by_how_far_it_is() {
    let sort = |kind: &str, direction: &str| {
        let rules =
            rule(&format!(r#""type": "{kind}", "sortAttribute": "skill", "sortDirection": "{direction}""#));
        order(&rules, &with_skills([50.0, 90.0, 10.0, 60.0]))
    };
    assert_eq!(sort("absoluteSort", "ascending"), [2, 3, 1]);
    assert_eq!(sort("absoluteSort", "descending"), [1, 3, 2]);
    assert_eq!(sort("distanceSort", "ascending"), [3, 1, 2], "of equally far ones the order stays");
    assert_eq!(sort("distanceSort", "descending"), [1, 2, 3]);
}

#[test]
fn a_map_is_sorted_by_the_anchors_lowest_or_highest_key() {
    let rating = |mu: f64, sigma: f64| solo(rated(mu, sigma));
    let sort = |key: &str| {
        let rules = rule(&format!(
            r#""type": "absoluteSort", "sortAttribute": "rating", "sortDirection": "ascending", "mapKey": "{key}""#
        ));
        order(&rules, &[rating(9.0, 1.0), rating(1.0, 8.0), rating(7.0, 2.0), solo(player("none", []))])
    };
    assert_eq!(sort("maxValue"), [1, 2, 3], "by mu, the anchor's highest");
    assert_eq!(sort("minValue"), [2, 1, 3], "by sigma, its lowest; who has no value is last");
}

#[test]
fn sorts_go_in_the_files_order() {
    let both = rules(
        r#""rules": [
            { "name": "Level", "type": "absoluteSort", "sortAttribute": "level", "sortDirection": "ascending" },
            { "name": "Skill", "type": "absoluteSort", "sortAttribute": "skill", "sortDirection": "descending" }]"#,
    );
    assert_eq!(
        order(&both, &with_skills([50.0, 10.0, 30.0, 20.0])),
        [2, 3, 1],
        "all are of the default level"
    );
}
