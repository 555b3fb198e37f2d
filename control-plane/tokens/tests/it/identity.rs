//! Identity tokens: for the gateway, and good for nothing else; and those of other issuers.

use std::time::Duration;

use serde_json::{Value, json};
use tokens::{Expected, IDENTITY_AUDIENCE, IdentityClaims, SignError, Verifier, VerifyError};

use crate::fixture::{ISSUER, LAND, LIFETIME_S, at, sign};
use crate::forge::{Forge, forges, good};

fn identity() -> IdentityClaims {
    IdentityClaims::of(ISSUER, "ann", at(0), Duration::from_secs(LIFETIME_S))
}

#[test]
fn an_identity_token_says_who_its_bearer_is_until_it_expires() {
    for forge in forges() {
        let token = forge.ring.sign_identity(&identity(), at(0)).unwrap();
        let claims = forge.verifier.verify_identity(token.expose(), at(LIFETIME_S - 1)).unwrap();
        assert_eq!((claims.sub.as_str(), claims.aud.as_str()), ("ann", IDENTITY_AUDIENCE));
        let late = forge.verifier.verify_identity(token.expose(), at(LIFETIME_S + 5)).unwrap_err();
        assert!(matches!(late, VerifyError::Expired { .. }));
        assert_eq!(late.brief(), "the token has expired");
    }
}

#[test]
fn neither_kind_of_token_is_good_in_the_others_place() {
    for forge in forges() {
        let match_token = sign(&forge.ring, at(0)).unwrap();
        let refused = forge.verifier.verify_identity(match_token.expose(), at(0)).unwrap_err();
        assert!(matches!(refused, VerifyError::WrongAudience { found, .. } if found == "game-server"));

        let identity = forge.ring.sign_identity(&identity(), at(0)).unwrap();
        let refused = forge.refusal(identity.expose());
        assert!(matches!(refused, VerifyError::WrongAudience { found, .. } if found == IDENTITY_AUDIENCE));
        // Not even one that has all the claims of the other.
        let mut both = good();
        both["aud"] = json!(IDENTITY_AUDIENCE);
        assert!(matches!(forge.refusal(&forge.sign(&both)), VerifyError::WrongAudience { .. }));
        both["aud"] = json!(["game-server", IDENTITY_AUDIENCE]);
        let token = forge.sign(&both);
        assert!(matches!(forge.refusal(&token), VerifyError::BadClaims { .. }));
        forge.verifier.verify_identity(&token, at(0)).unwrap_err();
    }
}

#[test]
fn an_identity_that_would_outlive_its_key_is_not_signed() {
    let forge = Forge::new(tokens::Algorithm::EdDsa);
    let claims = IdentityClaims::of(ISSUER, "ann", at(0), Duration::from_secs(LIFETIME_S + 3600));
    assert!(matches!(forge.ring.sign_identity(&claims, at(0)), Err(SignError::LivesTooLong { .. })));
}

#[test]
fn a_provider_s_token_is_taken_for_one_of_its_audiences_and_its_claims_are_told() {
    for forge in forges() {
        let provider = Verifier::from_jwks(&forge.ring.jwks_json(at(0)), "https://idp.example").unwrap();
        let exp = at(LIFETIME_S).duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "iss": "https://idp.example", "aud": ["other", "muster"], "sub": "u-1", "exp": exp as f64 + 0.25,
            "email": "ann@example.com", "roles": ["player"],
        });
        let verify = |claims: &Value| provider.verify_provided(&forge.sign(claims), "muster", at(0));
        let told = verify(&claims).unwrap();
        assert_eq!(
            (told.text("sub"), told.text("email"), told.exp),
            (Some("u-1"), Some("ann@example.com"), exp)
        );
        assert_eq!((told.text("roles"), told.get("roles")), (None, Some(&json!(["player"]))));

        let changed = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            verify(&claims).unwrap_err()
        };
        assert!(matches!(changed("aud", json!(["other"])), VerifyError::WrongAudience { .. }));
        assert!(matches!(changed("aud", json!("muster2")), VerifyError::WrongAudience { .. }));
        assert!(matches!(changed("aud", json!({"muster": true})), VerifyError::BadClaims { .. }));
        assert!(matches!(changed("iss", json!(ISSUER)), VerifyError::WrongIssuer { .. }));
        assert!(matches!(changed("exp", json!("soon")), VerifyError::BadClaims { .. }));
        assert!(matches!(changed("exp", json!(1)), VerifyError::Expired { .. }));
        let mut endless = claims.clone();
        endless.as_object_mut().unwrap().remove("exp");
        assert!(matches!(verify(&endless), Err(VerifyError::BadClaims { .. })), "it must end some time");
    }
}

#[test]
fn a_leeway_is_the_same_for_every_kind() {
    let forge = Forge::new(tokens::Algorithm::Es256);
    let strict = forge.verifier.clone().with_leeway(Duration::ZERO);
    let token = forge.ring.sign_identity(&identity(), at(0)).unwrap();
    strict.verify_identity(token.expose(), at(LIFETIME_S - 1)).unwrap();
    strict.verify_identity(token.expose(), at(LIFETIME_S)).unwrap_err();
    let token = sign(&forge.ring, at(0)).unwrap();
    strict.verify(token.expose(), &Expected::land(LAND), at(LIFETIME_S)).unwrap_err();
}
