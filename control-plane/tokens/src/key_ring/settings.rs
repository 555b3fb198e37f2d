//! How a key ring behaves.

use std::time::Duration;

use super::KeyError;
use super::signing_key::BITS;
use crate::Algorithm;

/// The length of a key where nothing else is wished, in bits.
pub const DEFAULT_BITS: usize = 2048;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST: Duration = DAY.saturating_mul(30);

/// How a key ring behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRingSettings {
    /// What new keys are for. Keys that exist keep theirs: where it is changed, opening the ring makes a key that takes over
    /// like any other new one, and tokens of the older keys stay good until they expire.
    pub algorithm: Algorithm,
    /// The longest life of a match token, 1 second to 30 days. A key that signs no more stays published for as long as any
    /// token of its may live. Where that is raised, the keys that still sign remember the longer one; where it is lowered,
    /// they keep what they had promised.
    pub token_lifetime: Duration,
    /// The longest life of an identity token, 1 second to 30 days; as above.
    pub identity_lifetime: Duration,
    /// How long a new key is published before it signs, up to 30 days. Everybody who caches the JWK Set must have seen the
    /// key by then (see [`super::KeyRing::max_age`]). Zero signs at once: for tests and emergencies.
    pub publish_ahead: Duration,
    /// The length of new RSA keys, 2048 to 4096 bits; see [`DEFAULT_BITS`]. Keys that exist keep theirs.
    pub bits: usize,
}

impl KeyRingSettings {
    /// The longest life of any token.
    pub(crate) fn longest_lifetime(&self) -> Duration {
        self.token_lifetime.max(self.identity_lifetime)
    }

    pub(crate) fn check(&self) -> Result<(), KeyError> {
        let wrong = |field, problem| Err(KeyError::Settings { field, problem });
        let lifetimes =
            [("token_lifetime", self.token_lifetime), ("identity_lifetime", self.identity_lifetime)];
        for (field, lifetime) in lifetimes {
            if !(Duration::from_secs(1)..=LONGEST).contains(&lifetime) {
                return wrong(field, "must be from 1 second to 30 days");
            }
        }
        if self.publish_ahead > LONGEST {
            return wrong("publish_ahead", "must be at most 30 days");
        }
        if !BITS.contains(&self.bits) {
            return wrong("bits", "must be from 2048 to 4096");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_checked_by_name() {
        let good = KeyRingSettings {
            algorithm: Algorithm::Rs256,
            token_lifetime: Duration::from_secs(60),
            identity_lifetime: Duration::from_secs(600),
            publish_ahead: Duration::ZERO,
            bits: DEFAULT_BITS,
        };
        good.check().unwrap();
        let wrong = [
            (
                "token_lifetime",
                KeyRingSettings { token_lifetime: Duration::from_millis(999), ..good.clone() },
            ),
            ("token_lifetime", KeyRingSettings { token_lifetime: DAY * 31, ..good.clone() }),
            ("identity_lifetime", KeyRingSettings { identity_lifetime: Duration::ZERO, ..good.clone() }),
            ("publish_ahead", KeyRingSettings { publish_ahead: DAY * 31, ..good.clone() }),
            ("bits", KeyRingSettings { bits: 1024, ..good.clone() }),
            ("bits", KeyRingSettings { bits: 8192, ..good }),
        ];
        for (field, settings) in wrong {
            let said = settings.check().unwrap_err().to_string();
            assert!(said.starts_with(field), "{said}");
        }
    }
}
