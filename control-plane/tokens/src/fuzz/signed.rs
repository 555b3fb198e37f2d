//! Any header and any claims, rightly signed.

use std::sync::OnceLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{ISSUER, LAND, NOW_S, PROVIDER, PROVIDERS_AUDIENCE, now};
use crate::{Expected, GAME_SERVER_AUDIENCE, IDENTITY_AUDIENCE, Verifier, VerifyError};

const KEY_ID: &str = "ours";
/// How far clocks may differ, in seconds.
const LEEWAY_S: u64 = crate::DEFAULT_LEEWAY.as_secs();

struct Forge {
    pair: Ed25519KeyPair,
    ours: Verifier,
    theirs: Verifier,
}

impl Forge {
    fn new() -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a key");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": KEY_ID, "x": x }] }).to_string();
        let verifier = |issuer| Verifier::from_jwks(&keys, issuer).expect("the key is good");
        Self { ours: verifier(ISSUER), theirs: verifier(PROVIDER), pair }
    }

    fn sign(&self, header: &[u8], claims: &[u8]) -> (String, Vec<u8>) {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.pair.sign(message.as_bytes()).as_ref().to_vec();
        (message, signature)
    }
}

/// A header, a line's end, and claims.
pub fn token_claims(data: &[u8]) {
    static FORGE: OnceLock<Forge> = OnceLock::new();
    let forge = FORGE.get_or_init(Forge::new);
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, claims) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let (message, signature) = forge.sign(header, claims);
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature));

    let expected = Expected::land(LAND);
    let entry = forge.ours.verify(&token, &expected, now());
    let identity = forge.ours.verify_identity(&token, now());
    let provided = forge.theirs.verify_provided(&token, PROVIDERS_AUDIENCE, now());
    assert!(entry.is_err() || identity.is_err(), "a match token is an identity: {token}");

    if let Ok(read) = &entry {
        let said = said(header, claims);
        assert_eq!((said["iss"].as_str(), said["aud"].as_str()), (Some(ISSUER), Some(GAME_SERVER_AUDIENCE)));
        assert_eq!((said["landId"].as_str(), read.land_id.as_str()), (Some(LAND), LAND));
        in_time(&said, read.exp);
        // What was read, signed again, says the same.
        let again = serde_json::to_vec(read).expect("it is JSON");
        let (message, signature) = forge.sign(header, &again);
        let again = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(forge.ours.verify(&again, &expected, now()).as_ref(), Ok(read));
    }
    if let Ok(read) = &identity {
        let said = said(header, claims);
        assert_eq!((said["iss"].as_str(), said["aud"].as_str()), (Some(ISSUER), Some(IDENTITY_AUDIENCE)));
        assert_eq!(said["sub"].as_str(), Some(read.sub.as_str()));
        in_time(&said, read.exp);
    }
    if let Ok(read) = &provided {
        let said = said(header, claims);
        assert_eq!(said["iss"].as_str(), Some(PROVIDER));
        assert_eq!(said.get("sub"), read.get("sub"));
        in_time(&said, read.exp);
    }
    let errors = [entry.err(), identity.err(), provided.err()];
    for error in errors.into_iter().flatten() {
        assert!(error.brief().len() < 100);
        assert!(!error.to_string().contains(&token), "{error}");
    }
    changed(forge, &message, signature, data);
}

/// What the header and the claims say. What is told apart by nobody stands there once.
fn said(header: &[u8], claims: &[u8]) -> Value {
    let header: Value = serde_json::from_slice(header).expect("it was read");
    assert_eq!((header["alg"].as_str(), header["kid"].as_str()), (Some("EdDSA"), Some(KEY_ID)));
    assert!(header.get("crit").is_none());
    serde_json::from_slice(claims).expect("they were read")
}

fn in_time(said: &Value, exp: u64) {
    #[expect(clippy::cast_precision_loss, reason = "the moment is of this century, or far away")]
    let [now, leeway] = [NOW_S as f64, LEEWAY_S as f64];
    assert!(exp + LEEWAY_S > NOW_S);
    assert!(said["exp"].as_f64().is_some_and(|exp| exp + leeway >= now));
    assert!(said.get("nbf").is_none_or(|nbf| nbf.as_f64().is_some_and(|nbf| nbf < now + leeway + 1.0)));
}

/// With one bit of its signature changed it is nobody's token, and nothing is said of its claims.
fn changed(forge: &Forge, message: &str, mut signature: Vec<u8>, data: &[u8]) {
    let bit = data.iter().map(|byte| usize::from(*byte)).sum::<usize>() % (signature.len() * 8);
    signature[bit / 8] ^= 1 << (bit % 8);
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    match forge.ours.verify(&token, &Expected::land(LAND), now()) {
        Ok(claims) => panic!("{claims:?} by a changed signature"),
        Err(
            error @ (VerifyError::BadClaims { .. }
            | VerifyError::WrongIssuer { .. }
            | VerifyError::WrongAudience { .. }
            | VerifyError::OtherLand { .. }
            | VerifyError::OtherServer { .. }
            | VerifyError::Expired { .. }
            | VerifyError::NotYet { .. }),
        ) => panic!("a claim that nobody signed is told: {error}"),
        Err(error) => super::unsigned::told(&token, &error),
    }
}
