//! Rule sets with every kind of rule, for small matches.

use std::time::Duration;

use matching::{
    Attribute,
    rule_set::{
        AgeBasis, Aggregation, Algorithm, AttributeDeclaration, AttributeType, BackfillPriority, Batching,
        Changing, CollectionOperation, Comparator, Direction, Expression, Logic, Reference, RoleSlot, Rule,
        RuleKind, RuleSet, SetAggregation, Step, Strategy, TeamSpec,
    },
};

use super::expressions::{self, Names};
use crate::{checker::team_names, dice::Dice};

/// A rule set.
pub(crate) fn rule_set(dice: &mut Dice) -> RuleSet {
    let balanced = Strategy::Balanced { attribute: "skill".into() };
    let algorithm = Algorithm {
        strategy: if dice.once_in(4) { balanced } else { Strategy::ExhaustiveSearch },
        batching: Batching::Random,
        sort_by: if dice.once_in(3) { vec!["skill".to_owned()] } else { Vec::new() },
        expansion_age: basis(dice),
        backfill_priority: BackfillPriority::Normal,
        premade_parity: dice.once_in(8).then(|| dice.below(3) as u32),
    };
    let mut rules = RuleSet {
        name: String::new(),
        attributes: attributes(dice),
        teams: teams(dice),
        algorithm,
        rules: Vec::new(),
    };
    let mut names: Vec<String> = team_names(&rules).into_iter().map(|(own, _)| own).collect();
    names.extend(rules.teams.iter().map(|team| team.name.clone()));
    // The last one is a single team.
    names.push(names[0].clone());
    let names = Names(names);
    for index in 0..dice.between(0, 4) {
        let compound = dice.once_in(5) && !rules.rules.is_empty();
        let kind = if compound { compound_of(dice, &mut rules.rules) } else { kind(dice, &names) };
        rules.rules.push(Rule {
            name: format!("rule {index}"),
            description: String::new(),
            kind,
            weight: dice.once_in(6).then(|| dice.between(1, 5) as f64),
            optional_after: dice.once_in(8).then(|| Duration::from_secs(dice.between(1, 9))),
            age_basis: dice.once_in(4).then(|| basis(dice)),
            named_by_compound: false,
        });
    }
    rules
}

fn basis(dice: &mut Dice) -> AgeBasis {
    dice.one_of(&[AgeBasis::Newest, AgeBasis::Oldest])
}

fn attributes(dice: &mut Dice) -> Vec<AttributeDeclaration> {
    let text = |text: &str| Attribute::String(text.into());
    let list = |list: &[&str]| Attribute::StringList(list.iter().map(|&text| text.into()).collect());
    let skill = Attribute::StringNumberMap([("mu", 25.0), ("sigma", 8.0)].into_iter().collect());
    let mut declare = |name: &str, kind, default: Attribute| AttributeDeclaration {
        name: name.to_owned(),
        kind,
        default: (!dice.once_in(3)).then_some(default),
    };
    vec![
        declare("skill", AttributeType::Number, Attribute::Number(5.0)),
        declare("level", AttributeType::Number, Attribute::Number(1.0)),
        declare("mode", AttributeType::String, text("fun")),
        declare("maps", AttributeType::StringList, list(&["harbour"])),
        declare("enemies", AttributeType::StringList, list(&[])),
        declare("rating", AttributeType::StringNumberMap, skill),
    ]
}

fn teams(dice: &mut Dice) -> Vec<TeamSpec> {
    match dice.below(8) {
        0 => vec![team(dice, "red", 1)],
        1 => vec![team(dice, "red", 1), team(dice, "blue", 1), team(dice, "green", 1)],
        2 => vec![team(dice, "red", 1), team(dice, "blue", 1)],
        3 => vec![team(dice, "red", 1), team(dice, "side", 2)],
        // One against one, or against two, who may not be there.
        4 => vec![single(dice, "side", 2)],
        5 => vec![single(dice, "red", 1), single(dice, "blue", 1), single(dice, "green", 1)],
        _ => vec![team(dice, "side", 2)],
    }
}

pub(super) fn single(dice: &mut Dice, name: &str, quantity: u32) -> TeamSpec {
    let fewest = Changing::fixed(if dice.once_in(3) { 0.0 } else { 1.0 });
    let (name, most) = (name.to_owned(), Changing::fixed(1.0));
    TeamSpec { name, min_players: fewest, max_players: most, quantity, roles: Vec::new() }
}

fn team(dice: &mut Dice, name: &str, quantity: u32) -> TeamSpec {
    let min = if dice.once_in(6) { 0 } else { dice.between(1, 2) };
    let max = min.max(1) + dice.below(3);
    let some = ["tank", "healer"].into_iter().filter(|_| dice.once_in(6));
    let roles = some.map(|role| RoleSlot { role: role.to_owned(), count: 1 }).collect();
    let mut size = |value: u64| {
        let mut number = Changing::fixed(value as f64);
        if dice.once_in(8) {
            let after = Duration::from_secs(dice.between(1, 6));
            number.steps.push(Step { after, value: dice.between(1, 3) as f64 });
        }
        number
    };
    TeamSpec { name: name.to_owned(), min_players: size(min), max_players: size(max), quantity, roles }
}

/// A number that may loosen, or do what the author didn't think of.
pub(super) fn changing(dice: &mut Dice, low: u64, high: u64) -> Changing {
    let value = |dice: &mut Dice| dice.between(low, high) as f64;
    let mut number = Changing::fixed(value(dice));
    let mut after = 0;
    for _ in 0..dice.below(3) {
        after += dice.between(1, 4);
        number.steps.push(Step { after: Duration::from_secs(after), value: value(dice) });
    }
    number.linear = dice.once_in(3);
    number
}

