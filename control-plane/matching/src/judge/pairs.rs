//! Why two tickets can never be in one match: what the rules of a whole match say of any two in it.
//!
//! Every test here is necessary and none is sufficient: of what isn't known (the other tickets, and so the match's age) it takes what
//! lets the most through. A ticket is also tested with itself, at all ages there are: what fails then fits no match at all.

use std::time::Duration;

use super::{
    Breach, Broken, Facts,
    ages::{Spans, least, most},
    latency,
    slots::Wanted,
};
use crate::rule_set::{AgeBasis, Changing, Comparator};

/// What a rule that no match may break says of two tickets.
#[derive(Debug)]
pub(super) struct PairTest {
    pub(super) rule: usize,
    pub(super) basis: AgeBasis,
    pub(super) optional_after: Option<Duration>,
    pub(super) ask: Ask,
}

/// What it asks of them.
#[derive(Debug)]
pub(super) enum Ask {
    /// Their numbers are within `times` the distance.
    Apart { slot: usize, max: Changing, times: f64 },
    /// Their keys are the same at this place.
    Key(usize),
    /// Their players' own values are all the same.
    Same(Wanted),
    /// Their lists share so many texts.
    Share { slot: usize, min: Changing },
    /// There is a region in which both are fast enough, and within `times` the distance of each other.
    Region { slot: usize, max: Option<Changing>, apart: Option<Changing>, times: f64 },
    /// Neither's list names a player of the other.
    Strangers { slot: usize },
    /// The number of each compares so with the reference.
    Bound { slot: usize, operation: Comparator, reference: Changing },
    /// The number of each is within the distance of the reference.
    Around { slot: usize, reference: Changing, max: Changing },
    /// The texts of all their players are this, or are not.
    Text { wanted: Wanted, text: smol_str::SmolStr, is: bool },
}

impl PairTest {
    /// `None`: it lets them through.
    pub(super) fn why_apart(&self, a: &Facts, b: &Facts, spans: Spans) -> Option<Broken> {
        let span = spans.by(self.basis);
        if self.optional_after.is_some_and(|after| after <= span.to) {
            return None;
        }
        let broken = |by: Option<f64>| Some(Broken { what: Breach::Rule(self.rule), by });
        let beyond = |value: f64, limit: f64| if value > limit { broken(Some(value - limit)) } else { None };
        let unless = |holds: bool| if holds { None } else { broken(None) };
        let worse = |slot: usize, miss: &dyn Fn(f64) -> f64| miss(a.numbers[slot]).max(miss(b.numbers[slot]));
        let at_most = |number: &Option<Changing>| number.as_ref().map_or(f64::INFINITY, |n| most(n, span));
        match &self.ask {
            Ask::Apart { slot, max, times } => {
                beyond((a.numbers[*slot] - b.numbers[*slot]).abs(), times * most(max, span))
            }
            Ask::Key(index) => unless(a.key()[*index] == b.key()[*index]),
            Ask::Same(wanted) => {
                let mut values = both(a, b).map(|player| wanted.of(player));
                let first = values.next();
                unless(values.all(|value| Some(value) == first))
            }
            Ask::Share { slot, min } => {
                beyond(least(min, span), shared(&a.lists()[*slot], &b.lists()[*slot]) as f64)
            }
            Ask::Region { slot, max, apart, times } => {
                let (max, apart) = (at_most(max), times * at_most(apart));
                unless(latency::common(a, b, *slot, max, apart).next().is_some())
            }
            Ask::Strangers { slot } => unless(!a.names_one_of(*slot, b) && !b.names_one_of(*slot, a)),
            Ask::Bound { slot, operation, reference } => {
                let (low, high) = (least(reference, span), most(reference, span));
                match operation {
                    Comparator::Less | Comparator::AtMost => {
                        let miss = worse(*slot, &|number| number - high);
                        let strict = *operation == Comparator::Less;
                        if miss > 0.0 || (strict && miss == 0.0) { broken(Some(miss)) } else { None }
                    }
                    Comparator::Greater | Comparator::AtLeast => {
                        let miss = worse(*slot, &|number| low - number);
                        let strict = *operation == Comparator::Greater;
                        if miss > 0.0 || (strict && miss == 0.0) { broken(Some(miss)) } else { None }
                    }
                    Comparator::Equal => {
                        beyond(worse(*slot, &|number| (number - high).max(low - number)), 0.0)
                    }
                    Comparator::NotEqual => None,
                }
            }
            Ask::Around { slot, reference, max } => {
                let (low, high) = (least(reference, span), most(reference, span));
                beyond(worse(*slot, &|number| (number - high).max(low - number)), most(max, span))
            }
            Ask::Text { wanted, text, is } => {
                unless(both(a, b).all(|player| wanted.text(player).is_some_and(|own| (own == text) == *is)))
            }
        }
    }
}

/// The players of both tickets.
fn both<'f>(a: &'f Facts, b: &'f Facts) -> impl Iterator<Item = &'f crate::Player> {
    a.players.iter().chain(b.players.iter())
}

/// How many texts two sorted lists have in common.
fn shared(a: &[smol_str::SmolStr], b: &[smol_str::SmolStr]) -> usize {
    let (mut left, mut right, mut count) = (0, 0, 0);
    while let (Some(one), Some(other)) = (a.get(left), b.get(right)) {
        match one.cmp(other) {
            std::cmp::Ordering::Less => left += 1,
            std::cmp::Ordering::Greater => right += 1,
            std::cmp::Ordering::Equal => (left, right, count) = (left + 1, right + 1, count + 1),
        }
    }
    count
}
