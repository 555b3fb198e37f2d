//! The keys that sign match tokens: made on first start, rotated without downtime, published as a JWK Set.
//!
//! The directory is the truth, memory a copy that is replaced whole. Each change takes the directory's lock, reads all
//! of it anew, changes it, and puts the result in place; signing and publishing only look at the copy and never wait.
//! Which key signs and which are published follows from the time that is passed in, so nothing has to run in between.
//!
//! Where several processes share a directory, the one that rotates knows at once and the others when they
//! [`KeyRing::follow`]; they do that often, and at least within half of `publish_ahead`.
//!
//! Another algorithm is a rotation: a ring that is opened with one publishes a key for it, which signs when its time has
//! come, and the older keys stay as they are.

mod directory;
mod error;
mod file_name;
mod info;
mod keys;
mod settings;
mod signing_key;
mod timeline;

use std::cmp::Ordering;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::JwkSet;
use serde::Serialize;

use self::directory::Directory;
use self::keys::Keys;
use crate::time::unix_s;
use crate::{Claims, IdentityClaims, SignError, SignedToken};

pub use error::KeyError;
pub use info::{KeyInfo, KeyState, Rotated};
pub use settings::{DEFAULT_BITS, KeyRingSettings};
pub use signing_key::KeyId;

/// How far the wall clock may be set back between the making of claims and their signing: as far as verifiers are lenient.
const CLOCK_STEP_S: u64 = crate::DEFAULT_LEEWAY.as_secs();

/// The keys of one control plane. Shared as an `Arc`; every method takes `&self` and may be called from any thread.
///
/// [`KeyRing::open`], [`KeyRing::reload`] and [`KeyRing::rotate`] touch the disk and may make a key: call them where
/// blocking is allowed. The rest is memory only.
pub struct KeyRing {
    directory: Directory,
    settings: KeyRingSettings,
    // Read on every signature and replaced a few times a year, hence no lock.
    keys: ArcSwap<Keys>,
}

impl KeyRing {
    /// Opens the ring in `dir`. Where `dir` is missing it is made (mode 0700); where it holds no key one is made (mode
    /// 0600) that signs at once. Keys whose last token has expired by `now` are removed.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the settings, the directory or a key file, with the way out: see [`KeyError`]. A ring
    /// with one bad file does not open, because tokens of that key are out there and would be refused one by one.
    pub fn open(dir: &Path, settings: KeyRingSettings, now: SystemTime) -> Result<Self, KeyError> {
        settings.check()?;
        let directory = Directory::prepare(dir)?;
        let locked = directory.lock()?;
        let mut keys = Keys::load(&locked, &settings, now)?;
        // Only here: were it done at every reload, two replicas that are configured differently would rotate for ever.
        if keys.keys.last().is_none_or(|newest| newest.algorithm() != settings.algorithm) {
            keys.make_next(&locked, &settings, now)?;
        }
        keys.names = directory.key_file_names()?;
        drop(locked);
        Ok(Self { directory, settings, keys: ArcSwap::from_pointee(keys) })
    }

    /// Reads the directory anew: finds what another process rotated, and removes keys whose last token has expired.
    ///
    /// # Errors
    ///
    /// As [`KeyRing::open`]; the ring then goes on with the keys that it has.
    pub fn reload(&self, now: SystemTime) -> Result<(), KeyError> {
        let locked = self.directory.lock()?;
        let mut keys = Keys::load(&locked, &self.settings, now)?;
        if keys.keys.is_empty() {
            // Somebody emptied the directory under us. Starting over beats signing with keys that a restart would lose.
            keys.make_next(&locked, &self.settings, now)?;
        }
        self.store(keys)
    }

    /// Reads the directory anew where keys have come or gone since it was read: a look at the names there, which may be taken
    /// twice a second. True where there was something to read.
    ///
    /// # Errors
    ///
    /// As [`KeyRing::open`]; the ring then goes on with the keys that it has.
    pub fn follow(&self, now: SystemTime) -> Result<bool, KeyError> {
        let changed = self.directory.key_file_names()? != self.keys.load().names;
        if changed {
            self.reload(now)?;
        }
        Ok(changed)
    }

