//! A distribution of latencies.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// One hour, in microseconds: the longest latency that is told from longer ones.
const LONGEST_US: u64 = 3_600_000_000;

/// Latencies, kept in microseconds with three significant digits.
#[derive(Debug)]
pub(super) struct Latency {
    histogram: Histogram<u64>,
}

impl Default for Latency {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3);
        Self { histogram: histogram.expect("the bounds are constants that fit") }
    }
}

impl Latency {
    pub(super) fn add(&mut self, measured: Option<Duration>) {
        if let Some(measured) = measured {
            let micros = u64::try_from(measured.as_micros()).unwrap_or(u64::MAX);
            self.histogram.saturating_record(micros.max(1));
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "count": self.histogram.len(),
            "p50": self.quantile_ms(0.5),
            "p90": self.quantile_ms(0.9),
            "p99": self.quantile_ms(0.99),
            "max": self.quantile_ms(1.0),
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "an hour in microseconds is far below 2^52")]
    fn quantile_ms(&self, quantile: f64) -> f64 {
        self.histogram.value_at_quantile(quantile) as f64 / 1000.0
    }
}

impl Display for Latency {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8}", self.histogram.len())?;
        [0.5, 0.9, 0.99, 1.0]
            .iter()
            .try_for_each(|quantile| write!(f, " {:>10.2}", self.quantile_ms(*quantile)))
    }
}
