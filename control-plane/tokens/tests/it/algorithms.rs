//! Three algorithms: each signs and is checked as what it is, and none as another.

use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokens::{Algorithm, Expected, KeyRing, KeyRingSettings, KeyState, Verifier, VerifyError};

use crate::fixture::{
    AHEAD_S, ISSUER, LAND, LIFETIME_S, at, claims, key_files, published, ring, settings, sign,
};
use crate::forge::{Forge, forges, good, message};

fn settings_of(algorithm: Algorithm) -> KeyRingSettings {
    KeyRingSettings { algorithm, ..settings() }
}

#[test]
fn each_signs_what_its_published_key_checks() {
    for forge in forges() {
        let claims = claims(at(0));
        let token = forge.ring.sign(&claims, at(0)).unwrap();
        assert_eq!(forge.verify(token.expose()).unwrap(), claims, "{}", forge.algorithm);
        let header = URL_SAFE_NO_PAD.decode(token.expose().split('.').next().unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&header).unwrap(), forge.header());
        // And what jsonwebtoken signs with the same key.
        assert_eq!(forge.verify(&forge.sign(&good())).unwrap().player_id, "ann");
    }
}

#[test]
fn the_published_keys_of_curves_have_their_numbers_and_nothing_of_the_secret() {
    for (algorithm, wanted) in [
        (Algorithm::Es256, json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256"})),
        (Algorithm::EdDsa, json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA"})),
    ] {
        let forge = Forge::new(algorithm);
        let set: Value = serde_json::from_str(&forge.ring.jwks_json(at(0))).unwrap();
        let mut key = set["keys"][0].as_object().unwrap().clone();
        assert_eq!(key.remove("kid").unwrap(), forge.kid());
        assert_eq!(forge.kid().len(), 43);
        for coordinate in ["x", "y"] {
            match key.remove(coordinate) {
                Some(bytes) => {
                    assert_eq!(URL_SAFE_NO_PAD.decode(bytes.as_str().unwrap()).unwrap().len(), 32);
                }
                None => assert_eq!((coordinate, algorithm), ("y", Algorithm::EdDsa)),
            }
        }
        assert_eq!(Value::Object(key), wanted);
    }
}

#[test]
fn a_ring_of_any_algorithm_survives_a_restart_and_rotates() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let dir = tempfile::tempdir().unwrap();
        let ring = KeyRing::open(dir.path(), settings_of(algorithm), at(0)).unwrap();
        let again = KeyRing::open(dir.path(), settings_of(algorithm), at(1)).unwrap();
        assert_eq!(again.signing_kid(at(1)), ring.signing_kid(at(0)), "{algorithm}");
        let rotated = again.rotate(at(1)).unwrap();
        assert_eq!(again.signing_kid(at(1 + AHEAD_S)), rotated.kid);
        let all = again.published(at(1));
        assert!(all.iter().all(|key| key.algorithm == algorithm), "{all:?}");
    }
}

#[test]
fn another_algorithm_takes_over_like_any_new_key_and_old_tokens_stay_good() {
    for (from, to) in [
        (Algorithm::Rs256, Algorithm::Es256),
        (Algorithm::Es256, Algorithm::EdDsa),
        (Algorithm::EdDsa, Algorithm::Rs256),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let old = KeyRing::open(dir.path(), settings_of(from), at(0)).unwrap();
        let old_kid = old.signing_kid(at(0));
        let ring = KeyRing::open(dir.path(), settings_of(to), at(1_000)).unwrap();
        let takes_over = 1_000 + AHEAD_S;
        let states = |second| ring.published(at(second)).into_iter().map(|key| (key.algorithm, key.state));
        let states = |second| states(second).collect::<Vec<_>>();
        assert_eq!(states(1_000), [(from, KeyState::Signing), (to, KeyState::Waiting)]);
        assert_eq!(ring.signing_kid(at(takes_over - 1)), old_kid, "published before it signs");
        assert_eq!(states(takes_over), [(from, KeyState::Retiring), (to, KeyState::Signing)]);
        assert_eq!(states(takes_over + LIFETIME_S), [(to, KeyState::Signing)]);

        let last = sign(&ring, at(takes_over - 1)).unwrap();
        let first = sign(&ring, at(takes_over)).unwrap();
        let verifier = Verifier::from_jwks(&ring.jwks_json(at(1_000)), ISSUER).unwrap();
        for token in [last, first] {
            let end = takes_over - 1 + LIFETIME_S - 1;
            verifier.verify(token.expose(), &Expected::land(LAND), at(end)).unwrap();
        }
        // A replica that still has the old setting reads the new key, and doesn't turn back.
        old.reload(at(takes_over)).unwrap();
        assert_eq!(old.signing_kid(at(takes_over)), ring.signing_kid(at(takes_over)));
        assert_eq!(key_files(dir.path()).len(), 2);
    }
}

