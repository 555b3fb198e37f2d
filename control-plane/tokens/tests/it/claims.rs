//! Rightly signed claims that say too much, too early, or two things at once.

use std::time::Duration;

use serde_json::{Value, json};
use tokens::{Expected, VerifyError};

use crate::fixture::{LAND, LIFETIME_S, at};
use crate::forge::{Forge, forges, good};

fn forge() -> Forge {
    Forge::new(tokens::Algorithm::EdDsa)
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn seconds(second: u64) -> u64 {
    at(second).duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_claim_that_stands_twice_is_refused_whichever_comes_first() {
    for forge in forges() {
        let whole = good().to_string();
        let inner = whole.strip_prefix('{').unwrap().strip_suffix('}').unwrap();
        for twice in
            [r#""playerId":"eve""#, r#""exp":9999999999"#, r#""aud":"game-server""#, r#""x":1,"x":1"#]
        {
            for claims in [format!("{{{twice},{inner}}}"), format!("{{{inner},{twice}}}")] {
                let token = forge.sign_text(&forge.header().to_string(), &claims);
                let refused = forge.refusal(&token);
                assert!(matches!(refused, VerifyError::BadClaims { .. }), "{twice}: {refused:?}");
            }
        }
    }
}

#[test]
fn claims_that_are_no_object_are_refused() {
    let forge = forge();
    for claims in ["", "null", "[]", "\"x\"", "{", "{}x", r#"{"exp":}"#] {
        let token = forge.sign_text(&forge.header().to_string(), claims);
        let refused = forge.refusal(&token);
        let named = matches!(refused, VerifyError::BadClaims { .. } | VerifyError::NotAToken { .. });
        assert!(named, "{claims}: {refused:?}");
    }
}

#[test]
fn a_token_is_not_good_before_its_nbf_and_the_leeway_before_it() {
    let forge = forge();
    let token = forge.sign(&with("nbf", json!(seconds(30))));
    let verify = |second| forge.verifier.verify(&token, &Expected::land(LAND), at(second));
    verify(30).unwrap();
    verify(25).unwrap();
    let early = verify(24).unwrap_err();
    assert!(matches!(early, VerifyError::NotYet { in_s: 6, .. }), "{early:?}");
    let strict = forge.verifier.clone().with_leeway(Duration::ZERO);
    strict.verify(&token, &Expected::land(LAND), at(29)).unwrap_err();
    strict.verify(&token, &Expected::land(LAND), at(30)).unwrap();

    for odd in [json!("whenever"), json!(-1), json!(null), json!([]), json!(1.0e300)] {
        let refused = forge.refusal(&forge.sign(&with("nbf", odd.clone())));
        assert!(matches!(refused, VerifyError::BadClaims { .. }), "{odd}: {refused:?}");
    }
    // With a fraction, as some write it.
    forge.verify(&forge.sign(&with("nbf", json!(0.5)))).unwrap();
}

#[test]
fn every_algorithm_is_as_strict_with_exp_iss_and_aud() {
    for forge in forges() {
        let token = forge.sign(&good());
        let at_the_end = forge.verifier.verify(&token, &Expected::land(LAND), at(LIFETIME_S + 5));
        assert!(matches!(at_the_end, Err(VerifyError::Expired { ago_s: 5, .. })));
        let refused = |name: &str, value: Value| forge.refusal(&forge.sign(&with(name, value)));
        assert!(matches!(refused("iss", json!("elsewhere")), VerifyError::WrongIssuer { .. }));
        assert!(matches!(refused("iss", json!("https://muster.example/")), VerifyError::WrongIssuer { .. }));
        assert!(matches!(refused("aud", json!("GAME-SERVER")), VerifyError::WrongAudience { .. }));
        // One who is among several that may read it is not the one that it is for.
        assert!(matches!(refused("aud", json!(["game-server", "shop"])), VerifyError::BadClaims { .. }));
        for missing in ["iss", "aud", "exp", "sub", "playerId", "landId", "serverId", "jti"] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(missing);
            let refused = forge.refusal(&forge.sign(&claims));
            let named = matches!(&refused, VerifyError::BadClaims { reason } if reason.contains(missing));
            assert!(named, "{missing}: {refused:?}");
        }
    }
}

#[test]
fn crit_and_keys_in_the_header_change_nothing_for_any_algorithm() {
    for forge in forges() {
        let mut header = forge.header();
        header["crit"] = json!(["exp"]);
        let claims = good().to_string();
        assert_eq!(
            forge.refusal(&forge.sign_text(&header.to_string(), &claims)),
            VerifyError::CriticalHeader
        );

        // A key of the attacker's own, embedded, under a kid that nobody has: it is not used.
        let theirs = Forge::new(forge.algorithm);
        let own: Value = serde_json::from_str(&theirs.ring.jwks_json(at(0))).unwrap();
        let mut header = theirs.header();
        header["kid"] = json!("theirs");
        header["jwk"] = own["keys"][0].clone();
        header["jku"] = json!("http://127.0.0.1:9/jwks.json");
        header["x5u"] = json!("http://127.0.0.1:9/key.pem");
        header["x5c"] = json!(["MIIB"]);
        let token = theirs.sign_text(&header.to_string(), &claims);
        assert_eq!(forge.refusal(&token), VerifyError::UnknownKey { kid: "theirs".to_owned() });
    }
}