fn kind(dice: &mut Dice, names: &Names) -> RuleKind {
    let party = dice.one_of(&[Aggregation::Avg, Aggregation::Min, Aggregation::Max]);
    match dice.below(14) {
        0..=1 => comparison(dice, names, party),
        2..=4 => distance(dice, names, party),
        5 => RuleKind::BatchDistance { attribute: "mode".into(), max: None, party },
        6 => RuleKind::BatchDistance { attribute: "skill".into(), max: Some(changing(dice, 0, 8)), party },
        7..=8 => collection(dice, names),
        9..=10 => latency(dice, party),
        11 => RuleKind::WinProbability {
            attribute: "rating".into(),
            max: Changing { linear: false, ..Changing::fixed(0.5 + dice.below(5) as f64 / 10.0) },
        },
        12 => RuleKind::BlockList { attribute: "enemies".into() },
        _ => RuleKind::DistanceSort {
            direction: Direction::Ascending,
            attribute: "level".into(),
            map_key: None,
            party,
        },
    }
}

fn comparison(dice: &mut Dice, names: &Names, party: Aggregation) -> RuleKind {
    use Comparator::{AtLeast, AtMost, Equal, Greater, Less, NotEqual};
    let of_texts = dice.once_in(3);
    let alone = dice.once_in(3);
    let measure = if of_texts { expressions::texts } else { expressions::numbers };
    let measurements = (0..dice.between(1, 2)).map(|_| measure(dice, names)).collect();
    let operation = if of_texts || alone {
        dice.one_of(&[Equal, Equal, NotEqual])
    } else {
        dice.one_of(&[Less, AtMost, Equal, NotEqual, Greater, AtLeast])
    };
    let reference = (!alone).then(|| match (of_texts, dice.once_in(3)) {
        (true, _) => Reference::Expression(Expression::Text(dice.one_of(&["fun", "ranked"]).to_owned())),
        (false, true) => Reference::Expression(expressions::number(dice, names)),
        (false, false) => Reference::Number(changing(dice, 0, 10)),
    });
    RuleKind::Comparison { measurements, reference, operation, party }
}

fn distance(dice: &mut Dice, names: &Names, party: Aggregation) -> RuleKind {
    let measurements = (0..dice.between(1, 2)).map(|_| expressions::numbers(dice, names)).collect();
    let reference = if dice.once_in(3) {
        Reference::Number(changing(dice, 0, 10))
    } else {
        Reference::Expression(expressions::number(dice, names))
    };
    let min = dice.once_in(5).then(|| changing(dice, 0, 2));
    let max = (min.is_none() || dice.once_in(2)).then(|| changing(dice, 1, 8));
    RuleKind::Distance { measurements, reference, min, max, party }
}

fn collection(dice: &mut Dice, names: &Names) -> RuleKind {
    use CollectionOperation::{Contains, Intersection, ReferenceIntersectionCount};
    let operation = dice.one_of(&[Intersection, Intersection, Contains, ReferenceIntersectionCount]);
    let measure = |_| match operation {
        Contains if dice.once_in(2) => expressions::texts(dice, names),
        _ => expressions::lists(dice, names),
    };
    let measurements = (0..2).map(measure).take(1 + usize::from(names.0.len() > 4)).collect();
    let reference = match operation {
        Intersection => None,
        Contains => Some(Expression::Text(dice.one_of(&["fun", "harbour", "desert"]).to_owned())),
        ReferenceIntersectionCount => Some(expressions::list(dice, names)),
    };
    let min_count = (!dice.once_in(3)).then(|| Changing { linear: false, ..changing(dice, 0, 2) });
    let max_count =
        (min_count.is_none() || dice.once_in(4)).then(|| Changing { linear: false, ..changing(dice, 0, 3) });
    RuleKind::Collection {
        measurements,
        reference: reference.map(Reference::Expression),
        operation,
        min_count,
        max_count,
        party: dice.one_of(&[SetAggregation::Union, SetAggregation::Intersection]),
    }
}

fn latency(dice: &mut Dice, party: Aggregation) -> RuleKind {
    let max_latency = (!dice.once_in(4)).then(|| changing(dice, 20, 90));
    let max_distance = (max_latency.is_none() || dice.once_in(3)).then(|| changing(dice, 10, 60));
    let distance_reference = dice.once_in(2).then(|| dice.one_of(&[Aggregation::Min, Aggregation::Avg]));
    RuleKind::Latency { max_latency, max_distance, distance_reference, party }
}

/// A compound of some of the rules before it, which then don't hold by themselves.
fn compound_of(dice: &mut Dice, rules: &mut [Rule]) -> RuleKind {
    let mut leaf = |dice: &mut Dice| {
        let index = dice.below(rules.len() as u64) as usize;
        let rule = &mut rules[index];
        if matches!(rule.kind, RuleKind::DistanceSort { .. }) {
            return None;
        }
        rule.named_by_compound = true;
        let logic = Logic::Rule(index);
        Some(if dice.once_in(4) { Logic::Not(Box::new(logic)) } else { logic })
    };
    let leaves: Vec<Logic> = (0..3).filter_map(|_| leaf(dice)).collect();
    let statement = match dice.below(3) {
        _ if leaves.is_empty() => return RuleKind::BlockList { attribute: "enemies".into() },
        0 => Logic::Or(leaves),
        1 => Logic::Xor(leaves),
        _ => Logic::And(leaves),
    };
    RuleKind::Compound { statement }
}
