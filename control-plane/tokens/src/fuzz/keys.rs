//! Any text as a JWK Set.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{ISSUER, LAND, now};
use crate::{Algorithm, Expected, Verifier};

/// Nothing that is said of a set is longer, in bytes.
const LONGEST: usize = 2 * 1024;

/// What somebody answers who is asked for keys.
pub fn jwks(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let verifier = match Verifier::from_jwks(text, ISSUER) {
        Ok(verifier) => verifier,
        Err(error) => {
            let told = error.to_string();
            assert!(told.len() <= LONGEST, "{} bytes: {told}", told.len());
            return;
        }
    };
    assert!(verifier.key_ids().count() > 0, "keys of which none can be used");
    for kid in verifier.key_ids().take(8) {
        for algorithm in Algorithm::ALL {
            let header = json!({ "alg": algorithm.name(), "kid": kid }).to_string();
            let length = if algorithm == Algorithm::Rs256 { 256 } else { 64 };
            let token =
                format!("{}.e30.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(vec![7; length]));
            // Whatever the keys are, an arbitrary signature is none.
            assert!(verifier.verify(&token, &Expected::land(LAND), now()).is_err());
            assert!(verifier.verify_identity(&token, now()).is_err());
        }
    }
}
