//! Labels and annotations, as the game server sets them: bounded, and by its own names.

use std::collections::BTreeMap;

use super::SdkError;
use crate::ids;

/// What Agones puts before every name that a game server sets.
const PREFIX: &str = "agones.dev/sdk-";
/// What all keys and values of one kind may hold together, in bytes. Kubernetes allows annotations as much.
const LARGEST: usize = 256 * 1024;

/// Labels, or annotations.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    all: BTreeMap<String, String>,
    bytes: usize,
}

impl Metadata {
    /// With their prefix.
    pub(super) fn iter(&self) -> impl Iterator<Item = (String, String)> {
        self.all.iter().map(|(key, value)| (format!("{PREFIX}{key}"), value.clone()))
    }

    /// Returns whether anything has changed.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<bool, SdkError> {
        ids::check(key).map_err(|error| SdkError::Invalid(format!("the key {error}")))?;
        let old = self.all.get(key);
        if old.is_some_and(|old| old == value) {
            return Ok(false);
        }
        let freed = old.map_or(0, |old| key.len() + old.len());
        let bytes = self.bytes - freed + key.len() + value.len();
        if bytes > LARGEST {
            return Err(SdkError::Exhausted(format!("all of them together would hold over {LARGEST} bytes")));
        }
        self.bytes = bytes;
        self.all.insert(key.to_owned(), value.to_owned());
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_counts_what_is_replaced() {
        let mut labels = Metadata::default();
        assert_eq!(labels.set("mode", "duel"), Ok(true));
        assert_eq!(labels.set("mode", "duel"), Ok(false));
        assert!(matches!(labels.set("", "x"), Err(SdkError::Invalid(_))));
        let most = "x".repeat(LARGEST - 4);
        assert_eq!(labels.set("mode", &most), Ok(true));
        assert!(matches!(labels.set("a", ""), Err(SdkError::Exhausted(_))));
        assert_eq!(labels.set("mode", "duo"), Ok(true));
        assert_eq!((labels.set("a", "1"), labels.bytes), (Ok(true), 9));
        let all: Vec<_> = labels.iter().map(|(key, _)| key).collect();
        assert_eq!(all, ["agones.dev/sdk-a", "agones.dev/sdk-mode"]);
    }
}
