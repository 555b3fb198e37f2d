//! The rules of a rule set, compiled: one question to a lineup each.

use std::time::Duration;

use super::{
    Facts,
    ages::Ages,
    collection, latency,
    measure::{Crew, Measure, Parties, Reading},
    numeric,
    slots::{NumberOf, Slots, Wanted},
    teams::TeamSet,
    win,
};
use crate::rule_set::{
    self, AgeBasis, Aggregation, AttributeType, Changing, CollectionOperation, Comparator, Expression, Logic,
    Reference, RuleKind, SetAggregation,
};

/// A compiled rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) asks: Asks,
    pub(super) basis: AgeBasis,
    pub(super) optional_after: Option<Duration>,
    /// What it costs to break it; `None`: a match can't.
    pub(super) weight: Option<f64>,
    /// Whether it is asked only where a compound rule names it.
    pub(super) only_in_compounds: bool,
    /// Whose attributes it looks at: where one of them is missing, it doesn't hold.
    pub(super) looks_at: Vec<(TeamSet, Wanted)>,
    /// The teams that its expressions name.
    pub(super) named: Vec<TeamSet>,
}

/// What it asks.
#[derive(Debug)]
pub(super) enum Asks {
    Comparison {
        measured: Vec<Measure>,
        against: Option<Against>,
        operation: Comparator,
    },
    Distance {
        measured: Vec<Measure>,
        against: Against,
        min: Option<Changing>,
        max: Option<Changing>,
    },
    /// The tickets' numbers are this close.
    Close {
        slot: usize,
        max: Option<Changing>,
    },
    /// The players' texts are the same.
    Same(Wanted),
    Collection {
        measured: Vec<Measure>,
        reference: Option<Measure>,
        operation: CollectionOperation,
        min: Option<Changing>,
        max: Option<Changing>,
    },
    Latency {
        slot: usize,
        max: Option<Changing>,
        apart: Option<Changing>,
        reference: Aggregation,
    },
    Compound(Logic),
    WinProbability {
        mu: usize,
        variance: usize,
        max: Changing,
    },
    /// Nobody is named by another ticket's list.
    Strangers {
        slot: usize,
    },
    /// Sorts ask for nothing.
    Nothing,
}

/// What measured values are held against.
#[derive(Debug)]
pub(super) enum Against {
    Number(Changing),
    Measure(Measure),
}

/// A rule doesn't hold, by this much in its own unit, where that means something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Miss(pub(super) Option<f64>);

/// Whether a rule holds.
pub(super) type Held = Result<(), Miss>;

impl Rule {
    pub(super) fn new(
        rule: &rule_set::Rule,
        slots: &mut Slots,
        names: &[[String; 2]],
        usual: AgeBasis,
    ) -> Self {
        let (mut looks_at, mut named) = (Vec::new(), Vec::new());
        let asks = Asks::new(&rule.kind, slots, names, &mut looks_at, &mut named);
        Self {
            asks,
            basis: rule.age_basis.unwrap_or(usual),
            optional_after: rule.optional_after,
            weight: rule.weight,
            only_in_compounds: rule.named_by_compound,
            looks_at,
            named,
        }
    }

    /// Whether a match that breaks it is none.
    pub(super) fn is_hard(&self) -> bool {
        self.weight.is_none() && !self.only_in_compounds
    }

    /// Whether it holds, or isn't asked any more.
    pub(super) fn holds(&self, rules: &[Self], crew: &Crew<'_>, ages: Ages) -> Held {
        let age = ages.by(self.basis);
        if self.optional_after.is_some_and(|after| age >= after) {
            return Ok(());
        }
        if self.looks_at.iter().any(|(teams, wanted)| teams.lack(crew, wanted)) {
            return Err(Miss(None));
        }
        match &self.asks {
            Asks::Comparison { measured, against, operation } => {
                let against = against.as_ref().map(|against| (against, *operation));
                match against {
                    Some((against, operation)) => {
                        numeric::compare(measured, &against.of(crew, age), operation, crew)
                    }
                    None => numeric::compare_all(measured, *operation, crew),
                }
            }
            Asks::Distance { measured, against, min, max } => {
                let at = |number: &Option<Changing>| number.as_ref().map(|number| number.at(age));
                numeric::distance(measured, &against.of(crew, age), at(min), at(max), crew)
            }
            Asks::Close { slot, max } => {
                let apart = spread(crew, |facts| facts.numbers[*slot]);
                at_most(apart, max.as_ref().map_or(f64::INFINITY, |max| max.at(age)))
            }
            Asks::Same(wanted) => same(crew, wanted),
            Asks::Collection { measured, reference, operation, min, max } => {
                let least = min.as_ref().map_or(f64::NEG_INFINITY, |min| min.at(age));
                let most = max.as_ref().map_or(f64::INFINITY, |max| max.at(age));
                collection::holds(measured, reference.as_ref(), *operation, least..=most, crew)
            }
            Asks::Latency { slot, max, apart, reference } => {
                let at = |number: &Option<Changing>| number.as_ref().map_or(f64::INFINITY, |n| n.at(age));
                latency::holds(crew, *slot, at(max), at(apart), *reference)
            }
            Asks::Compound(logic) => {
                if decide(logic, rules, crew, ages) {
                    Ok(())
                } else {
                    Err(Miss(None))
                }
            }
            Asks::WinProbability { mu, variance, max } => {
                at_most(win::likeliest(crew, *mu, *variance), max.at(age))
            }
            Asks::Strangers { slot } => strangers(crew, *slot),
            Asks::Nothing => Ok(()),
        }
    }
}

