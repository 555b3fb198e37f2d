//! Keys over gRPC: what tokens are verified with, and that each is used once.

use std::time::{Duration, Instant, SystemTime};

use crate::agent::{Agent, hello};
use crate::stack::{PATIENCE, Stack, config, keys, refusal};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use control_plane::{Config, TokenAlgorithm};
use proto::{
    error::Reason,
    keys::v1::{
        GetJwksRequest, IssueIdentityRequest, Key, KeyState, ListKeysRequest, RedeemTokenRequest,
        RotateKeysRequest,
    },
};
use tokens::{Expected, Verifier};

#[tokio::test]
async fn a_token_is_verified_offline_and_redeemed_once() {
    let stack = Stack::start().await;
    let server = Agent::start(&stack, hello("s-1")).await.make_all_lands();
    let id = stack.enqueue("demo", &["p"]).await;
    let assignment = stack.assignment(&id).await;

    let jwks = stack.keys().get_jwks(GetJwksRequest {}).await.unwrap().into_inner();
    let verifier = Verifier::from_jwks(&jwks.jwks_json, "muster").unwrap();
    let expected = Expected::land(&assignment.land_id).on_server("s-1");
    let claims = verifier.verify(&assignment.match_token, &expected, SystemTime::now()).unwrap();
    assert_eq!((claims.player_id.as_str(), claims.sub.as_str()), ("p", "p"));
    assert_eq!(
        (claims.assignment_id, claims.match_id),
        (assignment.assignment_id.clone(), assignment.match_id)
    );
    assert!(claims.exp * 1000 <= assignment.expires_at_unix_ms);

    let request = RedeemTokenRequest {
        token: assignment.match_token,
        land_id: assignment.land_id,
        server_id: "s-1".to_owned(),
        redemption_id: String::new(),
    };
    let elsewhere = RedeemTokenRequest { land_id: "demo:other".to_owned(), ..request.clone() };
    assert_eq!(refusal(stack.keys().redeem_token(elsewhere).await).reason, Reason::TokenInvalid);
    let redeemed = stack.keys().redeem_token(request.clone()).await.unwrap().into_inner();
    assert_eq!((redeemed.player_id.as_str(), redeemed.assignment_id), ("p", assignment.assignment_id));
    assert_eq!(refusal(stack.keys().redeem_token(request).await).reason, Reason::TokenAlreadyRedeemed);
    stack.stop().await;
    server.abort();
}

#[tokio::test]
async fn a_rotated_key_is_published_before_it_signs() {
    let stack = Stack::start().await;
    let rotated = stack.keys().rotate_keys(RotateKeysRequest {}).await.unwrap().into_inner();
    let again = stack.keys().rotate_keys(RotateKeysRequest {}).await.unwrap().into_inner();
    assert_eq!(rotated, again, "a new key that still waits is the one");
    let jwks = stack.keys().get_jwks(GetJwksRequest {}).await.unwrap().into_inner();
    assert!(jwks.jwks_json.contains(&rotated.kid) && jwks.max_age_s > 0);
    stack.stop().await;
}

/// Two control planes that share a key directory and nothing else, and cache keys for as long as they do in production.
async fn two_of(first: Config, second: Config) -> (tempfile::TempDir, [Stack; 2]) {
    let shared = keys();
    let sharing = |config| Config { keys_dir: shared.path().join("keys"), ..config };
    let replicas =
        [Stack::with_own_keys(sharing(first), &[]).await, Stack::with_own_keys(sharing(second), &[]).await];
    (shared, replicas)
}

async fn keys_of(stack: &Stack) -> Vec<Key> {
    stack.keys().list_keys(ListKeysRequest {}).await.unwrap().into_inner().keys
}

