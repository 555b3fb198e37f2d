//! Tokens made by hand by somebody who wants in.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::{EncodeRsaPrivateKey as _, EncodeRsaPublicKey as _};
use rsa::pkcs8::EncodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokens::{Expected, KeyRing, MAX_TOKEN_BYTES, Verifier, VerifyError};

use crate::fixture::{ISSUER, LAND, OURS, THEIRS, at, claims, public_pem, ring, sign};

struct Door {
    _dir: TempDir,
    ring: KeyRing,
    verifier: Verifier,
}

impl Door {
    fn new() -> Self {
        let (_dir, ring) = ring();
        let verifier = Verifier::from_jwks(&ring.jwks_json(at(0)), ISSUER).unwrap();
        Self { _dir, ring, verifier }
    }

    fn kid(&self) -> String {
        self.ring.signing_kid(at(0)).to_string()
    }

    fn refusal(&self, token: &str) -> VerifyError {
        self.verifier.verify(token, &Expected::land(LAND), at(0)).unwrap_err()
    }
}

fn encode(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn payload() -> String {
    encode(&serde_json::to_value(claims(at(0))).unwrap())
}

/// `header.claims.signature`, signed by a key that the attacker has.
fn signed_by_theirs(header: &Header) -> String {
    let key = EncodingKey::from_rsa_der(THEIRS.to_pkcs1_der().unwrap().as_bytes());
    jsonwebtoken::encode(header, &claims(at(0)), &key).unwrap()
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let door = Door::new();
    let header = encode(&json!({"alg": "none", "typ": "JWT", "kid": door.kid()}));
    for signature in ["", "c2lnbmF0dXJl"] {
        let token = format!("{header}.{}.{signature}", payload());
        assert_eq!(door.refusal(&token), VerifyError::Unsigned);
    }
    // The same with a header that lies about it: there is still no signature.
    let header = encode(&json!({"alg": "RS256", "typ": "JWT", "kid": door.kid()}));
    assert_eq!(door.refusal(&format!("{header}.{}.", payload())), VerifyError::BadSignature);
}

#[test]
fn hs256_with_the_public_key_as_its_secret_is_refused() {
    let door = Door::new();
    let header = encode(&json!({"alg": "HS256", "typ": "JWT", "kid": door.kid()}));
    let message = format!("{header}.{}", payload());
    let public = OURS.to_public_key();
    // Every form in which a careless verifier may hold the public key.
    let secrets: [Vec<u8>; 5] = [
        public_pem(&OURS).into_bytes(),
        public.to_public_key_der().unwrap().into_vec(),
        public.to_pkcs1_der().unwrap().into_vec(),
        public.n().to_bytes_be(),
        door.ring.jwks_json(at(0)).into_bytes(),
    ];
    for secret in secrets {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));
        let wrong = VerifyError::WrongAlgorithm { alg: "HS256".to_owned(), wanted: "RS256, ES256 or EdDSA" };
        assert_eq!(door.refusal(&token), wrong);
    }
}

#[test]
fn a_key_that_nobody_published_is_unknown_and_a_borrowed_kid_does_not_help() {
    let door = Door::new();
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("theirs".to_owned());
    let unknown = VerifyError::UnknownKey { kid: "theirs".to_owned() };
    assert_eq!(door.refusal(&signed_by_theirs(&header)), unknown);
    header.kid = Some(door.kid());
    assert_eq!(door.refusal(&signed_by_theirs(&header)), VerifyError::BadSignature);
    header.kid = None;
    assert_eq!(door.refusal(&signed_by_theirs(&header)), VerifyError::NoKeyId);
}

#[test]
fn a_key_or_an_address_in_the_header_is_never_followed() {
    let door = Door::new();
    let public = THEIRS.to_public_key();
    let jwk = json!({
        "kty": "RSA", "alg": "RS256", "use": "sig", "kid": door.kid(),
        "n": URL_SAFE_NO_PAD.encode(public.n().to_bytes_be()), "e": URL_SAFE_NO_PAD.encode(public.e().to_bytes_be()),
    });
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(door.kid());
    header.jwk = Some(serde_json::from_value(jwk).unwrap());
    header.jku = Some("http://127.0.0.1:9/jwks.json".to_owned());
    header.x5u = Some("http://127.0.0.1:9/cert.pem".to_owned());
    assert_eq!(door.refusal(&signed_by_theirs(&header)), VerifyError::BadSignature);

    // An address in place of a key id is just an id that nobody has.
    header.kid = Some("../../dev/null".to_owned());
    assert!(matches!(door.refusal(&signed_by_theirs(&header)), VerifyError::UnknownKey { .. }));
}

