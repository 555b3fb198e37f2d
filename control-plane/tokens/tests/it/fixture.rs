//! Keys that are made once for all tests, directories that hold them, and claims to sign.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::rand_core::OsRng;
use tempfile::TempDir;
use tokens::{Admission, Claims, DEFAULT_BITS, KeyRing, KeyRingSettings, SignError, SignedToken};

pub(crate) const ISSUER: &str = "https://muster.example";
pub(crate) const LAND: &str = "hero-defense:6f1c";
pub(crate) const SERVER: &str = "server-1";
pub(crate) const LIFETIME_S: u64 = 60;
pub(crate) const AHEAD_S: u64 = 100;

/// Ours, and somebody else's.
pub(crate) static OURS: LazyLock<RsaPrivateKey> = LazyLock::new(|| generate(2048));
pub(crate) static THEIRS: LazyLock<RsaPrivateKey> = LazyLock::new(|| generate(2048));

pub(crate) fn generate(bits: usize) -> RsaPrivateKey {
    RsaPrivateKey::new(&mut OsRng, bits).unwrap()
}

pub(crate) fn pem(key: &RsaPrivateKey) -> String {
    key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
}

pub(crate) fn public_pem(key: &RsaPrivateKey) -> String {
    key.to_public_key().to_public_key_pem(LineEnding::LF).unwrap()
}

/// That many seconds after a moment that never changes.
pub(crate) fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + second)
}

pub(crate) fn settings() -> KeyRingSettings {
    KeyRingSettings {
        algorithm: tokens::Algorithm::Rs256,
        token_lifetime: Duration::from_secs(LIFETIME_S),
        identity_lifetime: Duration::from_secs(LIFETIME_S),
        publish_ahead: Duration::from_secs(AHEAD_S),
        bits: DEFAULT_BITS,
    }
}

/// A ring whose only key is [`OURS`], which has always signed, and its directory.
pub(crate) fn ring() -> (TempDir, KeyRing) {
    let dir = tempfile::tempdir().unwrap();
    write_private(&dir.path().join("0-60-ours.pem"), pem(&OURS).as_bytes());
    let ring = KeyRing::open(dir.path(), settings(), at(0)).unwrap();
    (dir, ring)
}

/// A file of mode 0600.
pub(crate) fn write_private(path: &Path, content: &[u8]) {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(content).unwrap();
}

pub(crate) fn claims(now: SystemTime) -> Claims {
    let admission = Admission {
        player_id: "ann",
        assignment_id: "assignment-1",
        match_id: "match-1",
        land_id: LAND,
        server_id: SERVER,
    };
    Claims::admit(ISSUER, admission, now, Duration::from_secs(LIFETIME_S))
}

pub(crate) fn sign(ring: &KeyRing, now: SystemTime) -> Result<SignedToken, SignError> {
    ring.sign(&claims(now), now)
}

/// The ids of the keys in a JWK Set.
pub(crate) fn kids(jwks_json: &str) -> BTreeSet<String> {
    let set: serde_json::Value = serde_json::from_str(jwks_json).unwrap();
    let keys = set["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The ids that are published at that moment.
pub(crate) fn published(ring: &KeyRing, now: SystemTime) -> BTreeSet<String> {
    kids(&ring.jwks_json(now))
}

pub(crate) fn set<const N: usize>(kids: [&str; N]) -> BTreeSet<String> {
    kids.into_iter().map(str::to_owned).collect()
}

/// The paths of the key files in a directory, sorted.
pub(crate) fn key_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "pem"));
    files.sort();
    files
}