    /// Makes a new key, which is published at once and signs from `now` + `publish_ahead`. Where a new key still waits to
    /// sign, that one is returned and none is made, whichever process made it.
    ///
    /// # Errors
    ///
    /// As [`KeyRing::open`]; the ring then goes on with the keys that it has.
    pub fn rotate(&self, now: SystemTime) -> Result<Rotated, KeyError> {
        let locked = self.directory.lock()?;
        let mut keys = Keys::load(&locked, &self.settings, now)?;
        let at = match timeline::waiting(&keys.periods, now) {
            Some(waiting) => waiting,
            None => {
                keys.make_next(&locked, &self.settings, now)?;
                keys.keys.len() - 1
            }
        };
        let rotated = Rotated { kid: keys.keys[at].kid().clone(), signs_from: keys.periods[at].signs_from };
        self.store(keys)?;
        Ok(rotated)
    }

    /// Puts keys in place that were read under the directory's lock, which the caller still has.
    fn store(&self, mut keys: Keys) -> Result<(), KeyError> {
        keys.names = self.directory.key_file_names()?;
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// The public keys as the JSON text of a JWK Set (RFC 7517): the one that signs, the one that waits, and those whose
    /// tokens are still alive.
    pub fn jwks_json(&self, now: SystemTime) -> String {
        let keys = self.keys.load();
        let published =
            (0..keys.keys.len()).filter(|&index| !timeline::is_retired(&keys.periods, index, now));
        let set = JwkSet { keys: published.map(|index| keys.keys[index].jwk().clone()).collect() };
        serde_json::to_string(&set).expect("a JWK Set is strings in structs, which serde_json always writes")
    }

    /// The keys that are published `now`, in the order in which they sign.
    pub fn published(&self, now: SystemTime) -> Vec<KeyInfo> {
        let keys = self.keys.load();
        let signing = signing(&keys, now);
        let published =
            (0..keys.keys.len()).filter(|&index| !timeline::is_retired(&keys.periods, index, now));
        let info = |index: usize| KeyInfo {
            kid: keys.keys[index].kid().clone(),
            algorithm: keys.keys[index].algorithm(),
            state: match index.cmp(&signing) {
                Ordering::Less => KeyState::Retiring,
                Ordering::Equal => KeyState::Signing,
                Ordering::Greater => KeyState::Waiting,
            },
            signs_from: keys.periods[index].signs_from,
            published_until: timeline::published_until(&keys.periods, index),
        };
        published.map(info).collect()
    }

    /// For how long the JWK Set may be cached: half of `publish_ahead`, because on its way to a game server it passes
    /// through up to two caches (the gateway's or the agent's, then the server's own), each of which may keep it that long.
    pub fn max_age(&self) -> Duration {
        self.settings.publish_ahead / 2
    }

    /// The longest life of a match token.
    pub fn token_lifetime(&self) -> Duration {
        self.settings.token_lifetime
    }

    /// The longest life of an identity token.
    pub fn identity_lifetime(&self) -> Duration {
        self.settings.identity_lifetime
    }

    /// The key that signs `now`.
    pub fn signing_kid(&self, now: SystemTime) -> KeyId {
        let keys = self.keys.load();
        keys.keys[signing(&keys, now)].kid().clone()
    }

    /// Signs a match token with the key that signs `now`. Takes a third of a millisecond of computing (RSA-2048): from
    /// asynchronous code go through [`crate::SigningPool`].
    ///
    /// # Errors
    ///
    /// [`SignError::LivesTooLong`] where the token would outlive its key's publication; else see [`SignError`].
    pub fn sign(&self, claims: &Claims, now: SystemTime) -> Result<SignedToken, SignError> {
        self.sign_until(claims.exp, claims, now)
    }

    /// Signs an identity token, as [`KeyRing::sign`] does a match token.
    ///
    /// # Errors
    ///
    /// As [`KeyRing::sign`].
    pub fn sign_identity(&self, claims: &IdentityClaims, now: SystemTime) -> Result<SignedToken, SignError> {
        self.sign_until(claims.exp, claims, now)
    }

    fn sign_until(
        &self,
        exp: u64,
        claims: &impl Serialize,
        now: SystemTime,
    ) -> Result<SignedToken, SignError> {
        let keys = self.keys.load();
        let index = signing(&keys, now);
        let latest = unix_s(now + keys.periods[index].token_lifetime) + CLOCK_STEP_S;
        if exp > latest {
            return Err(SignError::LivesTooLong { exp, latest });
        }
        keys.keys[index].sign_claims(claims)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.load();
        f.debug_struct("KeyRing")
            .field("directory", &self.directory)
            .field("settings", &self.settings)
            .field("keys", &keys.keys)
            .finish()
    }
}

fn signing(keys: &Keys, now: SystemTime) -> usize {
    keys.signing(now).expect("a ring is opened with a key and never loses its last")
}
