//! One JWK set as it was fetched.

use std::{sync::OnceLock, time::Duration};

use serde::Deserialize;
use tokens::Verifier;
use tokio::time::Instant;

/// For how long a set is good where the control plane doesn't say.
const DEFAULT_MAX_AGE_S: u32 = 300;
/// The shortest time between two fetches that nobody asked for.
const SHORTEST: Duration = Duration::from_secs(1);

/// A JWK set and its age.
#[derive(Debug)]
pub(crate) struct KeySet {
    text: String,
    kids: Vec<String>,
    max_age: Duration,
    fetched_at: Instant,
    /// Made of it when the first token comes; why it can't be, where it can't.
    verifier: OnceLock<Result<Verifier, String>>,
}

impl KeySet {
    /// Fails with a sentence for the log where `text` is no JWK set: a good set is never replaced by such a thing.
    pub(super) fn parse(text: String, max_age_s: u32) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Key>,
        }
        #[derive(Deserialize)]
        struct Key {
            #[serde(default)]
            kid: Option<String>,
        }
        let set: Set = serde_json::from_str(&text).map_err(|error| format!("no JWK set: {error}"))?;
        let max_age_s = if max_age_s == 0 { DEFAULT_MAX_AGE_S } else { max_age_s };
        Ok(Self {
            kids: set.keys.into_iter().filter_map(|key| key.kid).collect(),
            text,
            max_age: Duration::from_secs(max_age_s.into()),
            fetched_at: Instant::now(),
            verifier: OnceLock::new(),
        })
    }

    /// The set as the control plane wrote it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What checks tokens with it. The issuer is always the same.
    pub(crate) fn verifier(&self, issuer: &str) -> Result<&Verifier, &str> {
        let made = || Verifier::from_jwks(&self.text, issuer).map_err(|error| error.to_string());
        self.verifier.get_or_init(made).as_ref().map_err(String::as_str)
    }

    pub(crate) fn has(&self, kid: &str) -> bool {
        self.kids.iter().any(|known| known == kid)
    }

    /// For how many more seconds it may be cached by whoever gets it now.
    pub(crate) fn max_age_s(&self) -> u64 {
        self.max_age.saturating_sub(self.fetched_at.elapsed()).as_secs()
    }

    /// When to fetch the next one: early enough for a few tries before this one is old.
    pub(super) fn fresh_for(&self) -> Duration {
        (self.max_age * 3 / 4).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_set_grows_old() {
        let set = KeySet::parse(r#"{"keys":[{"kid":"a"},{"kty":"RSA"}]}"#.to_owned(), 60).unwrap();
        assert!(set.has("a") && !set.has("b"));
        assert_eq!((set.max_age_s(), set.fresh_for()), (60, Duration::from_secs(45)));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(set.max_age_s(), 40);
        tokio::time::advance(Duration::from_secs(200)).await;
        assert_eq!(set.max_age_s(), 0);
        assert!(KeySet::parse("{}".to_owned(), 60).is_err());
    }
}
