//! Wall-clock time as numbers: whole seconds in tokens, milliseconds in file names.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whole seconds since 1970-01-01T00:00:00Z, rounded down; 0 for what is earlier.
pub(crate) fn unix_s(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Milliseconds since 1970-01-01T00:00:00Z, rounded down; 0 for what is earlier.
pub(crate) fn unix_ms(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The moment that many milliseconds after 1970-01-01T00:00:00Z.
pub(crate) fn from_unix_ms(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_down_and_never_go_below_zero() {
        let at = UNIX_EPOCH + Duration::from_micros(1_999_999);
        assert_eq!((unix_s(at), unix_ms(at)), (1, 1_999));
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!((unix_s(before), unix_ms(before)), (0, 0));
        assert_eq!(unix_ms(from_unix_ms(u64::MAX)), u64::MAX);
    }
}
