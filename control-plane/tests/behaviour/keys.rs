//! Keys over gRPC: what tokens are verified with, and that each is used once.

use std::time::{Duration, SystemTime};

use crate::agent::{Agent, hello};
use crate::stack::{PATIENCE, Stack, config, keys, refusal};
use control_plane::Config;
use proto::{
    error::Reason,
    keys::v1::{GetJwksRequest, RedeemTokenRequest, RotateKeysRequest},
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

#[tokio::test]
async fn a_key_that_one_replica_made_is_published_by_the_others() {
    let shared = keys();
    let config =
        || Config { keys_dir: shared.path().join("keys"), jwks_max_age: Duration::from_secs(1), ..config() };
    let replicas = [Stack::with_own_keys(config(), &[]).await, Stack::with_own_keys(config(), &[]).await];
    let rotated = replicas[0].keys().rotate_keys(RotateKeysRequest {}).await.unwrap().into_inner();
    let published = async {
        loop {
            let jwks = replicas[1].keys().get_jwks(GetJwksRequest {}).await.unwrap().into_inner();
            if jwks.jwks_json.contains(&rotated.kid) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, published).await.expect("the other replica publishes it");
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn a_redemption_with_bad_fields_names_them() {
    let stack = Stack::start().await;
    let refused = refusal(stack.keys().redeem_token(RedeemTokenRequest::default()).await);
    let fields: Vec<_> = refused.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["token", "land_id", "server_id"]);
    stack.stop().await;
}
