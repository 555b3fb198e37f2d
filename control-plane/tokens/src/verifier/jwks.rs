//! Picks from a JWK Set the keys that tokens can be checked with, and makes them ready for it.
//!
//! A key is taken apart once, here: `jsonwebtoken`'s `DecodingKey` keeps its numbers, and builds aws-lc's key from them again for
//! every token, which takes as long as the check itself.

use std::collections::HashMap;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyOperations, PublicKeyUse};

use super::JwksError;
use crate::Algorithm;

/// aws-lc refuses to check signatures of shorter keys; better said when the set is read.
const MIN_MODULUS_BYTES: usize = 2048 / 8;
/// A coordinate on P-256, and a public key of Ed25519.
const POINT_BYTES: usize = 32;

/// A key, and the one algorithm whose signatures it may check.
#[derive(Clone)]
pub(super) struct PublicKey {
    pub(super) algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl PublicKey {
    /// Whether this key's owner has signed that.
    pub(super) fn has_signed(&self, message: &str, signature: &[u8]) -> bool {
        self.key.verify_sig(message.as_bytes(), signature).is_ok()
    }
}

/// The usable keys by their `kid`. Of two keys with one `kid` the first is taken.
pub(super) fn usable_keys(jwks_json: &str) -> Result<HashMap<String, PublicKey>, JwksError> {
    let set: JwkSet = serde_json::from_str(jwks_json).map_err(JwksError::NotAJwkSet)?;
    let mut keys = HashMap::with_capacity(set.keys.len());
    for jwk in &set.keys {
        if let Some((kid, algorithm)) = usable(jwk) {
            let bad_key = |reason| JwksError::BadKey { kid: kid.to_owned(), reason };
            let key = parsed(&jwk.algorithm).map_err(bad_key)?;
            keys.entry(kid.to_owned()).or_insert(PublicKey { algorithm, key });
        }
    }
    if keys.is_empty() { Err(JwksError::NoUsableKey) } else { Ok(keys) }
}

/// The id and the algorithm of a key that may check signatures. Everything that a key says about its use must allow it;
/// a shared secret (`oct`) is never a key here, so HS256 has nothing to be checked with.
fn usable(jwk: &Jwk) -> Option<(&str, Algorithm)> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::Rs256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::Es256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDsa,
        _ => return None,
    };
    let common = &jwk.common;
    let for_signatures = common.public_key_use.as_ref().is_none_or(|r#use| *r#use == PublicKeyUse::Signature);
    let for_verifying = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    let for_it = common.key_algorithm.is_none_or(|alg| alg == algorithm.for_jwk());
    let kid = common.key_id.as_deref()?;
    (for_signatures && for_verifying && for_it).then_some((kid, algorithm))
}

