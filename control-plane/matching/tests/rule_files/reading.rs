//! Files that must read, and files in which everything wrong must be found.
//!
//! Beside each file with mistakes stands what is said of it. `UPDATE_EXPECTED=1` writes it anew; read it then.

use std::{fs, time::Duration};

use matching::rule_set::{
    AgeBasis, Batching, CollectionOperation, Diagnostic, Expression, Logic, LooseningValue, Reference,
    RuleKind, RuleSet, Strategy, Teams,
};

use super::{files, folder, good, shown};

#[test]
fn every_good_file_reads_and_is_warned_of_only_where_it_is_odd() {
    for file in files(&folder()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let warnings = shown(&good(name).warnings);
        let expected = match name {
            "even_teams.json" => {
                "2:5: warning: comments are no JSON: other readers refuse them; a `description` can say it too\n"
            }
            "large_match.json" => concat!(
                "15:9: warning: expansions[0].target: `target` is here twice; this one counts and the one before it is lost\n",
                "16:9: warning: expansions[0].steps: `steps` is here twice; this one counts and the one before it is lost\n",
            ),
            "large_alike.json" => {
                "15:101: warning: rules[0].maxDistance: a number is needed here; the text is read as 2\n"
            }
            _ => "",
        };
        assert_eq!(warnings, expected, "{name}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_found_at_once_each_with_its_place() {
    for file in files(&folder().join("mistakes")) {
        let found = RuleSet::parse(&fs::read_to_string(&file).unwrap()).unwrap_err();
        assert!(found.iter().any(Diagnostic::is_error), "{}", file.display());
        assert!(found.is_sorted_by_key(|found| (found.line, found.column)), "{}", file.display());
        let expected = file.with_extension("txt");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected, shown(&found)).unwrap();
        }
        let expected = fs::read_to_string(expected).unwrap();
        assert_eq!(shown(&found), expected, "{}", file.display());
    }
}

#[test]
fn expansions_are_where_their_numbers_are() {
    let rules = good("additions.json").rules;
    let RuleKind::BatchDistance { max: Some(max), .. } = &rules.rules[0].kind else { panic!() };
    assert!(max.linear);
    assert_eq!([0, 30, 60, 90].map(|age| max.at(Duration::from_secs(age))), [50.0, 200.0, 350.0, 350.0]);
    assert_eq!(rules.rules[0].age_basis, Some(AgeBasis::Oldest));

    let rules = good("large_match.json").rules;
    let min = &rules.teams[0].min_players;
    assert_eq!([9, 10, 15].map(|age| min.at(Duration::from_secs(age))), [175.0, 150.0, 100.0]);
    // The first expansion of that file is lost, as in every reader of JSON.
    assert_eq!(rules.rules[0].kind.numbers()[0].1.steps, []);
}

#[test]
fn additions_have_their_place() {
    let rules = good("additions.json").rules;
    assert_eq!(rules.algorithm.premade_parity, Some(1));
    let roles: Vec<_> = rules.teams[0].roles.iter().map(|slot| (slot.role.as_str(), slot.count)).collect();
    assert_eq!(roles, [("tank", 1), ("healer", 2)]);
    assert_eq!(rules.rules[1].optional_after, Some(Duration::from_secs(60)));
    assert_eq!(rules.rules[2].weight, Some(2.5));
    assert!(
        matches!(&rules.rules[4].kind, RuleKind::WinProbability { attribute, .. } if attribute == "rating")
    );
    assert!(matches!(&rules.rules[5].kind, RuleKind::BlockList { attribute } if attribute == "avoid"));
}

#[test]
fn rules_that_a_compound_names_are_asked_only_by_it() {
    let rules = good("compound.json").rules;
    let named: Vec<_> = rules.rules.iter().map(|rule| rule.named_by_compound).collect();
    assert_eq!(named, [true, true, true, true, false]);
    let RuleKind::Compound { statement } = &rules.rules[4].kind else { panic!() };
    let pair = |a, b| Logic::And(vec![Logic::Rule(a), Logic::Rule(b)]);
    assert_eq!(*statement, Logic::Or(vec![pair(2, 3), pair(1, 0)]));
}

#[test]
fn defaults_are_those_of_the_language() {
    let rules = good("three_teams.json").rules;
    assert_eq!(rules.algorithm.strategy, Strategy::ExhaustiveSearch);
    assert_eq!(rules.algorithm.batching, Batching::Random);
    assert_eq!(rules.algorithm.expansion_age, AgeBasis::Newest);
    let RuleKind::Collection { operation, reference, .. } = &rules.rules[2].kind else { panic!() };
    assert_eq!(*operation, CollectionOperation::Contains);
    assert_eq!(*reference, Some(Reference::Expression(Expression::Text("doctor".to_owned()))));
    assert_eq!(good("large_alike.json").rules.algorithm.batching, Batching::LargestPopulation);
}

#[test]
fn one_of_several_teams_of_a_kind_can_be_named() {
    let rules = good("additions.json").rules;
    let RuleKind::Comparison { measurements, .. } = &rules.rules[3].kind else { panic!() };
    let Expression::Aggregated(_, inner) = &measurements[0] else { panic!() };
    let Expression::Property { teams, .. } = inner.as_ref() else { panic!() };
    assert_eq!(*teams, Teams::Named(vec!["side_1".to_owned()]));
    let stands_for = ["side", "side_1", "side_2", "side_3", "sid", "side_"];
    assert_eq!(stands_for.map(|name| rules.teams[0].stands_for(name)), [2, 1, 1, 0, 0, 0]);
}

#[test]
fn the_table_shows_every_number_at_every_age_at_which_something_changes() {
    use LooseningValue::{Asked, Is, NotAsked};
    let table = good("additions.json").rules.loosening();
    assert_eq!(table.ages, [0.0, 30.0, 60.0]);
    let row = |target: &str| table.rows.iter().find(|row| row.target == target).unwrap();
    assert_eq!(row("teams[side].minPlayers").values, [Is(5.0); 3]);
    let near = row("rules[NearSkill].maxDistance");
    assert_eq!(
        (near.values.as_slice(), near.linear, near.age),
        ([50.0, 200.0, 350.0].map(Is).as_slice(), true, "oldest")
    );
    assert_eq!(row("rules[SameMode]").values, [Asked, Asked, NotAsked]);
    assert_eq!(row("rules[OpenEnd].maxProbability").values, [0.6, 0.75, 0.75].map(Is));
    assert_eq!(row("rules[Fast].maxLatency").weight, Some(2.5));
}
