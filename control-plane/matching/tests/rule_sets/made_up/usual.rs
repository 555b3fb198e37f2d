//! Rule sets as studios write them: two teams, close skill, a shared mode, region and map, all loosening with time.

use std::time::Duration;

use matching::rule_set::{
    Aggregate, Aggregation, Changing, CollectionOperation, Expression, Property, Reference, Rule, RuleKind,
    RuleSet, SetAggregation, Step, Strategy, Teams,
};

use super::rules;
use crate::dice::Dice;

/// One of them, with teams of at most `most` players.
pub(crate) fn usual_rule_set(dice: &mut Dice, most: u64) -> RuleSet {
    let players = dice.between(1, most) as f64;
    let mut side = rules::single(dice, "side", 2);
    (side.min_players, side.max_players) = (Changing::fixed(players), Changing::fixed(players));
    side.roles.clear();
    if dice.once_in(3) {
        // Later, with fewer.
        side.min_players.steps.push(Step { after: Duration::from_secs(dice.between(2, 9)), value: 1.0 });
    }
    let mut set = rules::rule_set(dice);
    set.teams = vec![side];
    set.algorithm.strategy = Strategy::ExhaustiveSearch;
    set.algorithm.premade_parity = None;
    for declaration in &mut set.attributes {
        declaration.default = declaration.default.take().filter(|_| declaration.name != "skill");
    }
    let all = [skill(dice), fair(dice), mode(), maps(dice), latency(dice)];
    let kinds = all.into_iter().filter(|_| !dice.once_in(3)).collect::<Vec<_>>();
    set.rules = (0..).zip(kinds).map(|(index, kind): (u32, _)| rule(dice, index, kind)).collect();
    set
}

fn rule(dice: &mut Dice, index: u32, kind: RuleKind) -> Rule {
    Rule {
        name: format!("rule {index}"),
        description: String::new(),
        kind,
        weight: None,
        optional_after: dice.once_in(6).then(|| Duration::from_secs(dice.between(3, 12))),
        age_basis: None,
        named_by_compound: false,
    }
}

/// A number that only ever lets more through.
fn loosening(dice: &mut Dice, first: u64, by: u64) -> Changing {
    let mut number = Changing::fixed(first as f64);
    let (mut after, mut value) = (0, first);
    for _ in 0..dice.below(4) {
        after += dice.between(1, 4);
        value += dice.between(1, by);
        number.steps.push(Step { after: Duration::from_secs(after), value: value as f64 });
    }
    number.linear = dice.once_in(3);
    number
}

fn skill(dice: &mut Dice) -> RuleKind {
    let first = dice.between(0, 3);
    let max = Some(loosening(dice, first, 3));
    RuleKind::BatchDistance { attribute: "skill".into(), max, party: Aggregation::Avg }
}

fn fair(dice: &mut Dice) -> RuleKind {
    let skills = Expression::Property { teams: Teams::All, property: Property::Attribute("skill".into()) };
    let avg = |of: Expression| Expression::Aggregated(Aggregate::Avg, Box::new(of));
    RuleKind::Distance {
        measurements: vec![avg(skills.clone())],
        reference: Reference::Expression(avg(Expression::Flattened(Box::new(skills)))),
        min: None,
        max: Some(loosening(dice, 1, 2)),
        party: Aggregation::Avg,
    }
}

fn mode() -> RuleKind {
    RuleKind::BatchDistance { attribute: "mode".into(), max: None, party: Aggregation::Avg }
}

fn maps(dice: &mut Dice) -> RuleKind {
    let maps = Expression::Property { teams: Teams::All, property: Property::Attribute("maps".into()) };
    let mut min = Changing::fixed(dice.between(1, 2) as f64);
    min.steps.push(Step { after: Duration::from_secs(dice.between(1, 8)), value: 1.0 });
    RuleKind::Collection {
        measurements: vec![Expression::Flattened(Box::new(maps))],
        reference: None,
        operation: CollectionOperation::Intersection,
        min_count: Some(min),
        max_count: None,
        party: SetAggregation::Intersection,
    }
}

fn latency(dice: &mut Dice) -> RuleKind {
    RuleKind::Latency {
        max_latency: Some(loosening(dice, 40, 30)),
        max_distance: None,
        distance_reference: None,
        party: Aggregation::Max,
    }
}
