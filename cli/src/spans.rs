//! Lengths of time, for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A length of time in its two largest units, rounded up to whole seconds.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms.div_ceil(1000);
    let units =
        [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let counts = units.iter().skip_while(|(count, _)| *count == 0).take(2).filter(|(count, _)| *count > 0);
    let said: Vec<_> = counts.map(|(count, unit)| format!("{count}{unit}")).collect();
    if said.is_empty() { "0s".to_owned() } else { said.join(" ") }
}

/// The wall clock's milliseconds since 1970-01-01T00:00:00Z.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_said_in_two_units() {
        for (ms, said) in [
            (0, "0s"),
            (1, "1s"),
            (59_000, "59s"),
            (299_500, "5m"),
            (61_000, "1m 1s"),
            (3_600_000, "1h"),
            (3_601_000, "1h"),
            (43_260_000, "12h 1m"),
            (90_000_000, "1d 1h"),
        ] {
            assert_eq!(span(ms), said, "{ms}");
        }
    }
}
