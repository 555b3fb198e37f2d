//! Tokens that are no good, and keys that can't be had.

use std::sync::atomic::Ordering;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proto::error::{Reason, Refusal};
use serde_json::{Value, json};

use super::{start, status_as, token};
use crate::support::signer::{Signer, identity_claims, in_seconds};

const TICKET: &str = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55";

#[tokio::test]
async fn what_is_not_rightly_signed_for_us_and_now_is_nobody() {
    let stack = start(&[]).await;
    let changed = |name: &str, value: Value| {
        let mut claims = identity_claims("ann");
        claims[name] = value;
        stack.control_plane.state.signer.lock().as_ref().unwrap().sign(&claims)
    };
    let good = token(&stack, "ann");
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = part(&identity_claims("ann"));
    let signature = good.rsplit('.').next().unwrap();
    let confused = {
        let signer = stack.control_plane.state.signer.lock();
        let signer = signer.as_ref().unwrap();
        let header = Header { alg: Algorithm::HS256, ..signer.header() };
        jsonwebtoken::encode(&header, &identity_claims("ann"), &EncodingKey::from_secret(signer.public()))
            .unwrap()
    };
    let forger = Signer::new("k1");
    let with_own_key = {
        let header =
            json!({"alg": "EdDSA", "kid": "k1", "jwk": forger.jwk(), "jku": "https://evil.example/keys"});
        let token = forger.identity("ann");
        format!("{}.{}", part(&header), token.split_once('.').unwrap().1)
    };
    for (what, token) in [
        ("nothing of a token", "a.b.c".to_owned()),
        ("no algorithm", format!("{}.{claims}.", part(&json!({"alg": "none", "kid": "k1"})))),
        ("no algorithm, with a signature", format!("{}.{claims}.{signature}", part(&json!({"alg": "None"})))),
        ("a public key as a shared secret", confused),
        ("a key of the forger's own", with_own_key),
        ("another's signature", forger.identity("ann")),
        (
            "other claims below the signature",
            format!("{}.{claims}.{signature}", good.split('.').next().unwrap()),
        ),
        (
            "a critical header",
            format!("{}.{claims}.{signature}", part(&json!({"alg": "EdDSA", "kid": "k1", "crit": ["x"]}))),
        ),
        ("expired", changed("exp", json!(in_seconds(-60)))),
        ("not yet good", changed("nbf", json!(in_seconds(60)))),
        ("for a game server", changed("aud", json!("game-server"))),
        ("another issuer", changed("iss", json!("https://evil.example"))),
        ("nobody's", changed("sub", json!(""))),
        ("a player who can't be", changed("sub", json!("a\nb"))),
        ("without an end", changed("exp", Value::Null)),
        ("far too long", format!("{good}{}", "x".repeat(9_000))),
    ] {
        let answer = status_as(&stack, &token, TICKET).await;
        answer.assert_problem(401, "UNAUTHENTICATED");
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer realm=\"muster\", error=\"invalid_token\"",
            "{what}"
        );
        assert!(!answer.body.to_string().contains(&token), "{what}: the token is in the answer");
    }
    status_as(&stack, &good, TICKET).await.assert_problem(404, "TICKET_NOT_FOUND");
    stack.finish().await;
}

#[tokio::test]
async fn a_token_in_the_address_is_no_token() {
    let stack = start(&[]).await;
    let path = format!("/v1/matchmaking/status/{TICKET}?token={}", token(&stack, "ann"));
    stack.get(&path).await.assert_problem(401, "UNAUTHENTICATED");
    stack.finish().await;
}

#[tokio::test]
async fn our_keys_are_read_once_and_again_where_a_new_one_signs() {
    let stack = start(&[]).await;
    let reads = || stack.control_plane.state.jwks_reads.load(Ordering::SeqCst);
    assert_eq!(reads(), 0, "nobody needs them yet");
    let first = token(&stack, "ann");
    for _ in 0..5 {
        status_as(&stack, &first, TICKET).await.assert_problem(404, "TICKET_NOT_FOUND");
    }
    assert_eq!(reads(), 1);
    // What strangers make up is not worth a question each.
    let forger = Signer::new("made-up");
    for _ in 0..20 {
        status_as(&stack, &forger.identity("ann"), TICKET).await.assert_problem(401, "UNAUTHENTICATED");
    }
    let after = reads();
    assert!(after <= 2, "{after} reads");
    *stack.control_plane.state.signer.lock() = Some(Signer::new("k2"));
    let second = token(&stack, "ann");
    let known = async {
        while status_as(&stack, &second, TICKET).await.status != 404 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, known).await.expect("the new key is known");
    stack.finish().await;
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_fault_of_the_players() {
    let stack = start(&[]).await;
    // Whatever the control plane is asked at first.
    let away = || Refusal::new(Reason::Unavailable, "away");
    stack.control_plane.state.refusals.lock().extend((0..3).map(|_| away()));
    let token = token(&stack, "ann");
    let answer = status_as(&stack, &token, TICKET).await;
    answer.assert_problem(503, "UNAVAILABLE");
    assert!(!answer.header("retry-after").is_empty() && answer.header("www-authenticate").is_empty());
    stack.control_plane.state.refusals.lock().clear();
    let back = async {
        while status_as(&stack, &token, TICKET).await.status != 404 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, back).await.expect("the keys are there");
    stack.finish().await;
}