/// Waits until a replica publishes the key, and says how long that took.
async fn published_after(stack: &Stack, kid: &str) -> Duration {
    let begun = Instant::now();
    let published = async {
        while !keys_of(stack).await.iter().any(|key| key.kid == kid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, published).await.expect("the other replica publishes it");
    begun.elapsed()
}

#[tokio::test]
async fn a_key_that_one_replica_made_is_published_by_the_others_within_a_second() {
    let (_keys, replicas) = two_of(config(), config()).await;
    let before = keys_of(&replicas[1]).await;
    let rotated = replicas[0].keys().rotate_keys(RotateKeysRequest {}).await.unwrap().into_inner();
    let took = published_after(&replicas[1], &rotated.kid).await;
    // Half a second by its clock; the rest is for a machine that has much else to do.
    assert!(took < Duration::from_secs(3), "{took:?}");
    let both = [keys_of(&replicas[0]).await, keys_of(&replicas[1]).await];
    assert_eq!(both[0], both[1]);
    let states: Vec<_> = both[0].iter().map(Key::state).collect();
    assert_eq!(states, [KeyState::Signing, KeyState::Waiting]);
    assert_eq!(both[0][0].kid, before[0].kid, "nothing signs with it before every cache has it");
    assert_eq!(both[0][1].signs_from_unix_ms, rotated.signs_from_unix_ms);
    assert!(both[0][0].published_until_unix_ms > rotated.signs_from_unix_ms);
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn tokens_from_before_a_rotation_are_good_at_every_replica_after_it() {
    let quick = || Config { jwks_max_age: Duration::from_millis(400), ..config() };
    let (_keys, replicas) = two_of(quick(), quick()).await;
    let token = async |stack: &Stack| {
        let request = IssueIdentityRequest { player_id: "ann".to_owned(), lifetime_ms: 0 };
        stack.keys().issue_identity(request).await.unwrap().into_inner().token
    };
    let old = token(&replicas[0]).await;
    let rotated = replicas[0].keys().rotate_keys(RotateKeysRequest {}).await.unwrap().into_inner();
    let signs = async {
        loop {
            let new = token(&replicas[1]).await;
            if header(&new)["kid"] == rotated.kid.as_str() {
                break new;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let new = tokio::time::timeout(PATIENCE, signs).await.expect("the other replica signs with it");
    for replica in &replicas {
        let jwks = replica.keys().get_jwks(GetJwksRequest {}).await.unwrap().into_inner().jwks_json;
        let verifier = Verifier::from_jwks(&jwks, "muster").unwrap();
        for token in [&old, &new] {
            assert_eq!(verifier.verify_identity(token, SystemTime::now()).unwrap().sub, "ann");
        }
    }
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn another_algorithm_is_a_rotation_that_all_replicas_follow() {
    let other = Config { token_algorithm: TokenAlgorithm::EdDsa, ..config() };
    let (_keys, replicas) = two_of(config(), other).await;
    let newest = keys_of(&replicas[1]).await.pop().unwrap();
    assert_eq!((newest.algorithm.as_str(), newest.state()), ("EdDSA", KeyState::Waiting));
    published_after(&replicas[0], &newest.kid).await;
    let algorithms: Vec<_> = keys_of(&replicas[0]).await.into_iter().map(|key| key.algorithm).collect();
    assert_eq!(algorithms, ["RS256", "EdDSA"]);
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn an_identity_lives_as_long_as_was_asked_and_no_longer_than_is_allowed() {
    let longest = Duration::from_secs(60);
    let stack = Stack::with(Config { identity_lifetime: longest, ..config() }, &[]).await;
    let jwks = stack.keys().get_jwks(GetJwksRequest {}).await.unwrap().into_inner().jwks_json;
    let verifier = Verifier::from_jwks(&jwks, "muster").unwrap();
    for (asked, seconds) in [(0, 60), (60_000, 60), (1_999, 1)] {
        let request = IssueIdentityRequest { player_id: "ann".to_owned(), lifetime_ms: asked };
        let issued = stack.keys().issue_identity(request).await.unwrap().into_inner();
        let claims = verifier.verify_identity(&issued.token, SystemTime::now()).unwrap();
        assert_eq!((claims.sub.as_str(), claims.exp - claims.iat), ("ann", seconds));
        assert_eq!(issued.expires_at_unix_ms, claims.exp * 1000);
        let elsewhere = verifier.verify(&issued.token, &Expected::land("demo:1"), SystemTime::now());
        elsewhere.expect_err("it lets nobody into a land");
    }
    for (player, lifetime_ms, field) in [
        ("", 0, "player_id"),
        ("a\nb", 0, "player_id"),
        ("ann", 999, "lifetime_ms"),
        ("ann", 60_001, "lifetime_ms"),
    ] {
        let request = IssueIdentityRequest { player_id: player.to_owned(), lifetime_ms };
        let refused = refusal(stack.keys().issue_identity(request).await);
        assert_eq!((refused.reason, refused.fields[0].field.as_str()), (Reason::InvalidRequest, field));
    }
    stack.stop().await;
}

/// A token's header, unverified.
fn header(token: &str) -> serde_json::Value {
    let text = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[tokio::test]
async fn a_redemption_with_bad_fields_names_them() {
    let stack = Stack::start().await;
    let refused = refusal(stack.keys().redeem_token(RedeemTokenRequest::default()).await);
    let fields: Vec<_> = refused.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["token", "land_id", "server_id"]);
    stack.stop().await;
}
