//! A rightly signed token that is not good here, or not now.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use serde_json::{Value, json};
use tokens::{Claims, Expected, KeyRing, Verifier, VerifyError};

use crate::fixture::{ISSUER, LAND, LIFETIME_S, OURS, SERVER, at, claims, ring, sign};

fn verifier(ring: &KeyRing) -> Verifier {
    Verifier::from_jwks(&ring.jwks_json(at(0)), ISSUER).unwrap()
}

/// What the verifier says of claims that were changed before they were signed.
fn verify_changed(change: impl FnOnce(&mut Claims)) -> Result<Claims, VerifyError> {
    let (_dir, ring) = ring();
    let mut claims = claims(at(0));
    change(&mut claims);
    let token = ring.sign(&claims, at(0)).unwrap();
    verifier(&ring).verify(token.expose(), &Expected::land(LAND).on_server(SERVER), at(0))
}

#[test]
fn a_good_token_gives_back_its_claims() {
    let (_dir, ring) = ring();
    let claims = claims(at(0));
    let token = ring.sign(&claims, at(0)).unwrap();
    let verifier = verifier(&ring);
    for expected in [Expected::land(LAND), Expected::land(LAND).on_server(SERVER)] {
        assert_eq!(verifier.verify(token.expose(), &expected, at(0)).unwrap(), claims);
    }
    assert_eq!(verifier.key_ids().collect::<Vec<_>>(), [ring.signing_kid(at(0)).as_str()]);
}

#[test]
fn another_land_server_audience_or_issuer_is_refused_by_its_own_name() {
    let land = verify_changed(|claims| claims.land_id = "hero-defense:other".to_owned()).unwrap_err();
    assert!(matches!(&land, VerifyError::OtherLand { found, .. } if found == "hero-defense:other"));
    assert!(land.to_string().contains("connectUrl"));

    let server = verify_changed(|claims| claims.server_id = "server-2".to_owned()).unwrap_err();
    assert!(matches!(&server, VerifyError::OtherServer { expected, .. } if expected == SERVER));

    let audience = verify_changed(|claims| claims.aud = "somebody".to_owned()).unwrap_err();
    assert!(matches!(&audience, VerifyError::WrongAudience { found, .. } if found == "somebody"));

    let issuer = verify_changed(|claims| claims.iss = "https://evil.example".to_owned()).unwrap_err();
    assert!(matches!(&issuer, VerifyError::WrongIssuer { expected, .. } if expected == ISSUER));
    assert!(issuer.to_string().contains("evil.example"));
}

#[test]
fn a_server_that_does_not_say_who_it_is_takes_any_server_s_token() {
    let (_dir, ring) = ring();
    let mut claims = claims(at(0));
    claims.server_id = "server-2".to_owned();
    let token = ring.sign(&claims, at(0)).unwrap();
    verifier(&ring).verify(token.expose(), &Expected::land(LAND), at(0)).unwrap();
}

#[test]
fn a_token_is_good_until_its_end_and_the_leeway_after_it() {
    let (_dir, ring) = ring();
    let token = sign(&ring, at(0)).unwrap();
    let verify =
        |verifier: &Verifier, second| verifier.verify(token.expose(), &Expected::land(LAND), at(second));

    let lenient = verifier(&ring);
    verify(&lenient, LIFETIME_S + 4).unwrap();
    let expired = verify(&lenient, LIFETIME_S + 5).unwrap_err();
    assert!(matches!(expired, VerifyError::Expired { ago_s: 5, .. }), "{expired:?}");
    assert!(expired.to_string().contains("5 s ago"));

    let strict = verifier(&ring).with_leeway(Duration::ZERO);
    verify(&strict, LIFETIME_S - 1).unwrap();
    assert!(matches!(verify(&strict, LIFETIME_S), Err(VerifyError::Expired { ago_s: 0, .. })));
}

#[test]
fn signed_claims_that_are_no_match_token_s_are_refused_with_what_is_missing() {
    let (_dir, ring) = ring();
    let key = EncodingKey::from_rsa_der(OURS.to_pkcs1_der().unwrap().as_bytes());
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(ring.signing_kid(at(0)).to_string());
    let whole = serde_json::to_value(claims(at(0))).unwrap();
    let changes: [(&str, Value); 6] = [
        ("landId", Value::Null),
        ("exp", Value::Null),
        ("exp", json!("tomorrow")),
        ("exp", json!(-1)),
        ("exp", json!(1.5e300)),
        ("aud", json!(["game-server"])),
    ];
    for (name, value) in changes {
        let mut changed = whole.clone();
        match &value {
            Value::Null => drop(changed.as_object_mut().unwrap().remove(name)),
            value => changed[name] = value.clone(),
        }
        let token = jsonwebtoken::encode(&header, &changed, &key).unwrap();
        let refused = verifier(&ring).verify(&token, &Expected::land(LAND), at(0)).unwrap_err();
        assert!(matches!(refused, VerifyError::BadClaims { .. }), "{name} {value}: {refused:?}");
    }
    // What is there beyond ours is ignored, and the largest `exp` is no overflow.
    let mut more = whole;
    more["azp"] = json!("whoever");
    more["exp"] = json!(u64::MAX);
    let token = jsonwebtoken::encode(&header, &more, &key).unwrap();
    verifier(&ring).verify(&token, &Expected::land(LAND), at(0)).unwrap();
}
