//! What was read, written and read again is the same.

use std::time::Duration;

use matching::rule_set::{Aggregate, Changing, Expression, Property, RuleKind, RuleSet, Step, Teams};
use proptest::prelude::*;

use super::{files, folder, good, shown, writer};

fn again(rules: &RuleSet) -> RuleSet {
    let text = writer::file(rules);
    RuleSet::parse(&text).unwrap_or_else(|found| panic!("{}in {text}", shown(&found))).rules
}

#[test]
fn every_file_comes_back_from_its_rule_set() {
    for file in files(&folder()) {
        let rules = good(file.file_name().unwrap().to_str().unwrap()).rules;
        assert_eq!(again(&rules), rules, "{}", file.display());
    }
}

/// A list of numbers, or lists of them: an expression and how many lists are around its numbers.
fn numbers() -> impl Strategy<Value = (Expression, usize)> {
    let teams = prop_oneof![
        Just((Teams::All, 2)),
        Just((Teams::Named(vec!["side".to_owned()]), 2)),
        Just((Teams::Named(vec!["side_2".to_owned()]), 1)),
        Just((Teams::Named(vec!["side_1".to_owned(), "side_2".to_owned()]), 2)),
    ];
    let skill = Property::Attribute("skill".to_owned());
    let start = teams
        .prop_map(move |(teams, depth)| (Expression::Property { teams, property: skill.clone() }, depth));
    let aggregates = prop::sample::select(vec![
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::Avg,
        Aggregate::Median,
        Aggregate::Sum,
        Aggregate::Count,
        Aggregate::Stddev,
    ]);
    let functions = prop::collection::vec(prop::option::of(aggregates), 0..4);
    (start, functions).prop_map(|((expression, depth), functions)| {
        functions.into_iter().fold((expression, depth), |(inner, depth), function| match (function, depth) {
            (_, 0) => (inner, 0),
            (Some(aggregate), _) => (Expression::Aggregated(aggregate, Box::new(inner)), depth - 1),
            (None, 1) => (inner, 1),
            (None, _) => (Expression::Flattened(Box::new(inner)), depth - 1),
        })
    })
}

fn steps(first: f64) -> impl Strategy<Value = Changing> {
    let steps = prop::collection::btree_map(1_u64..100_000, 1_u32..1_000_000, 0..5);
    (steps, any::<bool>()).prop_map(move |(steps, linear)| {
        let step =
            |(after, value)| Step { after: Duration::from_millis(after), value: f64::from(value) / 64.0 };
        // Without steps there is no expansion to say that it is linear.
        let linear = linear && !steps.is_empty();
        Changing { first, steps: steps.into_iter().map(step).collect(), linear }
    })
}

proptest! {
    #[test]
    fn expressions_and_expansions_come_back(measured in numbers(), change in steps(5_000.0)) {
        let mut rules = good("additions.json").rules;
        let (expression, depth) = measured;
        let reference = if depth == 0 { expression.clone() } else {
            let flat = if depth == 2 { Expression::Flattened(Box::new(expression.clone())) } else { expression.clone() };
            Expression::Aggregated(Aggregate::Avg, Box::new(flat))
        };
        rules.rules[3].kind = RuleKind::Distance {
            measurements: vec![expression],
            reference: matching::rule_set::Reference::Expression(reference),
            min: None,
            max: Some(change),
            party: matching::rule_set::Aggregation::Max,
        };
        prop_assert_eq!(again(&rules), rules);
    }
}
