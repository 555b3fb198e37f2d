//! Keys: long random texts, of which only the hash is kept.
//!
//! A plain hash is enough: nobody guesses 256 random bits, however fast guesses are. Passwords that people choose have no place
//! here, and `muster access new` is the way to a key.

use std::fmt::{self, Write as _};

use aws_lc_rs::{
    constant_time, digest,
    rand::{SecureRandom as _, SystemRandom},
};

/// Says in a log or a repository what this is.
const PREFIX: &str = "muster_";
/// How a line of the access file begins that names a hash.
pub(super) const HASH: &str = "sha256:";

/// The hash of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyHash([u8; digest::SHA256_OUTPUT_LEN]);

impl KeyHash {
    pub(super) fn of(key: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, key.as_bytes());
        Self(hash.as_ref().try_into().expect("a SHA-256 hash has 32 bytes"))
    }

    /// Reads 64 hexadecimal digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut hash = [0; digest::SHA256_OUTPUT_LEN];
        if text.len() != 2 * hash.len() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (index, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(Self(hash))
    }

    /// Where to look for it. How long a look takes tells at most the begin of a hash, which leads nobody to a key.
    pub(super) fn begin(&self) -> u64 {
        u64::from_be_bytes(self.0[..8].try_into().expect("a hash has more than 8 bytes"))
    }

    /// Takes as long for one that differs in the first byte as for one that differs in the last.
    pub(super) fn is(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A key that was made just now: the one time that it can be read. Hides itself in `Debug`.
pub struct NewKey(String);

impl NewKey {
    /// Makes one of 256 random bits.
    ///
    /// # Panics
    /// Where the operating system has no randomness.
    pub fn make() -> Self {
        let mut bytes = [0_u8; 32];
        SystemRandom::new().fill(&mut bytes).expect("the operating system has randomness");
        let mut key = PREFIX.to_owned();
        for byte in bytes {
            write!(key, "{byte:02x}").expect("a string takes all text");
        }
        Self(key)
    }

    /// For whoever will call with it.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// For the access file: `sha256:…`.
    pub fn hash(&self) -> String {
        format!("{HASH}{}", KeyHash::of(&self.0))
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_hash_alone() {
        let key = NewKey::make();
        assert_eq!(key.secret().len(), PREFIX.len() + 64);
        let hash = KeyHash::parse(key.hash().strip_prefix(HASH).unwrap()).unwrap();
        assert!(hash.is(&KeyHash::of(key.secret())));
        assert!(!hash.is(&KeyHash::of(NewKey::make().secret())));
        assert!(!format!("{key:?}").contains(&key.secret()[PREFIX.len()..]));
    }

    #[test]
    fn only_a_whole_hash_is_one() {
        let hash = "0a".repeat(32);
        assert_eq!(KeyHash::parse(&hash).unwrap().to_string(), hash);
        for bad in [String::new(), "0a".repeat(31), "0a".repeat(33), "+a".repeat(32), "é".repeat(32)] {
            assert!(KeyHash::parse(&bad).is_none(), "{bad}");
        }
    }
}
