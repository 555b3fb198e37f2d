//! Trusted backends: by their keys, of which this gateway knows only hashes.
//!
//! The file is the control plane's access file, or another of its kind: `name scope[,scope] sha256:…`, a line each. Here only keys
//! with the scope `matchmaking` count; what else it says is for the control plane.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use runtime::{config::Invalid, files::Named};

use super::Secret;

/// What a backend must be allowed to enqueue anybody.
const SCOPE: &str = "matchmaking";

/// How a credential begins that is a key's hash, and one that is a certificate's name, by which nobody is known here.
const HASH: &str = "sha256:";
const CERTIFICATE: &str = "certificate:";

/// The backends' keys. Cheap to clone; all clones change together.
#[derive(Clone, Default)]
pub(crate) struct Backends(Arc<ArcSwap<Vec<Backend>>>);

struct Backend {
    name: String,
    hash: [u8; 32],
}

impl Backends {
    /// The backends of a file.
    pub(crate) fn of_file(file: &Named, text: &[u8]) -> Result<Self, Invalid> {
        let backends = Self::default();
        backends.change(file, text)?;
        Ok(backends)
    }

    /// From now on those that the file names now.
    pub(crate) fn change(&self, file: &Named, text: &[u8]) -> Result<(), Invalid> {
        let text = std::str::from_utf8(text).map_err(|_| file.invalid("is no text"))?;
        let mut backends = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let words: Vec<_> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
            if !words.is_empty() {
                let backend = read(&words).map_err(|why| file.invalid(format!("line {number}: {why}")))?;
                backends.extend(backend);
            }
        }
        self.0.store(Arc::new(backends));
        Ok(())
    }

    /// The backend that has this key. How long that takes says nothing of the keys that there are.
    pub(crate) fn with_key(&self, key: &Secret) -> Option<String> {
        let hash = digest(&SHA256, key.reveal().as_bytes());
        let backends = self.0.load();
        let mut found = None;
        for backend in backends.iter() {
            if verify_slices_are_equal(&backend.hash, hash.as_ref()).is_ok() {
                found = Some(backend.name.clone());
            }
        }
        found
    }
}

/// `None`: a credential for something else.
fn read(words: &[&str]) -> Result<Option<Backend>, &'static str> {
    let &[name, scopes, credential, ..] = words else {
        return Err("needs a name, scopes and a credential; `muster access new` makes such a line");
    };
    let Some(hash) = credential.strip_prefix(HASH) else {
        let is_other = credential.starts_with(CERTIFICATE);
        return if is_other { Ok(None) } else { Err("its credential must begin with `sha256:`") };
    };
    let hash = from_hex(hash).ok_or("`sha256:` is followed by 64 hexadecimal digits")?;
    let counts = scopes.split(',').any(|scope| scope == SCOPE);
    Ok(counts.then(|| Backend { name: name.to_owned(), hash }))
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
            _ => None,
        })
        .collect();
    pairs?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH_OF_KEY: &str = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";

    fn of(text: &str) -> Result<Backends, Invalid> {
        Backends::of_file(&Named::new("backend_keys", "keys"), text.as_bytes())
    }

    #[test]
    fn a_key_is_known_by_its_hash_where_its_scope_is_ours() {
        let backends =
            of(&format!("# who may enqueue\n\nlobby matchmaking,operator sha256:{HASH_OF_KEY} # ours\n"))
                .unwrap();
        assert_eq!(backends.with_key(&Secret::new("key")).as_deref(), Some("lobby"));
        assert_eq!(backends.with_key(&Secret::new("kez")), None);
        let other = of(&format!(
            "agent-7 agent sha256:{HASH_OF_KEY} servers=a,b\nedge matchmaking certificate:dns:edge"
        ))
        .unwrap();
        assert_eq!(other.with_key(&Secret::new("key")), None);
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_line() {
        for bad in ["lobby", "lobby matchmaking", "lobby matchmaking abcd", "lobby matchmaking sha256:abcd"] {
            let error = of(&format!("\n{bad}")).err().unwrap().to_string();
            assert!(error.contains("backend_keys: keys: line 2: "), "{error}");
        }
        let long = of(&format!("lobby matchmaking sha256:{HASH_OF_KEY}0")).err().unwrap().to_string();
        assert!(long.contains("64 hexadecimal digits"), "{long}");
    }
}