impl Asks {
    fn new(
        kind: &RuleKind,
        slots: &mut Slots,
        names: &[[String; 2]],
        looks_at: &mut Vec<(TeamSet, Wanted)>,
        named: &mut Vec<TeamSet>,
    ) -> Self {
        let every = TeamSet::every(names.len());
        let mut read =
            |slots: &mut Slots, parties, measurements: &[Expression], reference: Option<&Reference>| {
                let mut reading = Reading { slots, names, parties, looks_at: Vec::new(), named: Vec::new() };
                let measured = reading.all(measurements);
                let against = reference.map(|reference| match reference {
                    Reference::Number(number) => Against::Number(number.clone()),
                    Reference::Expression(expression) => Against::Measure(reading.one(expression)),
                });
                looks_at.append(&mut reading.looks_at);
                named.append(&mut reading.named);
                (measured, against)
            };
        match kind {
            RuleKind::Comparison { measurements, reference, operation, party } => {
                // Without a reference each player stands with what is their own.
                let parties = Parties { numbers: reference.is_some().then_some(*party), lists: None };
                let (measured, against) = read(slots, parties, measurements, reference.as_ref());
                Self::Comparison { measured, against, operation: *operation }
            }
            RuleKind::Distance { measurements, reference, min, max, party } => {
                let parties = Parties { numbers: Some(*party), lists: None };
                let (measured, against) = read(slots, parties, measurements, Some(reference));
                let against = against.unwrap_or(Against::Number(Changing::fixed(0.0)));
                Self::Distance { measured, against, min: min.clone(), max: max.clone() }
            }
            RuleKind::BatchDistance { attribute, max, party } => {
                let Some(wanted) = slots.wanted(attribute).cloned() else {
                    return Self::Nothing;
                };
                looks_at.push((every, wanted.clone()));
                if wanted.kind == AttributeType::Number {
                    let slot = slots.number(&wanted, NumberOf::Party(*party));
                    Self::Close { slot, max: max.clone() }
                } else {
                    Self::Same(wanted)
                }
            }
            RuleKind::Collection { measurements, reference, operation, min_count, max_count, party } => {
                // Who has something is counted by player.
                let own = *operation == CollectionOperation::Contains;
                let parties = Parties { numbers: None, lists: (!own).then_some(*party) };
                let (measured, against) = read(slots, parties, measurements, reference.as_ref());
                let reference = match against {
                    Some(Against::Measure(reference)) => Some(reference),
                    Some(Against::Number(_)) | None => None,
                };
                let (min, max) = (min_count.clone(), max_count.clone());
                Self::Collection { measured, reference, operation: *operation, min, max }
            }
            RuleKind::Latency { max_latency, max_distance, distance_reference, party } => Self::Latency {
                slot: slots.latency(*party),
                max: max_latency.clone(),
                apart: max_distance.clone(),
                reference: distance_reference.unwrap_or(Aggregation::Min),
            },
            RuleKind::DistanceSort { .. } | RuleKind::AbsoluteSort { .. } => Self::Nothing,
            RuleKind::Compound { statement } => Self::Compound(statement.clone()),
            RuleKind::WinProbability { attribute, max } => {
                let Some(wanted) = slots.wanted(attribute).cloned() else {
                    return Self::Nothing;
                };
                looks_at.push((every, wanted.clone()));
                let mu = slots.number(&wanted, NumberOf::Mu);
                let variance = slots.number(&wanted, NumberOf::Variance);
                Self::WinProbability { mu, variance, max: max.clone() }
            }
            RuleKind::BlockList { attribute } => {
                let Some(wanted) = slots.wanted(attribute).cloned() else {
                    return Self::Nothing;
                };
                looks_at.push((every, wanted.clone()));
                Self::Strangers { slot: slots.list(&wanted, SetAggregation::Union) }
            }
        }
    }
}

/// Whether a compound's statement is true. A rule that isn't asked any more holds.
fn decide(logic: &Logic, rules: &[Rule], crew: &Crew<'_>, ages: Ages) -> bool {
    let decide = |logic: &Logic| decide(logic, rules, crew, ages);
    match logic {
        Logic::Rule(index) => rules[*index].holds(rules, crew, ages).is_ok(),
        Logic::And(all) => all.iter().all(decide),
        Logic::Or(any) => any.iter().any(decide),
        Logic::Xor(one) => one.iter().filter(|logic| decide(logic)).take(2).count() == 1,
        Logic::Not(inner) => !decide(inner),
    }
}

/// Most minus least of a number of the tickets; 0 of none. NaN, which is no number, doesn't count.
pub(super) fn spread(crew: &Crew<'_>, number: impl Fn(&Facts) -> f64) -> f64 {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for facts in crew.iter().flatten() {
        let number = number(facts);
        least = least.min(number);
        most = most.max(number);
    }
    (most - least).max(0.0)
}

pub(super) fn at_most(value: f64, most: f64) -> Held {
    if value <= most { Ok(()) } else { Err(Miss(Some(value - most))) }
}

fn same(crew: &Crew<'_>, wanted: &Wanted) -> Held {
    let mut texts =
        crew.iter().flatten().flat_map(|facts| facts.players.iter()).map(|player| wanted.text(player));
    let first = texts.next();
    if texts.all(|text| Some(text) == first) { Ok(()) } else { Err(Miss(None)) }
}

fn strangers(crew: &Crew<'_>, slot: usize) -> Held {
    for facts in crew.iter().flatten().filter(|facts| !facts.lists()[slot].is_empty()) {
        let others = crew.iter().flatten().filter(|other| other.order != facts.order);
        if { others }.any(|other| facts.names_one_of(slot, other)) {
            return Err(Miss(None));
        }
    }
    Ok(())
}