#[test]
fn starting_again_with_the_same_algorithm_makes_no_key() {
    let dir = tempfile::tempdir().unwrap();
    for second in 0..5 {
        KeyRing::open(dir.path(), settings_of(Algorithm::EdDsa), at(second)).unwrap();
    }
    assert_eq!(key_files(dir.path()).len(), 1);
    // Two replicas that start with a new setting at once agree on one key.
    for _ in 0..2 {
        KeyRing::open(dir.path(), settings_of(Algorithm::Es256), at(10)).unwrap();
    }
    assert_eq!(key_files(dir.path()).len(), 2);
}

#[test]
fn a_change_of_mind_while_a_key_waits_comes_after_it() {
    let dir = tempfile::tempdir().unwrap();
    KeyRing::open(dir.path(), settings_of(Algorithm::EdDsa), at(0)).unwrap();
    KeyRing::open(dir.path(), settings_of(Algorithm::Es256), at(10)).unwrap();
    let ring = KeyRing::open(dir.path(), settings_of(Algorithm::EdDsa), at(10)).unwrap();
    let all = ring.published(at(10));
    assert_eq!(
        all.iter().map(|key| key.state).collect::<Vec<_>>(),
        [KeyState::Signing, KeyState::Waiting, KeyState::Waiting]
    );
    assert_eq!(all[2].signs_from, all[1].signs_from + Duration::from_millis(1));
    assert_eq!(ring.signing_kid(at(10 + AHEAD_S + 1)), all[2].kid);
}

#[test]
fn a_token_that_names_another_algorithm_than_its_key_is_for_is_refused() {
    for forge in forges() {
        for alg in Algorithm::ALL.into_iter().filter(|alg| *alg != forge.algorithm) {
            let header = json!({ "alg": alg.name(), "kid": forge.kid() }).to_string();
            let wrong =
                VerifyError::WrongAlgorithm { alg: alg.name().to_owned(), wanted: forge.algorithm.name() };
            assert_eq!(forge.refusal(&forge.sign_text(&header, &good().to_string())), wrong);
        }
    }
}

#[test]
fn no_public_key_of_any_kind_is_taken_for_a_shared_secret() {
    for forge in forges() {
        let jwks = forge.ring.jwks_json(at(0));
        let set: Value = serde_json::from_str(&jwks).unwrap();
        let number =
            |name: &str| set["keys"][0][name].as_str().map(|text| URL_SAFE_NO_PAD.decode(text).unwrap());
        let secrets = [Some(jwks.clone().into_bytes()), number("n"), number("x"), number("y")];
        for alg in ["HS256", "HS384", "HS512"] {
            let header = json!({ "alg": alg, "kid": forge.kid() }).to_string();
            let message = message(&header, &good().to_string());
            for secret in secrets.iter().flatten() {
                let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
                let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));
                assert!(matches!(forge.refusal(&token), VerifyError::WrongAlgorithm { .. }));
            }
        }
    }
}

#[test]
fn an_es256_signature_in_der_is_refused() {
    let forge = Forge::new(Algorithm::Es256);
    let message = message(&forge.header().to_string(), &good().to_string());
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &forge.der()).unwrap();
    let der = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(der.as_ref()));
    assert_eq!(forge.refusal(&token), VerifyError::BadSignature);
    // Nor one of zeros, which careless arithmetic takes for right.
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64]));
    assert_eq!(forge.refusal(&token), VerifyError::BadSignature);
}

#[test]
fn a_key_of_one_algorithm_is_not_used_for_another_because_a_set_mixes_them() {
    let (dir, _rsa) = ring();
    let ring = KeyRing::open(dir.path(), settings_of(Algorithm::EdDsa), at(0)).unwrap();
    assert_eq!(published(&ring, at(0)).len(), 2);
    let verifier = Verifier::from_jwks(&ring.jwks_json(at(0)), ISSUER).unwrap();
    let kids: Vec<_> = ring.published(at(0)).into_iter().map(|key| key.kid.to_string()).collect();
    for (kid, alg) in [(&kids[0], "EdDSA"), (&kids[1], "RS256")] {
        let forge = Forge::new(if alg == "EdDSA" { Algorithm::EdDsa } else { Algorithm::Rs256 });
        let header = json!({ "alg": alg, "kid": kid }).to_string();
        let token = forge.sign_text(&header, &good().to_string());
        let refused = verifier.verify(&token, &Expected::land(LAND), at(0)).unwrap_err();
        assert!(matches!(refused, VerifyError::WrongAlgorithm { .. }), "{refused:?}");
    }
}
