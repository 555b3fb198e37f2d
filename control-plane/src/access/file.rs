//! The access file: who there is, by what they are known, and what they may.
//!
//! One caller a line, words separated by spaces; what begins with `#` is for people:
//!
//! ```text
//! # name     scopes                credential                                          agents only
//! edge-1     gateway               sha256:3b0c…
//! lobby      matchmaking,operator  certificate:dns:lobby.games.example
//! arena-eu   agent                 sha256:77d1…                                        servers=arena-1,eu-*
//! ```
//!
//! A name may stand on several lines: that is how a key is replaced without a gap. One bad line makes the whole file bad, because
//! half a file could be somebody's outage, or somebody's way in.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio_util::sync::CancellationToken;

use super::{
    Scope, Scopes,
    key::{HASH, KeyHash},
    servers::Servers,
};
use crate::ids;

/// How a credential begins that is a name of a client certificate.
const CERTIFICATE: &str = "certificate:";
/// The longest name.
const MAX_NAME: usize = 64;
/// The longest word that an error shows: no key is as short.
const LONGEST_SHOWN: usize = 32;

/// One line: somebody, by one credential.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) name: Arc<str>,
    pub(super) scopes: Scopes,
    pub(super) servers: Arc<Servers>,
    /// Cancelled when the line is gone from the file.
    pub(super) revoked: CancellationToken,
    /// The line, to know it again.
    line: String,
}

/// Everybody there is.
#[derive(Debug, Default)]
pub(super) struct Holders {
    by_key: HashMap<u64, Vec<(KeyHash, Arc<Holder>)>>,
    /// As `dns:…` and `uri:…`.
    by_certificate: HashMap<String, Arc<Holder>>,
}

impl Holders {
    /// Reads the file. An error names the line, and nothing of a credential.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        Self::read(text, &HashMap::new())
    }

    /// Reads the file again: who is still there stays who they were, and who isn't is to be revoked by [`Holders::revoke_missing`].
    pub(super) fn parse_again(&self, text: &[u8]) -> Result<Self, String> {
        let known = self.all().map(|holder| (holder.line.as_str(), holder)).collect();
        Self::read(text, &known)
    }

    fn read(text: &[u8], known: &HashMap<&str, &Arc<Holder>>) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "is no UTF-8 text".to_owned())?;
        let mut holders = Self::default();
        for (number, line) in text.lines().enumerate() {
            let words: Vec<&str> =
                line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
            if words.is_empty() {
                continue;
            }
            let taken = holders.take(&words, known);
            taken.map_err(|why| format!("line {}: {why}", number + 1))?;
        }
        Ok(holders)
    }

    fn take(&mut self, words: &[&str], known: &HashMap<&str, &Arc<Holder>>) -> Result<(), String> {
        let &[name, scopes, credential, ref rest @ ..] = words else {
            return Err("needs a name, scopes and a credential: `edge-1 gateway sha256:…`".to_owned());
        };
        if let Some(problem) = ids::problem(name, MAX_NAME) {
            return Err(format!("the name {problem}"));
        }
        let scopes = parse_scopes(scopes)?;
        let servers = parse_servers(rest, scopes)?;
        let line = words.join(" ");
        let holder = known.get(line.as_str()).map_or_else(
            || {
                let (servers, revoked) = (Arc::new(servers), CancellationToken::new());
                Arc::new(Holder { name: name.into(), scopes, servers, revoked, line: line.clone() })
            },
            |known| Arc::clone(known),
        );
        let twice = "its credential stands on another line too; one credential is one caller's";
        if let Some(hash) = credential.strip_prefix(HASH) {
            let hash = KeyHash::parse(hash).ok_or("`sha256:` is followed by 64 hexadecimal digits")?;
            let same = self.by_key.entry(hash.begin()).or_default();
            if same.iter().any(|(other, _)| other.is(&hash)) {
                return Err(twice.to_owned());
            }
            same.push((hash, holder));
            return Ok(());
        }
        let name = credential.strip_prefix(CERTIFICATE).and_then(certificate_name).ok_or(
            "a credential is `sha256:` and a key's hash, or `certificate:dns:` or `certificate:uri:` and a name of a client \
             certificate",
        )?;
        if self.by_certificate.insert(name, holder).is_some() {
            return Err(twice.to_owned());
        }
        Ok(())
    }

    /// Who has this key.
    pub(super) fn by_key(&self, key: &str) -> Option<&Arc<Holder>> {
        let hash = KeyHash::of(key);
        let near = self.by_key.get(&hash.begin())?;
        near.iter().find(|(known, _)| known.is(&hash)).map(|(_, holder)| holder)
    }

    /// Who has a certificate with one of these names.
    pub(super) fn by_certificate(&self, names: &[String]) -> Option<&Arc<Holder>> {
        names.iter().find_map(|name| self.by_certificate.get(name))
    }

    /// Ends what those do who are not in `now`.
    pub(super) fn revoke_missing(&self, now: &Self) {
        for holder in self.missing(now) {
            tracing::info!(name = &*holder.name, "a credential is revoked");
            holder.revoked.cancel();
        }
    }

    /// Who is not in `now`.
    pub(super) fn missing(&self, now: &Self) -> Vec<&Arc<Holder>> {
        let left: HashSet<&str> = now.all().map(|holder| holder.line.as_str()).collect();
        self.all().filter(|holder| !left.contains(holder.line.as_str())).collect()
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.all().count()
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Holder>> {
        let keys = self.by_key.values().flatten().map(|(_, holder)| holder);
        keys.chain(self.by_certificate.values())
    }
}

