//! All keys of a directory, read in one go, put in order and tidied.

use std::time::{Duration, SystemTime};

use super::directory::{KeyFile, Locked, read_private};
use super::file_name::KeyFileName;
use super::signing_key::SigningKey;
use super::timeline::{self, Period};
use super::{KeyError, KeyRingSettings};

/// Keys in the order in which they sign; `periods[i]` belongs to `keys[i]`.
pub(super) struct Keys {
    pub(super) keys: Vec<SigningKey>,
    pub(super) periods: Vec<Period>,
    /// The names of their files, sorted: as long as the directory has these, it has these keys.
    pub(super) names: Vec<String>,
}

impl Keys {
    /// Reads every key of the directory; then removes those whose last token has expired, and writes the lifetime that
    /// tokens may have from now on to those that may still sign.
    ///
    /// Nothing is changed before all keys are read: a bad file must not make an older key look superseded, and go.
    pub(super) fn load(
        locked: &Locked<'_>,
        settings: &KeyRingSettings,
        now: SystemTime,
    ) -> Result<Self, KeyError> {
        let newcomer =
            Period { signs_from: now + settings.publish_ahead, token_lifetime: settings.longest_lifetime() };
        let mut files = locked.key_files(newcomer)?;
        files.sort_by_key(|file| (file.name.period().signs_from, file.path.clone()));
        let mut all = Self::with_capacity(files.len());
        files.iter().try_for_each(|file| all.read(file))?;
        all.tidied(locked, settings, &files, now)
    }

    /// Makes a key that signs from `signs_from`, which is later than all others do.
    fn make(
        &mut self,
        locked: &Locked<'_>,
        settings: &KeyRingSettings,
        signs_from: SystemTime,
    ) -> Result<(), KeyError> {
        let (kid, pem) = SigningKey::generate(settings.algorithm, settings.bits)?;
        let period = Period { signs_from, token_lifetime: settings.longest_lifetime() };
        let file = locked.add(KeyFileName::new(period, kid.as_str()), &pem)?;
        tracing::info!(%kid, algorithm = %settings.algorithm, file = %file.path.display(), "made a key");
        self.read(&file)
    }

    /// The index of the key that signs `now`; `None` only where there is no key.
    pub(super) fn signing(&self, now: SystemTime) -> Option<usize> {
        timeline::signing(&self.periods, now)
    }

    /// Makes a key that takes over from all others, published from now on and signing from `now` + `publish_ahead`: the first
    /// one at once, and none before another that waits.
    pub(super) fn make_next(
        &mut self,
        locked: &Locked<'_>,
        settings: &KeyRingSettings,
        now: SystemTime,
    ) -> Result<(), KeyError> {
        let signs_from = match self.periods.last() {
            None => now,
            Some(last) => (now + settings.publish_ahead).max(last.signs_from + Duration::from_millis(1)),
        };
        self.make(locked, settings, signs_from)
    }

    fn with_capacity(count: usize) -> Self {
        Self { keys: Vec::with_capacity(count), periods: Vec::with_capacity(count), names: Vec::new() }
    }

    fn read(&mut self, file: &KeyFile) -> Result<(), KeyError> {
        let key = SigningKey::from_pem(&file.path, &read_private(&file.path)?)?;
        if self.keys.iter().any(|other| other.kid() == key.kid()) {
            return Err(KeyError::Duplicate { path: file.path.clone() });
        }
        self.keys.push(key);
        self.periods.push(file.name.period());
        Ok(())
    }

    fn tidied(
        self,
        locked: &Locked<'_>,
        settings: &KeyRingSettings,
        files: &[KeyFile],
        now: SystemTime,
    ) -> Result<Self, KeyError> {
        let mut kept = Self::with_capacity(files.len());
        let signing = self.signing(now);
        for (index, (key, file)) in self.keys.into_iter().zip(files).enumerate() {
            if timeline::is_retired(&self.periods, index, now) {
                locked.remove(file)?;
                tracing::info!(kid = %key.kid(), "removed a key whose last token has expired");
                continue;
            }
            let mut name = file.name.clone();
            if Some(index) == signing {
                // Where it signs although it is not due, the clock was set back. From now on it is due; else the next
                // rotation would take it for a key that waits.
                name = name.signing_by(now);
            }
            if Some(index) >= signing {
                name = name.with_lifetime_of_at_least(settings.longest_lifetime());
            }
            kept.periods.push(name.period());
            if name != file.name {
                locked.rename(file, &name)?;
            }
            kept.keys.push(key);
        }
        Ok(kept)
    }
}
