//! What compiled rules say of any two tickets of a match: the tests for pairs, derived where that is sound.
//!
//! Only rules are asked that every match keeps: hard ones, and those that a hard compound joins by `and`. What they say of whole
//! teams says something of two tickets only where every player is measured, or where a team is one player.

use super::{
    PlayedTeam,
    ages::{Spans, least, most},
    measure::{Measure, Source},
    pairs::{Ask, PairTest},
    rule::{Against, Asks, Rule},
    slots::Slots,
};
use crate::rule_set::{
    AgeBasis, Aggregate, Aggregation, AttributeType, Changing, CollectionOperation, Comparator, Logic,
};

/// The rules that every match keeps, with their indices.
pub(super) fn demanded(rules: &[Rule]) -> Vec<(usize, &Rule)> {
    fn joined<'r>(logic: &Logic, rules: &'r [Rule], into: &mut Vec<(usize, &'r Rule)>) {
        match logic {
            Logic::Rule(index) => match &rules[*index] {
                Rule { asks: Asks::Compound(inner), optional_after: None, .. } => joined(inner, rules, into),
                rule => into.push((*index, rule)),
            },
            Logic::And(all) => all.iter().for_each(|logic| joined(logic, rules, into)),
            Logic::Or(_) | Logic::Xor(_) | Logic::Not(_) => {}
        }
    }
    let mut demanded = Vec::new();
    for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.is_hard()) {
        match &rule.asks {
            Asks::Compound(logic) if rule.optional_after.is_none() => joined(logic, rules, &mut demanded),
            _ => demanded.push((index, rule)),
        }
    }
    demanded
}

/// The tests for pairs that these rules yield.
pub(super) fn pair_tests(
    demanded: &[(usize, &Rule)],
    slots: &mut Slots,
    teams: &[PlayedTeam],
) -> Vec<PairTest> {
    let duel = Duel::of(teams);
    let mut tests = Vec::new();
    for &(index, rule) in demanded {
        let (basis, optional_after) = (rule.basis, rule.optional_after);
        let asks = asks_of(rule, slots, &duel);
        tests.extend(asks.into_iter().map(|ask| PairTest { rule: index, basis, optional_after, ask }));
    }
    tests
}

fn asks_of(rule: &Rule, slots: &mut Slots, duel: &Duel) -> Vec<Ask> {
    let everybody = |measured: &[Measure]| -> Vec<Source> { measured.iter().filter_map(everybody).collect() };
    match &rule.asks {
        Asks::Close { slot, max: Some(max) } => {
            vec![Ask::Apart { slot: *slot, max: max.clone(), times: 1.0 }]
        }
        Asks::Same(wanted) if wanted.kind == AttributeType::String && rule.optional_after.is_none() => {
            // Between tickets by key, and within one.
            vec![Ask::Key(slots.key(wanted)), Ask::Same(wanted.clone())]
        }
        Asks::Same(wanted) => vec![Ask::Same(wanted.clone())],
        Asks::Comparison { measured, against: None, operation: Comparator::Equal } => {
            let mut asks = Vec::new();
            for source in everybody(measured) {
                match source {
                    Source::OwnText(wanted) if rule.optional_after.is_none() => {
                        asks.extend([Ask::Key(slots.key(&wanted)), Ask::Same(wanted)]);
                    }
                    Source::OwnText(wanted) | Source::OwnNumber(wanted) => asks.push(Ask::Same(wanted)),
                    _ => {}
                }
            }
            asks
        }
        Asks::Comparison { measured, against: Some(against), operation } => {
            everybody(measured).into_iter().filter_map(|source| bound(source, against, *operation)).collect()
        }
        Asks::Distance { measured, against, max: Some(max), .. } => distance(measured, against, max, duel),
        Asks::Collection {
            measured, operation: CollectionOperation::Intersection, min: Some(min), ..
        } => {
            let of = |source| if let Source::List(slot) = source { Some(slot) } else { None };
            let share = |slot| Ask::Share { slot, min: min.clone() };
            everybody(measured).into_iter().filter_map(of).map(share).collect()
        }
        Asks::Latency { slot, max, apart, reference } => {
            // All lie above the lowest and below the highest; an average may lie between two.
            let times = if *reference == Aggregation::Avg { 2.0 } else { 1.0 };
            vec![Ask::Region { slot: *slot, max: max.clone(), apart: apart.clone(), times }]
        }
        Asks::Strangers { slot } => vec![Ask::Strangers { slot: *slot }],
        _ => Vec::new(),
    }
}

/// What is taken of each player of the match, where it is.
fn everybody(measure: &Measure) -> Option<Source> {
    match measure {
        Measure::Property { teams, source } if teams.all => match source {
            // By team it says nothing of players of different teams.
            Source::List(_) => None,
            source => Some(source.clone()),
        },
        Measure::Flattened(inner) => match &**inner {
            Measure::Property { teams, source } if teams.all && teams.nested => Some(source.clone()),
            _ => None,
        },
        Measure::Intersection(inner) => everybody(inner).filter(|source| matches!(source, Source::List(_))),
        _ => None,
    }
}