fn parse_scopes(text: &str) -> Result<Scopes, String> {
    let scope = |name: &str| {
        Scope::from_name(name)
            .ok_or_else(|| format!("{} is no scope; there are {}", shown(name), Scopes::ALL))
    };
    let scopes: Vec<_> = text.split(',').map(scope).collect::<Result<_, _>>()?;
    Ok(Scopes::of(&scopes))
}

/// An agent is bound to its servers; others have none.
fn parse_servers(rest: &[&str], scopes: Scopes) -> Result<Servers, String> {
    let agent = scopes.has(Scope::Agent);
    match rest {
        [] if agent => Err("the scope `agent` needs the server ids that it may speak for: `servers=arena-1,eu-*`, or `servers=*`"
            .to_owned()),
        [] => Ok(Servers::default()),
        [only] => match only.strip_prefix("servers=") {
            Some(servers) if agent => Servers::parse(servers),
            Some(_) => Err("`servers=` is for the scope `agent`".to_owned()),
            None => Err(format!("{} is not understood; only `servers=…` may follow a credential", shown(only))),
        },
        [_, more, ..] => Err(format!("{} is not understood; a line ends with `servers=…`", shown(more))),
    }
}

/// A word that isn't understood. A long one may be a key, or the hash of one, that stands where it doesn't belong.
pub(super) fn shown(word: &str) -> String {
    if word.len() <= LONGEST_SHOWN { format!("`{word}`") } else { format!("a word of {} bytes", word.len()) }
}

/// `dns:…` and `uri:…`, as a certificate's names are written by whoever reads them.
fn certificate_name(text: &str) -> Option<String> {
    match text.split_once(':')? {
        (_, "") => None,
        ("dns", name) => Some(format!("dns:{}", name.to_ascii_lowercase())),
        ("uri", name) => Some(format!("uri:{name}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::NewKey, *};

    #[test]
    fn keys_and_certificates_stand_for_callers() {
        let key = NewKey::make();
        let text = format!(
            "# ours\n\nedge-1 gateway {}  # the first\nedge-1 gateway sha256:{}\n\
             lobby matchmaking,operator certificate:dns:Lobby.example\narena agent certificate:uri:spiffe://x/y servers=a-*\n",
            key.hash(),
            "0a".repeat(32)
        );
        let holders = Holders::parse(text.as_bytes()).unwrap();
        assert_eq!(holders.len(), 4);
        let edge = holders.by_key(key.secret()).unwrap();
        assert_eq!((&*edge.name, edge.scopes), ("edge-1", Scopes::of(&[Scope::Gateway])));
        assert!(holders.by_key("muster_other").is_none());
        let lobby =
            holders.by_certificate(&["dns:other".to_owned(), "dns:lobby.example".to_owned()]).unwrap();
        assert_eq!(lobby.scopes, Scopes::of(&[Scope::Matchmaking, Scope::Operator]));
        let arena = holders.by_certificate(&["uri:spiffe://x/y".to_owned()]).unwrap();
        assert!(arena.servers.have("a-1") && !arena.servers.have("b-1"));
    }

    #[test]
    fn a_bad_line_is_named_and_spoils_the_file() {
        let hash = format!("sha256:{}", "0a".repeat(32));
        for (line, expected) in [
            ("edge-1 gateway", "line 2: needs a name, scopes and a credential"),
            (
                "edge-1 boss sha256:00",
                "line 2: `boss` is no scope; there are `matchmaking`, `operator`, `agent`, `gateway`",
            ),
            ("edge-1 gateway sha256:00", "line 2: `sha256:` is followed by 64"),
            ("edge-1 gateway muster_secret", "line 2: a credential is `sha256:`"),
            ("edge-1 gateway certificate:cn:edge", "line 2: a credential is `sha256:`"),
            (&format!("arena agent {hash}"), "line 2: the scope `agent` needs the server ids"),
            (&format!("arena agent {hash} servers="), "line 2: a server id of `servers=` is empty"),
            (&format!("edge-1 gateway {hash} servers=a"), "line 2: `servers=` is for the scope `agent`"),
            (&format!("edge-1 gateway {hash} x"), "line 2: `x` is not understood"),
            (&format!("edge-1 {hash} gateway"), "line 2: a word of 71 bytes is no scope"),
            (
                &format!("edge-1 gateway {hash} muster_secret{}", "0".repeat(40)),
                "line 2: a word of 53 bytes is not",
            ),
            (
                &format!("edge-1 gateway {hash}\nb gateway {hash}"),
                "line 3: its credential stands on another line",
            ),
        ] {
            let error = Holders::parse(format!("# ours\n{line}\n").as_bytes()).unwrap_err();
            assert!(error.starts_with(expected) && !error.contains("secret"), "{line}: {error}");
        }
    }

    #[test]
    fn who_is_still_there_is_not_revoked() {
        let [a, b] = ["0a", "0b"].map(|byte| format!("sha256:{}", byte.repeat(32)));
        let before = Holders::parse(format!("a gateway {a}\nb gateway {b}\n").as_bytes()).unwrap();
        let after = before.parse_again(format!("a gateway {a}\nb operator {b}\n").as_bytes()).unwrap();
        before.revoke_missing(&after);
        let revoked = |holders: &Holders, name| {
            holders.all().find(|holder| &*holder.name == name).unwrap().revoked.is_cancelled()
        };
        assert_eq!([revoked(&before, "a"), revoked(&before, "b")], [false, true], "its scopes changed");
        assert_eq!([revoked(&after, "a"), revoked(&after, "b")], [false, false]);
    }
}
