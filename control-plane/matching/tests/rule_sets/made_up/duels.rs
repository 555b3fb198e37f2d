//! Teams of one player or none, whose numbers are held against each other: where what is said of teams is said of tickets.

use matching::rule_set::{
    Aggregate, Aggregation, Changing, Expression, Property, Reference, RuleKind, RuleSet, Teams,
};

use super::rules;
use crate::dice::Dice;

/// A rule set of that kind.
pub(crate) fn duel_rule_set(dice: &mut Dice) -> RuleSet {
    let mut set = loop {
        let set = rules::rule_set(dice);
        if let [_] = &set.rules[..] {
            break set;
        }
    };
    let names = ["red", "blue", "green"];
    let count = dice.between(2, 3) as usize;
    set.teams = names[..count].iter().map(|name| rules::single(dice, name, 1)).collect();
    let skill = |teams: Teams| {
        Box::new(Expression::Property { teams, property: Property::Attribute("skill".into()) })
    };
    let by = |dice: &mut Dice| {
        use Aggregate::{Avg, Count, Max, Median, Min, Stddev, Sum};
        dice.one_of(&[Avg, Avg, Min, Max, Median, Sum, Stddev, Count])
    };
    let one = |dice: &mut Dice| Teams::Named(vec![dice.one_of(&names[..count]).to_owned()]);
    let some = |dice: &mut Dice| match dice.below(3) {
        0 => Teams::All,
        1 => one(dice),
        _ => Teams::Named(names[1..count].iter().map(ToString::to_string).collect()),
    };
    let measurements = (0..dice.between(1, 2)).map(|_| {
        let teams = some(dice);
        Expression::Aggregated(by(dice), skill(teams))
    });
    let measurements = measurements.collect();
    let reference = if dice.once_in(3) {
        Expression::Aggregated(by(dice), Box::new(Expression::Flattened(skill(Teams::All))))
    } else {
        let team = one(dice);
        Expression::Aggregated(by(dice), skill(team))
    };
    set.rules[0].weight = None;
    set.rules[0].kind = RuleKind::Distance {
        measurements,
        reference: Reference::Expression(reference),
        min: None,
        max: Some(Changing::fixed(dice.between(1, 6) as f64)),
        party: Aggregation::Avg,
    };
    set
}
