//! Latency: whether there is a region that is fast enough for all.

use smol_str::SmolStr;

use super::{
    Facts,
    measure::Crew,
    numbers::party,
    rule::{Held, Miss},
};
use crate::rule_set::Aggregation;

/// Whether in one region every ticket's latency is at most `max`, and at most `apart` from the reference.
pub(super) fn holds(crew: &Crew<'_>, slot: usize, max: f64, apart: f64, reference: Aggregation) -> Held {
    let Some(first) = crew.iter().flatten().next() else {
        return Ok(());
    };
    let mut least_miss: Option<f64> = None;
    for region in first.regions() {
        let of = |facts: &Facts| facts.latency(region, slot);
        let known = crew.iter().flatten().all(|facts| of(facts).is_some());
        if !known {
            continue;
        }
        let latencies = || {
            crew.iter()
                .flatten()
                .flat_map(|facts| std::iter::repeat_n(of(facts).unwrap_or(f64::INFINITY), facts.size()))
        };
        let reference = if apart.is_finite() { party(reference, latencies()) } else { None };
        let miss = latencies().fold(0.0, |miss, latency| {
            let far = reference.map_or(0.0, |reference| (latency - reference).abs() - apart);
            f64::max(miss, f64::max(latency - max, far))
        });
        if miss <= 0.0 {
            return Ok(());
        }
        least_miss = Some(least_miss.map_or(miss, |known| known.min(miss)));
    }
    Err(Miss(least_miss))
}

/// The regions in which both tickets are within `max`, and within `apart` of each other.
pub(super) fn common<'f>(
    a: &'f Facts,
    b: &'f Facts,
    slot: usize,
    max: f64,
    apart: f64,
) -> impl Iterator<Item = &'f SmolStr> {
    a.regions().iter().filter(move |region| {
        let (Some(one), Some(other)) = (a.latency(region, slot), b.latency(region, slot)) else {
            return false;
        };
        one <= max && other <= max && (one - other).abs() <= apart
    })
}
