//! Comparison and distance: single values against a reference, or against each other.

use super::{
    measure::{Crew, Measure},
    rule::{Against, Held, Miss},
    value::{Leaf, Value},
};
use crate::rule_set::Comparator;

impl Against {
    /// `None`: no value, and nothing is asked.
    pub(super) fn of<'a>(&'a self, crew: &Crew<'a>, age: std::time::Duration) -> Option<Value<'a>> {
        match self {
            Self::Number(number) => Some(Value::Number(number.at(age))),
            Self::Measure(measure) => measure.of(crew),
        }
    }
}

/// Each measured value against the reference.
pub(super) fn compare(
    measured: &[Measure],
    reference: &Option<Value<'_>>,
    operation: Comparator,
    crew: &Crew<'_>,
) -> Held {
    worst(measured, reference.as_ref(), crew, |value, reference| match (value, reference) {
        (Leaf::Number(value), Leaf::Number(reference)) => {
            let holds = match operation {
                Comparator::Less => value < reference,
                Comparator::AtMost => value <= reference,
                Comparator::Equal => value == reference,
                Comparator::NotEqual => value != reference,
                Comparator::Greater => value > reference,
                Comparator::AtLeast => value >= reference,
            };
            if holds { Ok(()) } else { Err(Miss(Some((value - reference).abs()))) }
        }
        (Leaf::Text(value), Leaf::Text(reference)) => match operation {
            Comparator::Equal if value == reference => Ok(()),
            Comparator::NotEqual if value != reference => Ok(()),
            _ => Err(Miss(None)),
        },
        _ => Err(Miss(None)),
    })
}

/// All measured values the same, or all different.
pub(super) fn compare_all(measured: &[Measure], operation: Comparator, crew: &Crew<'_>) -> Held {
    let mut leaves = Vec::new();
    let values: Vec<Value<'_>> = measured.iter().filter_map(|measure| measure.of(crew)).collect();
    values.iter().for_each(|value| value.each(&mut |leaf| leaves.push(leaf)));
    let Some((first, rest)) = leaves.split_first() else {
        return Ok(());
    };
    match operation {
        Comparator::Equal => {
            let other = rest.iter().find(|leaf| *leaf != first);
            other.map_or(Ok(()), |other| Err(Miss(apart(*first, *other))))
        }
        Comparator::NotEqual => {
            leaves.sort_unstable_by(|a, b| order(*a, *b));
            let twice = leaves.windows(2).any(|pair| pair[0] == pair[1]);
            if twice { Err(Miss(None)) } else { Ok(()) }
        }
        // They need a reference, and a checked rule has one.
        Comparator::Less | Comparator::AtMost | Comparator::Greater | Comparator::AtLeast => Err(Miss(None)),
    }
}

/// Each measured number within the distances of the reference.
pub(super) fn distance(
    measured: &[Measure],
    reference: &Option<Value<'_>>,
    min: Option<f64>,
    max: Option<f64>,
    crew: &Crew<'_>,
) -> Held {
    worst(measured, reference.as_ref(), crew, |value, reference| {
        let apart = apart(value, reference).ok_or(Miss(None))?;
        if let Some(min) = min.filter(|min| apart < *min) {
            return Err(Miss(Some(min - apart)));
        }
        max.filter(|max| apart > *max).map_or(Ok(()), |max| Err(Miss(Some(apart - max))))
    })
}

/// Asks each measured value against each of the reference; where several don't hold, the worst miss.
fn worst(
    measured: &[Measure],
    reference: Option<&Value<'_>>,
    crew: &Crew<'_>,
    ask: impl Fn(Leaf<'_>, Leaf<'_>) -> Held,
) -> Held {
    let Some(reference) = reference else {
        return Ok(());
    };
    let mut held = Ok(());
    for value in measured.iter().filter_map(|measure| measure.of(crew)) {
        value.each(&mut |leaf| {
            reference.each(&mut |reference| {
                if let Err(Miss(by)) = ask(leaf, reference) {
                    let known = held.err().and_then(|Miss(known)| known);
                    held = Err(Miss(by.max_of(known)));
                }
            });
        });
    }
    held
}

/// The greater of two that may be missing.
trait MaxOf {
    fn max_of(self, other: Self) -> Self;
}

impl MaxOf for Option<f64> {
    fn max_of(self, other: Self) -> Self {
        match (self, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        }
    }
}

fn apart(a: Leaf<'_>, b: Leaf<'_>) -> Option<f64> {
    if let (Leaf::Number(a), Leaf::Number(b)) = (a, b) { Some((a - b).abs()) } else { None }
}

/// Any order in which equal ones are neighbours: also 0 and -0.
fn order(a: Leaf<'_>, b: Leaf<'_>) -> std::cmp::Ordering {
    match (a, b) {
        (Leaf::Number(a), Leaf::Number(b)) => a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal),
        (Leaf::Text(a), Leaf::Text(b)) => a.cmp(b),
        (Leaf::Number(_), Leaf::Text(_)) => std::cmp::Ordering::Less,
        (Leaf::Text(_), Leaf::Number(_)) => std::cmp::Ordering::Greater,
    }
}
