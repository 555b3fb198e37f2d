//! A player whom this gateway knows, and until when.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The longest id, in bytes, as everywhere.
const MAX_BYTES: usize = 128;

/// A player's id: 1 to 128 bytes without control characters. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PlayerId(Arc<str>);

impl PlayerId {
    /// `None` where `id` can't be one.
    pub(crate) fn new(id: impl Into<Arc<str>>) -> Option<Self> {
        let id = id.into();
        let is_one = (1..=MAX_BYTES).contains(&id.len()) && !id.contains(char::is_control);
        is_one.then_some(Self(id))
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PlayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A player who proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownPlayer {
    /// Who.
    pub(crate) id: PlayerId,
    /// Until when the proof is good.
    pub(crate) until: SystemTime,
}

impl KnownPlayer {
    /// For how long the proof is still good.
    pub(crate) fn good_for(&self) -> Duration {
        self.until.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_1_to_128_bytes_without_control_characters() {
        let longest = "x".repeat(MAX_BYTES);
        for good in ["a", "Ünal", longest.as_str()] {
            assert_eq!(PlayerId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a\nb", &"x".repeat(MAX_BYTES + 1)] {
            assert!(PlayerId::new(bad).is_none(), "{bad:?}");
        }
    }
}
