//! The key that goes with every call.

use std::{fmt, str::FromStr, sync::Arc};

use arc_swap::ArcSwapOption;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::Interceptor,
};

use crate::{config::Invalid, files::Named};

const HEADER: &str = "authorization";

/// A key as it was set. Hides itself in `Debug`.
#[derive(Clone)]
pub struct Key(Arc<str>);

impl Key {
    /// The secret, for who carries it further.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = std::convert::Infallible;

    /// Takes everything: an error of a setting would show what was set. What can't be a key is found by [`Bearer`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Puts the key into every call that has none of its own. Cheap to clone; all clones change together.
#[derive(Clone, Default)]
pub struct Bearer(Arc<ArcSwapOption<MetadataValue<Ascii>>>);

impl Bearer {
    /// Sends `key`, which `setting` names.
    pub(super) fn new(setting: &str, key: &Key) -> Result<Self, Invalid> {
        let value = value(&key.0).map_err(|why| Invalid::new(setting, why))?;
        Ok(Self(Arc::new(ArcSwapOption::from_pointee(value))))
    }

    /// Sends the key that a file holds.
    pub(super) fn of_file(file: &Named, text: &[u8]) -> Result<Self, Invalid> {
        let bearer = Self::default();
        bearer.change(file, text)?;
        Ok(bearer)
    }

    /// From now on the key that the file holds now.
    pub(super) fn change(&self, file: &Named, text: &[u8]) -> Result<(), Invalid> {
        let text = std::str::from_utf8(text).map_err(|_| file.invalid("is no text"))?;
        self.0.store(Some(Arc::new(value(text.trim()).map_err(|why| file.invalid(why))?)));
        Ok(())
    }

    /// Whether there is a key.
    pub fn is_set(&self) -> bool {
        self.0.load().is_some()
    }
}

/// What goes over the wire. The words of an error hold nothing of the key.
fn value(key: &str) -> Result<MetadataValue<Ascii>, &'static str> {
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be one key, without spaces; `muster access new` makes one");
    }
    let mut value: MetadataValue<Ascii> = format!("Bearer {key}")
        .parse()
        .map_err(|_| "can't be sent; `muster access new` makes one that can")?;
    // Not into anybody's log.
    value.set_sensitive(true);
    Ok(value)
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        // A call that is made for somebody else carries theirs.
        if let Some(key) = &*self.0.load()
            && !request.metadata().contains_key(HEADER)
        {
            request.metadata_mut().insert(HEADER, MetadataValue::clone(key));
        }
        Ok(request)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("is_set", &self.is_set()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_and_never_shown() {
        let key: Key = "mk_secret".parse().unwrap();
        let mut bearer = Bearer::new("control_plane_key", &key).unwrap();
        assert!(!format!("{key:?} {bearer:?}").contains("secret"));
        let sent = bearer.call(Request::new(())).unwrap();
        let value = sent.metadata().get(HEADER).unwrap();
        assert_eq!(value.to_str().unwrap(), "Bearer mk_secret");
        assert!(!format!("{sent:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for text in ["", "two words", "ümlaut"] {
            let error = Bearer::new("control_plane_key", &text.parse().unwrap()).unwrap_err().to_string();
            assert!(error.starts_with("control_plane_key: must be one key"), "{error}");
            assert!(text.is_empty() || !error.contains(text));
        }
        let file = Named::new("control_plane_key_file", "k");
        assert!(
            Bearer::of_file(&file, b"mk_1\n").unwrap().is_set(),
            "an editor ends a file with a line's end"
        );
    }
}
