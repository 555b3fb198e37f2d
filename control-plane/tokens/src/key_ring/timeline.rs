//! Which key signs when, and until when each is published. Plain arithmetic on a sorted list; no key, no file, no clock.
//!
//! ```text
//! key 1  ──signs──────────────────┤ still published ┤ gone
//! key 2        published, waits ──┼──signs─────────────────
//!              rotate         signs_from   + the lifetime of key 1's tokens
//! ```

use std::time::{Duration, SystemTime};

/// What a key's place in the timeline is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    /// From when it signs. Until when follows from the next key.
    pub(crate) signs_from: SystemTime,
    /// The longest life of a token that it signs.
    pub(crate) token_lifetime: Duration,
}

/// The index of the key that signs `now`, in a list sorted by `signs_from`; `None` only where the list is empty.
///
/// Where none is due yet (the clock was set back, or the older keys were removed by hand) the first one signs: a ring with
/// a key is never without a signer.
pub(crate) fn signing(periods: &[Period], now: SystemTime) -> Option<usize> {
    let due = periods.iter().rposition(|period| period.signs_from <= now);
    due.or(if periods.is_empty() { None } else { Some(0) })
}

/// Until when the key at `index` is published: its last token expires then. `None` while nothing follows it.
pub(crate) fn published_until(periods: &[Period], index: usize) -> Option<SystemTime> {
    let successor = periods.get(index + 1)?;
    Some(successor.signs_from + periods.get(index)?.token_lifetime)
}

/// Whether the last token of the key at `index` has expired.
pub(crate) fn is_retired(periods: &[Period], index: usize, now: SystemTime) -> bool {
    published_until(periods, index).is_some_and(|until| until <= now)
}

/// The index of a key that is published and waits to sign.
pub(crate) fn waiting(periods: &[Period], now: SystemTime) -> Option<usize> {
    let last = periods.len().checked_sub(1)?;
    (last != signing(periods, now)?).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix_ms;

    fn at(second: u64) -> SystemTime {
        from_unix_ms(second * 1000)
    }

    fn period(from: u64, lifetime: u64) -> Period {
        Period { signs_from: at(from), token_lifetime: Duration::from_secs(lifetime) }
    }

    #[test]
    fn the_latest_key_that_is_due_signs() {
        let keys = [period(10, 60), period(100, 60), period(200, 60)];
        assert_eq!(signing(&keys, at(10)), Some(0));
        assert_eq!(signing(&keys, at(99)), Some(0));
        assert_eq!(signing(&keys, at(100)), Some(1));
        assert_eq!(signing(&keys, at(5000)), Some(2));
        assert_eq!(signing(&[], at(0)), None);
    }

    #[test]
    fn a_clock_that_was_set_back_still_finds_a_signer() {
        assert_eq!(signing(&[period(10, 60), period(100, 60)], at(0)), Some(0));
        assert_eq!(waiting(&[period(10, 60)], at(0)), None);
    }

    #[test]
    fn a_key_is_published_until_its_last_token_has_expired() {
        let keys = [period(10, 60), period(100, 30)];
        assert_eq!(published_until(&keys, 0), Some(at(160)));
        assert_eq!(published_until(&keys, 1), None);
        assert!(!is_retired(&keys, 0, at(159)));
        assert!(is_retired(&keys, 0, at(160)));
        assert!(!is_retired(&keys, 1, at(1_000_000)));
    }

    #[test]
    fn a_key_waits_from_its_making_until_it_signs() {
        let keys = [period(10, 60), period(100, 60)];
        assert_eq!(waiting(&keys, at(99)), Some(1));
        assert_eq!(waiting(&keys, at(100)), None);
    }
}
