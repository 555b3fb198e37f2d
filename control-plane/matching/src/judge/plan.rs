//! What a rule set says of where to look for tickets that fit.

use std::time::Duration;

use super::{
    Facts,
    ages::{Spans, least, most},
    facts::Nearness,
    measure::{Measure, Source},
    pairs::{Ask, PairTest},
    rule::{Asks, Rule},
    slots::{NumberOf, Slots},
};
use crate::rule_set::{
    self, AgeBasis, Aggregation, AttributeType, Changing, CollectionOperation, Direction, Expression,
    Property, RuleKind, RuleSet, Strategy, Teams,
};

/// What makes a search fast. Derived from the rules; following it is never needed for a match to be right.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The teams as they are played: one for each of a team's quantity.
    pub teams: Vec<PlayedTeam>,
    /// How many texts [`Facts::key`] has; tickets whose keys differ never meet.
    pub keys: usize,
    /// The number by which close tickets fit best. `None`: the rules name none.
    pub near: Option<Near>,
    /// Whether there must be a region with latency that all share.
    pub regions: bool,
    /// How many lists [`Facts::shared`] has: any two of a match have a value in common in each.
    pub shared: usize,
}

/// A team as it is played.
#[derive(Debug, Clone, PartialEq)]
pub struct PlayedTeam {
    /// The team's name, or with a quantity above 1 `<name>_1`, `<name>_2`, …
    pub name: String,
    /// Which team of [`RuleSet::teams`] it is of.
    pub spec: usize,
    /// Teams of the same number here can be exchanged: they are of one kind, and no rule names just some of them. Tickets may
    /// still ask for one ([`Facts::may_join`]).
    pub alike: usize,
    /// Fewest players, by the age that the algorithm goes by.
    pub min_players: Changing,
    /// Most players.
    pub max_players: Changing,
}

/// The number by which close tickets fit best.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// The attribute that it comes of.
    pub attribute: String,
    limits: Vec<Limit>,
}

/// What one rule says of how far two tickets may be apart.
#[derive(Debug, Clone, PartialEq)]
struct Limit {
    max: Changing,
    times: f64,
    basis: AgeBasis,
    optional_after: Option<Duration>,
}

impl Near {
    /// How far a ticket of this age may be from another of its match at most, where no ticket of the match is older than `oldest`.
    /// `None`: as far as you like.
    pub fn limit(&self, age: Duration, oldest: Duration) -> Option<f64> {
        let spans = Spans::with(age, age, oldest);
        let limits = self.limits.iter().filter_map(|limit| {
            let span = spans.by(limit.basis);
            let asked = limit.optional_after.is_none_or(|after| after > span.to);
            asked.then(|| limit.times * most(&limit.max, span))
        });
        limits.reduce(f64::min)
    }
}

impl Plan {
    pub(super) fn new(
        teams: Vec<PlayedTeam>,
        tests: &[PairTest],
        slots: &Slots,
        near: Option<Nearness>,
        shared: usize,
    ) -> Self {
        let limit = |slot: usize, test: &PairTest| match &test.ask {
            Ask::Apart { slot: of, max, times } if *of == slot => Some(Limit {
                max: max.clone(),
                times: *times,
                basis: test.basis,
                optional_after: test.optional_after,
            }),
            _ => None,
        };
        let near = near.map(|Nearness { slot, .. }| Near {
            attribute: slots.numbers[slot].0.name.to_string(),
            limits: tests.iter().filter_map(|test| limit(slot, test)).collect(),
        });
        let regions =
            |test: &PairTest| test.optional_after.is_none() && matches!(test.ask, Ask::Region { .. });
        Self { teams, keys: slots.keys.len(), near, regions: tests.iter().any(regions), shared }
    }
}

/// Gives the lists that tickets must share a text of the first slots, and says how many they are.
pub(super) fn shared_lists(rules: &RuleSet, slots: &mut Slots) -> usize {
    let ever = Spans::ALL.by(AgeBasis::Newest);
    for rule in &rules.rules {
        let always = rule.weight.is_none() && !rule.named_by_compound && rule.optional_after.is_none();
        let RuleKind::Collection { measurements, operation, min_count: Some(min), party, .. } = &rule.kind
        else {
            continue;
        };
        if !always || *operation != CollectionOperation::Intersection || least(min, ever) < 1.0 {
            continue;
        }
        for attribute in measurements.iter().filter_map(of_everybody) {
            let wanted = slots.wanted(attribute).cloned();
            if let Some(wanted) = wanted.filter(|wanted| wanted.kind == AttributeType::StringList) {
                slots.list(&wanted, *party);
            }
        }
    }
    slots.lists.len()
}

