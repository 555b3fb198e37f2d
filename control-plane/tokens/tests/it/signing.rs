//! What a signed token and a published key look like.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use serde_json::{Value, json};
use tokens::SignError;

use crate::fixture::{LIFETIME_S, OURS, at, claims, ring, sign};

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[test]
fn a_token_is_byte_for_byte_what_jsonwebtoken_makes() {
    let (_dir, ring) = ring();
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(ring.signing_kid(at(0)).to_string());
    let key = EncodingKey::from_rsa_der(OURS.to_pkcs1_der().unwrap().as_bytes());
    let claims = claims(at(0));
    let theirs = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    assert_eq!(ring.sign(&claims, at(0)).unwrap().expose(), theirs);
}

#[test]
fn header_and_claims_say_what_the_contract_says() {
    let (_dir, ring) = ring();
    let kid = ring.signing_kid(at(0));
    let claims = claims(at(0));
    let token = ring.sign(&claims, at(0)).unwrap();
    assert_eq!(part(token.expose(), 0), json!({"typ": "JWT", "alg": "RS256", "kid": kid.as_str()}));
    assert_eq!(part(token.expose(), 1), serde_json::to_value(&claims).unwrap());
}

#[test]
fn the_published_key_is_the_public_half_under_its_thumbprint() {
    let (_dir, ring) = ring();
    let (n, e) =
        (URL_SAFE_NO_PAD.encode(OURS.n().to_bytes_be()), URL_SAFE_NO_PAD.encode(OURS.e().to_bytes_be()));
    // RFC 7638: the required members, sorted, without spaces.
    let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()));
    let set: Value = serde_json::from_str(&ring.jwks_json(at(0))).unwrap();
    let wanted = json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e}]});
    assert_eq!(set, wanted);
    assert_eq!(ring.signing_kid(at(0)).as_str(), kid);
}

#[test]
fn nothing_that_can_be_logged_shows_a_secret() {
    let (_dir, ring) = ring();
    let token = sign(&ring, at(0)).unwrap();
    let shown = format!("{ring:?} {token:?}");
    assert!(shown.contains(ring.signing_kid(at(0)).as_str()), "it does show which keys there are");
    let prime = OURS.primes()[0].to_bytes_be();
    for secret in [token.expose(), &URL_SAFE_NO_PAD.encode(&prime), &format!("{:?}", OURS.primes()[0])] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_token_that_would_outlive_its_key_is_not_signed() {
    let (_dir, ring) = ring();
    let mut claims = claims(at(0));
    claims.exp = claims.iat + LIFETIME_S + 3600;
    let refused = ring.sign(&claims, at(0)).unwrap_err();
    assert!(matches!(refused, SignError::LivesTooLong { exp, .. } if exp == claims.exp), "{refused:?}");

    // A clock that was set back a little between the two steps is no reason to fail.
    claims.exp = claims.iat + LIFETIME_S;
    ring.sign(&claims, at(0) - std::time::Duration::from_secs(3)).unwrap();
}
