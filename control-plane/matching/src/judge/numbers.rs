//! What aggregate functions make of numbers.

use crate::rule_set::{Aggregate, Aggregation};

/// What the function makes of the numbers, in the order in which they come. `None`: it makes nothing of no numbers at all.
pub(super) fn aggregate(by: Aggregate, numbers: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let count = || numbers.clone().count() as f64;
    let sum = || numbers.clone().fold(0.0, |sum, number| sum + number);
    match by {
        Aggregate::Count => return Some(count()),
        Aggregate::Sum => return Some(sum()),
        _ => {}
    }
    numbers.clone().next()?;
    Some(match by {
        Aggregate::Min => numbers.fold(f64::INFINITY, f64::min),
        Aggregate::Max => numbers.fold(f64::NEG_INFINITY, f64::max),
        Aggregate::Median => median(numbers.collect()),
        Aggregate::Stddev => {
            let mean = sum() / count();
            let squares = numbers.clone().fold(0.0, |sum, number| sum + (number - mean).powi(2));
            (squares / count()).sqrt()
        }
        Aggregate::Avg | Aggregate::Count | Aggregate::Sum => sum() / count(),
    })
}

/// What a party's number is, or a reference latency. `None`: of none.
pub(super) fn party(by: Aggregation, numbers: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let by = match by {
        Aggregation::Avg => Aggregate::Avg,
        Aggregation::Min => Aggregate::Min,
        Aggregation::Max => Aggregate::Max,
    };
    aggregate(by, numbers)
}

/// Of at least one number.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len().is_multiple_of(2) {
        (numbers[middle - 1] + numbers[middle]) / 2.0
    } else {
        numbers[middle]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregates_do_what_they_are_called() {
        let of = |by, numbers: &[f64]| aggregate(by, numbers.iter().copied());
        let numbers = [4.0, 1.0, 7.0, 2.0];
        assert_eq!(of(Aggregate::Min, &numbers), Some(1.0));
        assert_eq!(of(Aggregate::Max, &numbers), Some(7.0));
        assert_eq!(of(Aggregate::Avg, &numbers), Some(3.5));
        assert_eq!(of(Aggregate::Median, &numbers), Some(3.0));
        assert_eq!(of(Aggregate::Median, &numbers[..3]), Some(4.0));
        assert_eq!(of(Aggregate::Sum, &numbers), Some(14.0));
        assert_eq!(of(Aggregate::Count, &numbers), Some(4.0));
        assert_eq!(of(Aggregate::Stddev, &[1.0, 3.0]), Some(1.0));
    }

    #[test]
    fn of_nothing_only_sum_and_count_are_known() {
        let of = |by| aggregate(by, std::iter::empty());
        assert_eq!((of(Aggregate::Sum), of(Aggregate::Count)), (Some(0.0), Some(0.0)));
        for by in [Aggregate::Min, Aggregate::Max, Aggregate::Avg, Aggregate::Median, Aggregate::Stddev] {
            assert_eq!(of(by), None, "{by:?}");
        }
    }
}
