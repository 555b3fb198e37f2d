//! Collection rules: how much lists of texts have in common.

use std::ops::RangeInclusive;

use super::{
    measure::{Crew, Measure},
    rule::{Held, Miss},
    value::{Leaf, Value, common, is_of_text_lists},
};
use crate::rule_set::CollectionOperation;

/// Whether every count that the measurements yield is in the range.
pub(super) fn holds(
    measured: &[Measure],
    reference: Option<&Measure>,
    operation: CollectionOperation,
    range: RangeInclusive<f64>,
    crew: &Crew<'_>,
) -> Held {
    let reference =
        reference.and_then(|reference| reference.of(crew)).map(|value| texts(&value)).unwrap_or_default();
    let mut held = Ok(());
    let mut asked = |count: usize| {
        let count = count as f64;
        if !range.contains(&count) && held.is_ok() {
            let by = if count < *range.start() { range.start() - count } else { count - range.end() };
            held = Err(Miss(Some(by)));
        }
    };
    for value in measured.iter().filter_map(|measure| measure.of(crew)) {
        match operation {
            CollectionOperation::Intersection => intersections(&value, &mut asked),
            CollectionOperation::Contains => containing(&value, &reference, &mut asked),
            CollectionOperation::ReferenceIntersectionCount => shared(&value, &reference, &mut asked),
        }
    }
    held
}

/// How many texts the lists of each list of lists have in common; of a list alone, how many it has.
fn intersections(value: &Value<'_>, asked: &mut impl FnMut(usize)) {
    match value {
        // A team without players has no lists, and nothing is asked of none.
        Value::List(list) if list.is_empty() => {}
        Value::List(list) if is_of_text_lists(list) => asked(common(list).len()),
        Value::List(list) => list.iter().for_each(|value| intersections(value, asked)),
        single => asked(single.distinct().len()),
    }
}

/// In how many of a team's texts or lists the reference is.
fn containing(value: &Value<'_>, reference: &[&str], asked: &mut impl FnMut(usize)) {
    match value {
        Value::List(list) if list.iter().all(|value| matches!(value, Value::Bag(_))) => {
            asked(list.iter().filter(|own| reference.iter().any(|text| own.has(text))).count());
        }
        Value::List(list) => list.iter().for_each(|value| containing(value, reference, asked)),
        Value::Texts(texts) => asked(texts.iter().filter(|text| reference.contains(text)).count()),
        single => asked(usize::from(reference.iter().any(|text| single.has(text)))),
    }
}

/// How many texts each list has in common with the reference.
fn shared(value: &Value<'_>, reference: &[&str], asked: &mut impl FnMut(usize)) {
    match value {
        Value::List(list) => list.iter().for_each(|value| shared(value, reference, asked)),
        single => {
            let known = |text: &&str| reference.binary_search(text).is_ok();
            asked(single.distinct().into_iter().filter(known).count());
        }
    }
}

/// All texts of a reference, each once, sorted.
fn texts<'a>(value: &Value<'a>) -> Vec<&'a str> {
    let mut texts = Vec::new();
    value.each(&mut |leaf| {
        if let Leaf::Text(text) = leaf {
            texts.push(text);
        }
    });
    texts.sort_unstable();
    texts.dedup();
    texts
}
