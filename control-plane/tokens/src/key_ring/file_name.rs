//! A key file's name, which is all that is stored about a key beside the key itself.
//!
//! `<from>-<lifetime>-<name>.pem`, for example `1753000000000-3600-Zq3….pem`: from when the key signs (unix milliseconds),
//! how long its tokens live (seconds), and any name (we write the kid). It is in the name and in no second file because a
//! rename is atomic and two files never change together: there is no moment at which a crash loses one of them.

use std::time::{Duration, SystemTime};

use super::timeline::Period;
use crate::time::{from_unix_ms, unix_ms};

const EXTENSION: &str = ".pem";

/// A key file's name, read or to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyFileName {
    signs_from_ms: u64,
    // 32 bits are 136 years; with them no sum of times overflows.
    token_lifetime_s: u32,
    name: String,
}

impl KeyFileName {
    /// The name of the key `name` that has this place in the timeline. Milliseconds and whole seconds are kept; a lifetime
    /// is rounded up, so that no token outlives its key.
    pub(crate) fn new(period: Period, name: &str) -> Self {
        Self {
            signs_from_ms: unix_ms(period.signs_from),
            token_lifetime_s: whole_seconds(period.token_lifetime),
            name: name.to_owned(),
        }
    }

    /// A good name for a key file whose own does not say when it signs.
    pub(crate) fn for_newcomer(period: Period, file_name: &str) -> Self {
        Self::new(period, file_name.trim_end_matches(EXTENSION))
    }

    /// Whether a file of that name is a key file at all; others in the directory are left alone.
    pub(crate) fn is_key_file(file_name: &str) -> bool {
        file_name.ends_with(EXTENSION) && !file_name.starts_with('.')
    }

    /// Reads a name; `None` where it does not say when the key signs.
    pub(crate) fn parse(file_name: &str) -> Option<Self> {
        let mut parts = file_name.strip_suffix(EXTENSION)?.splitn(3, '-');
        Some(Self {
            signs_from_ms: parts.next()?.parse().ok()?,
            token_lifetime_s: parts.next()?.parse().ok()?,
            name: parts.next()?.to_owned(),
        })
    }

    /// The same key with tokens that live at least that long.
    pub(crate) fn with_lifetime_of_at_least(self, lifetime: Duration) -> Self {
        Self { token_lifetime_s: self.token_lifetime_s.max(whole_seconds(lifetime)), ..self }
    }

    /// The same key, signing from that moment on at the latest.
    pub(crate) fn signing_by(self, latest: SystemTime) -> Self {
        Self { signs_from_ms: self.signs_from_ms.min(unix_ms(latest)), ..self }
    }

    /// The key's place in the timeline.
    pub(crate) fn period(&self) -> Period {
        Period {
            signs_from: from_unix_ms(self.signs_from_ms),
            token_lifetime: Duration::from_secs(self.token_lifetime_s.into()),
        }
    }

    /// The name as text.
    pub(crate) fn to_file_name(&self) -> String {
        let Self { signs_from_ms, token_lifetime_s, name } = self;
        format!("{signs_from_ms}-{token_lifetime_s}-{name}{EXTENSION}")
    }
}

fn whole_seconds(lifetime: Duration) -> u32 {
    let rounded_up = lifetime.as_secs().saturating_add(u64::from(lifetime.subsec_nanos() > 0));
    u32::try_from(rounded_up).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_writing_and_reading() {
        // A kid may itself contain and begin with a dash.
        let name = KeyFileName::parse("1753000000123-3600--a_b-C.pem").unwrap();
        assert_eq!(name.to_file_name(), "1753000000123-3600--a_b-C.pem");
        assert_eq!(KeyFileName::new(name.period(), "-a_b-C"), name);
        assert_eq!(unix_ms(name.period().signs_from), 1_753_000_000_123);
    }

    #[test]
    fn names_that_do_not_say_when_are_refused() {
        for wrong in [
            "key.pem",
            "12-key.pem",
            "-1-60-key.pem",
            "1-x-key.pem",
            "99999999999999999999-1-k.pem",
            "1-4294967296-k.pem",
            "1-60-k.txt",
        ] {
            assert_eq!(KeyFileName::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_visible_pem_files_are_keys() {
        assert!(KeyFileName::is_key_file("anything.pem"));
        assert!(!KeyFileName::is_key_file(".unfinished-1.pem"));
        assert!(!KeyFileName::is_key_file("README"));
    }

    #[test]
    fn a_lifetime_only_grows_and_is_rounded_up() {
        let name = KeyFileName::parse("0-60-k.pem").unwrap();
        let with = |lifetime| name.clone().with_lifetime_of_at_least(lifetime);
        assert_eq!(with(Duration::from_secs(60)), name);
        assert_eq!(with(Duration::from_secs(5)), name);
        assert_eq!(with(Duration::from_millis(60_001)).to_file_name(), "0-61-k.pem");
    }

    #[test]
    fn the_moment_only_comes_nearer() {
        let name = KeyFileName::parse("5000-60-k.pem").unwrap();
        assert_eq!(name.clone().signing_by(from_unix_ms(9000)), name);
        assert_eq!(name.signing_by(from_unix_ms(1000)).to_file_name(), "1000-60-k.pem");
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let period = KeyFileName::parse("18446744073709551615-4294967295-k.pem").unwrap().period();
        assert!(period.signs_from + period.token_lifetime > period.signs_from);
    }
}