/// `flatten(teams[*].players.attributes[…])`
fn of_everybody(expression: &Expression) -> Option<&str> {
    let Expression::Flattened(inner) = expression else {
        return None;
    };
    match &**inner {
        Expression::Property { teams: Teams::All, property: Property::Attribute(attribute) } => {
            Some(attribute)
        }
        _ => None,
    }
}

/// The number by which close tickets fit best: what a rule limits for any two, else what it measures in any other way, else
/// what the file sorts by, else what teams are balanced by.
pub(super) fn nearness(
    rules: &RuleSet,
    compiled: &[Rule],
    tests: &[PairTest],
    slots: &mut Slots,
) -> Option<Nearness> {
    let of_party = |slot| Nearness { slot, is_sum: false };
    let limited = tests.iter().find_map(|test| match test.ask {
        Ask::Apart { slot, .. } => Some(slot),
        _ => None,
    });
    let close = compiled.iter().find_map(|rule| match &rule.asks {
        Asks::Close { slot, .. } => Some(*slot),
        _ => None,
    });
    let distant = compiled.iter().find_map(|rule| match &rule.asks {
        Asks::Distance { measured, max: Some(_), .. } => measured.iter().find_map(number_of),
        _ => None,
    });
    let likely = compiled.iter().find_map(|rule| match &rule.asks {
        Asks::WinProbability { mu, .. } => Some(Nearness { slot: *mu, is_sum: true }),
        _ => None,
    });
    let named = limited.or(close).or(distant).map(of_party).or(likely);
    named.or_else(|| sorted_by(rules, slots).map(of_party))
}

/// The slot of a number that the rule set only sorts or balances by.
fn sorted_by(rules: &RuleSet, slots: &mut Slots) -> Option<usize> {
    let by_algorithm = rules.algorithm.sort_by.iter().map(|attribute| (attribute, Aggregation::Avg));
    let by_rule = |rule: &rule_set::Rule| match &rule.kind {
        RuleKind::DistanceSort { attribute, direction: Direction::Ascending, map_key: None, party } => {
            Some((attribute.clone(), *party))
        }
        _ => None,
    };
    let balanced = match &rules.algorithm.strategy {
        Strategy::Balanced { attribute } => Some((attribute.clone(), Aggregation::Avg)),
        Strategy::ExhaustiveSearch => None,
    };
    let mut candidates = by_algorithm
        .map(|(attribute, party)| (attribute.clone(), party))
        .chain(rules.rules.iter().filter_map(by_rule))
        .chain(balanced);
    candidates.find_map(|(attribute, party)| {
        let wanted =
            slots.wanted(&attribute).filter(|wanted| wanted.kind == AttributeType::Number).cloned()?;
        Some(slots.number(&wanted, NumberOf::Party(party)))
    })
}

/// The slot of a number that a measurement is made of.
fn number_of(measure: &Measure) -> Option<usize> {
    match measure {
        Measure::Property { source: Source::Number(slot), .. } => Some(*slot),
        Measure::Flattened(inner) | Measure::Aggregated(_, inner) => number_of(inner),
        _ => None,
    }
}

/// The most players that a match ever has.
pub(super) fn most_players(teams: &[PlayedTeam]) -> usize {
    let ever = Spans::ALL.by(AgeBasis::Newest);
    teams.iter().map(|team| most(&team.max_players, ever) as usize).sum()
}

/// The most players of the teams that this ticket may be in, by team.
pub(super) fn most_in<'t>(
    teams: &'t [PlayedTeam],
    facts: &Facts,
) -> impl Iterator<Item = (usize, usize)> + 't {
    let ever = Spans::ALL.by(AgeBasis::Newest);
    facts.teams().map(move |team| (team, most(&teams[team].max_players, ever) as usize))
}