/// The key, or what is wrong with its numbers.
fn parsed(parameters: &AlgorithmParameters) -> Result<ParsedPublicKey, String> {
    let decode = |name: &str, text: &str| {
        URL_SAFE_NO_PAD.decode(text).map_err(|error| format!("`{name}` is no base64url: {error}"))
    };
    let point = |name: &str, text: &str| {
        let bytes = decode(name, text)?;
        if bytes.len() == POINT_BYTES {
            return Ok(bytes);
        }
        Err(format!("`{name}` has {} bytes and not {POINT_BYTES}", bytes.len()))
    };
    let key = match parameters {
        AlgorithmParameters::RSA(key) => {
            let (n, e) = (decode("n", &key.n)?, decode("e", &key.e)?);
            // Some libraries write a zero first (RFC 7518, section 6.3.1.1); aws-lc takes none.
            let components = RsaPublicKeyComponents { n: without_zeros(&n), e: without_zeros(&e) };
            if components.n.len() < MIN_MODULUS_BYTES {
                return Err("`n` has fewer than 2048 bits".to_owned());
            }
            components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        }
        AlgorithmParameters::EllipticCurve(key) => {
            // Uncompressed, as SEC 1 writes a point.
            let point = [vec![4], point("x", &key.x)?, point("y", &key.y)?].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        }
        AlgorithmParameters::OctetKeyPair(key) => ParsedPublicKey::new(&ED25519, point("x", &key.x)?),
        _ => return Err("it is of an unknown kind".to_owned()),
    };
    key.map_err(|rejected| format!("its numbers make no key: {rejected}"))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A key that could be one of ours; its modulus is not checked for being a product of primes.
    fn rsa(kid: &str, more: &Value) -> Value {
        let mut key = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xab; 256]), "e": "AQAB"});
        let fields = key.as_object_mut().unwrap();
        if !kid.is_empty() {
            fields.insert("kid".to_owned(), kid.into());
        }
        fields.extend(more.as_object().unwrap().clone());
        key
    }

    /// A point on P-256: its base point.
    const G: (&str, &str) =
        ("axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU");

    fn point(bytes: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![7; bytes])
    }

    fn kids(keys: &Value) -> Result<Vec<String>, JwksError> {
        let found = usable_keys(&json!({ "keys": keys }).to_string())?;
        let mut kids: Vec<String> = found.into_keys().collect();
        kids.sort();
        Ok(kids)
    }

    #[test]
    fn only_signature_keys_with_a_kid_are_taken() {
        let keys = json!([
            rsa("bare", &json!({})),
            rsa("full", &json!({"use": "sig", "alg": "RS256", "key_ops": ["verify"], "x5t": "whatever"})),
            rsa("", &json!({})),
            rsa("encrypts", &json!({"use": "enc"})),
            rsa("wraps", &json!({"key_ops": ["wrapKey"]})),
            rsa("other-algorithm", &json!({"alg": "PS256"})),
            {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
            {"kty": "EC", "crv": "P-256", "kid": "p256", "x": G.0, "y": G.1},
            {"kty": "EC", "crv": "P-256", "kid": "p256-other-algorithm", "alg": "ES384", "x": point(32), "y": point(32)},
            {"kty": "EC", "crv": "P-384", "kid": "p384", "x": point(48), "y": point(48)},
            {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "alg": "EdDSA", "use": "sig", "x": point(32)},
            {"kty": "AKP", "kid": "from-the-future", "pub": "x"},
        ]);
        assert_eq!(kids(&keys).unwrap(), ["bare", "ed", "full", "p256"]);
    }

    #[test]
    fn a_set_that_cannot_be_used_says_why() {
        assert!(matches!(usable_keys("<html>"), Err(JwksError::NotAJwkSet(_))));
        assert!(matches!(usable_keys("[]"), Err(JwksError::NotAJwkSet(_))));
        assert!(matches!(kids(&json!([])), Err(JwksError::NoUsableKey)));
        assert!(matches!(kids(&json!([{"kty": "oct", "kid": "k", "k": "AA"}])), Err(JwksError::NoUsableKey)));
        let broken = kids(&json!([rsa("k", &json!({"n": "AB=="}))])).unwrap_err();
        assert!(broken.to_string().contains("\"k\"") && broken.to_string().contains("`n`"), "{broken}");
        let odd = json!([{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": point(31)}]);
        assert!(kids(&odd).unwrap_err().to_string().contains("`x` has 31 bytes"));
        let beside = json!([{"kty": "EC", "crv": "P-256", "kid": "k", "x": point(32), "y": point(32)}]);
        assert!(kids(&beside).unwrap_err().to_string().contains("make no key"));
        let short = kids(&json!([rsa("k", &json!({"n": URL_SAFE_NO_PAD.encode([0xab; 128])}))])).unwrap_err();
        assert!(short.to_string().contains("2048 bits"), "{short}");
    }

    #[test]
    fn numbers_that_begin_with_zeros_are_the_same_numbers() {
        let n = [vec![0, 0], vec![0xab; 256]].concat();
        let keys = json!([rsa(
            "k",
            &json!({"n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode([0, 1, 0, 1])})
        )]);
        assert_eq!(kids(&keys).unwrap(), ["k"]);
    }
}
