//! Picks from a JWK Set the keys that match tokens can be checked with.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse, RSAKeyParameters,
};

use super::JwksError;

/// aws-lc refuses to check signatures of shorter keys; better said when the set is read.
const MIN_MODULUS_BYTES: usize = 2048 / 8;

/// The usable keys by their `kid`. Of two keys with one `kid` the first is taken.
pub(super) fn usable_keys(jwks_json: &str) -> Result<HashMap<String, DecodingKey>, JwksError> {
    let set: JwkSet = serde_json::from_str(jwks_json).map_err(JwksError::NotAJwkSet)?;
    let mut keys = HashMap::with_capacity(set.keys.len());
    for jwk in &set.keys {
        if let Some((kid, numbers)) = usable(jwk) {
            let key = decoding_key(kid, numbers)?;
            keys.entry(kid.to_owned()).or_insert(key);
        }
    }
    if keys.is_empty() { Err(JwksError::NoUsableKey) } else { Ok(keys) }
}

/// The id and the numbers of a key that may check RS256 signatures. Everything that a key says about its use must allow it;
/// a shared secret (`oct`) is never a key here, so HS256 has nothing to be checked with.
fn usable(jwk: &Jwk) -> Option<(&str, &RSAKeyParameters)> {
    let AlgorithmParameters::RSA(numbers) = &jwk.algorithm else {
        return None;
    };
    let common = &jwk.common;
    let for_signatures = common.public_key_use.as_ref().is_none_or(|r#use| *r#use == PublicKeyUse::Signature);
    let for_verifying = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    let for_rs256 = common.key_algorithm.is_none_or(|alg| alg == KeyAlgorithm::RS256);
    let kid = common.key_id.as_deref()?;
    (for_signatures && for_verifying && for_rs256).then_some((kid, numbers))
}

fn decoding_key(kid: &str, numbers: &RSAKeyParameters) -> Result<DecodingKey, JwksError> {
    let bad_key = |reason: String| JwksError::BadKey { kid: kid.to_owned(), reason };
    let decode = |name: &str, text: &str| {
        URL_SAFE_NO_PAD.decode(text).map_err(|error| bad_key(format!("`{name}` is no base64url: {error}")))
    };
    let (n, e) = (decode("n", &numbers.n)?, decode("e", &numbers.e)?);
    if n.len() < MIN_MODULUS_BYTES {
        return Err(bad_key("`n` has fewer than 2048 bits".to_owned()));
    }
    Ok(DecodingKey::from_rsa_raw_components(&n, &e))
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

    fn kids(keys: &Value) -> Result<Vec<String>, JwksError> {
        let found = usable_keys(&json!({ "keys": keys }).to_string())?;
        let mut kids: Vec<String> = found.into_keys().collect();
        kids.sort();
        Ok(kids)
    }

    #[test]
    fn only_rsa_signature_keys_with_a_kid_are_taken() {
        let keys = json!([
            rsa("bare", &json!({})),
            rsa("full", &json!({"use": "sig", "alg": "RS256", "key_ops": ["verify"], "x5t": "whatever"})),
            rsa("", &json!({})),
            rsa("encrypts", &json!({"use": "enc"})),
            rsa("wraps", &json!({"key_ops": ["wrapKey"]})),
            rsa("other-algorithm", &json!({"alg": "PS256"})),
            {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
            {"kty": "AKP", "kid": "from-the-future", "pub": "x"},
        ]);
        assert_eq!(kids(&keys).unwrap(), ["bare", "full"]);
    }

    #[test]
    fn a_set_that_cannot_be_used_says_why() {
        assert!(matches!(usable_keys("<html>"), Err(JwksError::NotAJwkSet(_))));
        assert!(matches!(usable_keys("[]"), Err(JwksError::NotAJwkSet(_))));
        assert!(matches!(kids(&json!([])), Err(JwksError::NoUsableKey)));
        assert!(matches!(kids(&json!([{"kty": "oct", "kid": "k", "k": "AA"}])), Err(JwksError::NoUsableKey)));
        let broken = kids(&json!([rsa("k", &json!({"n": "AB=="}))])).unwrap_err();
        assert!(broken.to_string().contains("\"k\"") && broken.to_string().contains("`n`"), "{broken}");
        let short = kids(&json!([rsa("k", &json!({"n": URL_SAFE_NO_PAD.encode([0xab; 128])}))])).unwrap_err();
        assert!(short.to_string().contains("2048 bits"), "{short}");
    }
}
