//! Looks for secrets in what programs wrote, also where they are spelled another way.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// How much of a place is shown where something was found.
const AROUND: usize = 200;

/// What must be found nowhere.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    /// A text that is a secret as a whole.
    pub(crate) fn text(&mut self, what: impl Into<String>, text: &str) {
        let secret = text.trim_start_matches("muster_");
        assert!(secret.len() >= 16, "too short to be told from other texts");
        self.0.push((what.into(), secret.as_bytes().to_vec()));
    }

    /// A token. Its head and its claims are no secret; and what begins with them and lacks a part of the signature is none that
    /// anybody takes, but who logs so much logs too much: the middle of the signature is enough to be found.
    pub(crate) fn token(&mut self, what: impl Into<String>, token: &str) {
        let signature = token.rsplit('.').next().unwrap();
        self.text(what, &signature[8..48]);
    }

    /// A private key: its file's lines, and what is secret in it.
    pub(crate) fn private_key(&mut self, what: &str, file: &Path) {
        let pem = std::fs::read_to_string(file).unwrap();
        assert!(pem.contains("PRIVATE KEY"), "{}", file.display());
        let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(lines.concat()).unwrap();
        // Of RSA the last numbers are secret, of a curve the one behind its algorithm.
        let secret = if der.len() > 600 {
            &der[der.len() - 64..der.len() - 16]
        } else {
            let at = der.windows(2).position(|pair| pair == [0x04, 0x20]).unwrap() + 2;
            &der[at..at + 32]
        };
        self.0.push((format!("{what}, inside"), secret.to_vec()));
        // The first line holds what kind of key it is and the beginning of what is public.
        let last = lines[lines.len() - 2];
        if der.len() > 600 {
            self.text(format!("{what}, a line"), last);
        }
    }

    /// All that sign tokens.
    pub(crate) fn signing_keys(&mut self, dir: &Path) {
        let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
        let keys: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "pem")).collect();
        assert!(!keys.is_empty(), "{} has no keys", dir.display());
        keys.iter().for_each(|key| self.private_key("a signing key", key));
    }

    /// Looks everywhere. Fails with all that was found.
    pub(crate) fn are_nowhere_in(&self, written: &Written) {
        let mut found = Vec::new();
        for (what, secret) in &self.0 {
            for (spelling, needle) in spellings(secret) {
                for (place, text) in &written.0 {
                    if let Some(at) = text.find(&needle) {
                        let around: String = text[..at].chars().rev().take(AROUND).collect();
                        let before: String = around.chars().rev().collect();
                        found.push(format!("{what}, {spelling}, in {place}, after: {before}"));
                    }
                }
            }
        }
        assert!(found.is_empty(), "{} times:\n{}", found.len(), found.join("\n"));
    }
}

/// How a secret may be written. What is found is text in which each character stands for a byte, see [`Written`].
fn spellings(secret: &[u8]) -> Vec<(&'static str, String)> {
    let each = |write: &dyn Fn(&mut String, u8)| {
        let mut text = String::new();
        secret.iter().for_each(|byte| write(&mut text, *byte));
        text
    };
    let raw = latin(secret);
    let mut spellings = vec![
        ("in hexadecimal", each(&|text, byte| write!(text, "{byte:02x}").unwrap())),
        ("in HEXADECIMAL", each(&|text, byte| write!(text, "{byte:02X}").unwrap())),
        (
            "as a list of numbers",
            each(&|text, byte| write!(text, "{byte}, ").unwrap()).trim_end_matches(", ").to_owned(),
        ),
        (
            "percent-encoded",
            each(&|text, byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    text.push(char::from(byte));
                }
                _ => write!(text, "%{byte:02X}").unwrap(),
            }),
        ),
        ("escaped", each(&|text, byte| write!(text, "{}", byte.escape_ascii()).unwrap())),
        ("as it is", raw),
    ];
    for offset in 0..3 {
        // In the middle of something else, of which only how many bytes came before makes a difference.
        let shifted = [&vec![0; offset][..], secret].concat();
        let whole = shifted.len() * 8 / 6;
        let first = (offset * 8).div_ceil(6);
        for (name, engine) in [("in base64", &STANDARD_NO_PAD), ("in base64 for addresses", &URL_SAFE_NO_PAD)]
        {
            spellings.push((name, engine.encode(&shifted)[first..whole].to_owned()));
        }
    }
    spellings
}

/// One character for each byte, so that what is no text can be searched as text.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// All that was written, by its place.
#[derive(Debug, Default)]
pub(crate) struct Written(Vec<(String, String)>);

impl Written {
    pub(crate) fn add(&mut self, place: impl Into<String>, text: impl AsRef<[u8]>) {
        self.0.push((place.into(), latin(text.as_ref())));
    }

    /// All files below a directory, but those in `given`, which hold secrets because somebody put them there.
    pub(crate) fn add_files(&mut self, dir: &Path, given: &[PathBuf]) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if given.contains(&path) {
                continue;
            }
            if path.is_dir() {
                self.add_files(&path, given);
            } else {
                self.add(path.display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }

    /// Whether a place holds a text: what isn't there at all can't hold a secret either.
    pub(crate) fn holds(&self, place: &str, text: &str) -> bool {
        self.0.iter().any(|(known, written)| known.starts_with(place) && written.contains(text))
    }
}

#[test]
fn a_secret_is_found_however_it_is_spelled() {
    const SECRET: &str = "pass word/of+sixteen~more";
    let url = URL_SAFE_NO_PAD.encode(format!("user:{SECRET}:x"));
    let basic = STANDARD.encode(format!("me:{SECRET}"));
    let numbers = format!("{:?}", SECRET.as_bytes());
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let quoted = format!("{SECRET:?}");
    for text in [SECRET, &url, &basic, &numbers, &hex, &quoted, "pass%20word%2Fof%2Bsixteen~more"] {
        let (mut secrets, mut written) = (Secrets::default(), Written::default());
        secrets.text("it", SECRET);
        written.add("a place", format!("\u{fc} before {text} after"));
        let found = std::panic::catch_unwind(|| secrets.are_nowhere_in(&written));
        assert!(found.is_err(), "{text} was not found");
    }
}