#[test]
fn crit_is_refused_even_when_everything_else_is_right() {
    let door = Door::new();
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(door.kid());
    header.crit = Some(vec!["exp".to_owned()]);
    let ours = EncodingKey::from_rsa_der(OURS.to_pkcs1_der().unwrap().as_bytes());
    let token = jsonwebtoken::encode(&header, &claims(at(0)), &ours).unwrap();
    assert_eq!(door.refusal(&token), VerifyError::CriticalHeader);
}

#[test]
fn a_token_with_any_part_changed_is_refused() {
    let door = Door::new();
    let token = sign(&door.ring, at(0)).unwrap().into_string();
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };

    let mut richer = serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    richer["playerId"] = json!("bob");
    let forged = format!("{header}.{}.{signature}", encode(&richer));
    assert_eq!(door.refusal(&forged), VerifyError::BadSignature);

    let fuller = encode(&json!({"typ": "JWT", "alg": "RS256", "kid": door.kid(), "x": 1}));
    assert_eq!(door.refusal(&format!("{fuller}.{claims}.{signature}")), VerifyError::BadSignature);

    let another = sign(&door.ring, at(1)).unwrap().into_string();
    let borrowed = another.rsplit_once('.').unwrap().1;
    assert_eq!(door.refusal(&format!("{header}.{claims}.{borrowed}")), VerifyError::BadSignature);
}

#[test]
fn every_single_changed_or_missing_character_is_noticed() {
    let door = Door::new();
    let token = sign(&door.ring, at(0)).unwrap().into_string();
    for place in 0..token.len() {
        let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..place], &token[place + 1..]);
        door.refusal(&changed);
        door.refusal(&token[..place]);
    }
    for added in ["=", "A", ".", " ", "\n"] {
        door.refusal(&format!("{token}{added}"));
        door.refusal(&format!("{added}{token}"));
    }
}

#[test]
fn what_is_no_token_or_too_long_is_refused_before_anything_is_computed() {
    let door = Door::new();
    for text in ["", "token", "a.b.c", "....", "\u{1f600}.\u{1f600}.\u{1f600}", "eyJ.eyJ.eyJ"] {
        assert!(matches!(door.refusal(text), VerifyError::NotAToken { .. }), "{text:?}");
    }
    let just_right = "a".repeat(MAX_TOKEN_BYTES);
    assert!(matches!(door.refusal(&just_right), VerifyError::NotAToken { .. }));
    let too_long = "a".repeat(MAX_TOKEN_BYTES + 1);
    assert_eq!(door.refusal(&too_long), VerifyError::Oversized { bytes: 8193 });
    // What else a header says is not looked at.
    let odd = encode(&json!({"alg": "RS256", "kid": door.kid(), "x5c": 1}));
    assert_eq!(door.refusal(&format!("{odd}.{}.c2ln", payload())), VerifyError::BadSignature);
    let no_base64 = format!("{odd}.{}.!", payload());
    assert!(matches!(door.refusal(&no_base64), VerifyError::NotAToken { .. }));
}

#[test]
fn no_refusal_shows_the_token() {
    let door = Door::new();
    let token = sign(&door.ring, at(0)).unwrap().into_string();
    let signature = token.rsplit_once('.').unwrap().1;
    let cut = &token[..token.len() - 4];
    let refused = [
        door.verifier.verify(&token, &Expected::land("other"), at(0)).unwrap_err(),
        door.verifier.verify(&token, &Expected::land(LAND), at(1_000_000)).unwrap_err(),
        door.refusal(cut),
    ];
    for refused in refused {
        let said = format!("{refused} {refused:?}");
        assert!(!said.contains(&signature[..20]), "{said}");
    }
}