fn bound(source: Source, against: &Against, operation: Comparator) -> Option<Ask> {
    match (source, against) {
        (Source::Number(slot), Against::Number(reference)) => {
            Some(Ask::Bound { slot, operation, reference: reference.clone() })
        }
        (Source::Number(slot), Against::Measure(Measure::Number(number))) => {
            Some(Ask::Bound { slot, operation, reference: Changing::fixed(*number) })
        }
        (Source::OwnText(wanted), Against::Measure(Measure::Text(text))) => {
            let is = match operation {
                Comparator::Equal => true,
                Comparator::NotEqual => false,
                _ => return None,
            };
            Some(Ask::Text { wanted, text: text.clone(), is })
        }
        _ => None,
    }
}

fn distance(measured: &[Measure], against: &Against, max: &Changing, duel: &Duel) -> Vec<Ask> {
    let apart = |slot, times| vec![Ask::Apart { slot, max: max.clone(), times }];
    let numbers = measured.iter().filter_map(|measure| match everybody(measure)? {
        Source::Number(slot) => Some(slot),
        _ => None,
    });
    match against {
        Against::Number(reference) => {
            numbers.map(|slot| Ask::Around { slot, reference: reference.clone(), max: max.clone() }).collect()
        }
        Against::Measure(Measure::Number(reference)) => {
            let reference = Changing::fixed(*reference);
            numbers.map(|slot| Ask::Around { slot, reference: reference.clone(), max: max.clone() }).collect()
        }
        Against::Measure(reference) => {
            let of_all = of_all(reference);
            let slot = numbers.clone().next().filter(|_| of_all.is_some());
            if let (Some(slot), Some((by, of))) = (slot, of_all) {
                // Both are this close to one number; the lowest and the highest of them lie on one side of all.
                let one_side = matches!(by, Aggregate::Min | Aggregate::Max) && of == slot;
                return apart(slot, if one_side { 1.0 } else { 2.0 });
            }
            duel.measures(measured, reference).map_or_else(Vec::new, |(slot, times)| apart(slot, times))
        }
    }
}

/// A number of all players of the match, which there always is.
fn of_all(reference: &Measure) -> Option<(Aggregate, usize)> {
    let Measure::Aggregated(by, inner) = reference else {
        return None;
    };
    match everybody(inner)? {
        Source::Number(slot) if matches!(**inner, Measure::Flattened(_)) => Some((*by, slot)),
        _ => None,
    }
}

/// Whether each team is one player, whose number is the team's.
#[derive(Debug)]
struct Duel {
    teams: usize,
    /// Those that are never empty; `None`: teams may have more players.
    filled: Option<Vec<bool>>,
}

impl Duel {
    fn of(teams: &[PlayedTeam]) -> Self {
        let ever = Spans::ALL.by(AgeBasis::Newest);
        let single = teams.iter().all(|team| most(&team.max_players, ever) < 2.0);
        let filled = || teams.iter().map(|team| least(&team.min_players, ever) > 0.0).collect();
        Self { teams: teams.len(), filled: single.then(filled) }
    }

    /// Where a distance rule measures the players of all teams: their slot, and how many times its maximum two may be apart.
    fn measures(&self, measured: &[Measure], reference: &Measure) -> Option<(usize, f64)> {
        let filled = self.filled.as_ref()?;
        let measured: Vec<(usize, &[usize])> = measured.iter().filter_map(of_single).collect();
        let slot = measured.first()?.0;
        let mut covered = vec![false; self.teams];
        for (_, teams) in measured.iter().filter(|(of, _)| *of == slot) {
            teams.iter().for_each(|&team| covered[team] = true);
        }
        let times = if of_all(reference).is_some() {
            2.0
        } else {
            let (of, [team]) = of_single(reference)? else {
                return None;
            };
            if of != slot || !filled[*team] {
                return None;
            }
            covered[*team] = true;
            if self.teams == 2 { 1.0 } else { 2.0 }
        };
        covered.iter().all(|covered| *covered).then_some((slot, times))
    }
}

/// A team's number that is its only player's.
fn of_single(measure: &Measure) -> Option<(usize, &[usize])> {
    match measure {
        Measure::Property { teams, source: Source::Number(slot) } => Some((*slot, &teams.indices)),
        Measure::Aggregated(by, inner) => {
            let own = !matches!(by, Aggregate::Count | Aggregate::Stddev);
            let plain = matches!(**inner, Measure::Property { .. });
            of_single(inner).filter(|_| own && plain)
        }
        _ => None,
    }
}
