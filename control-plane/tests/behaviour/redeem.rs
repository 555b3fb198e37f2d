//! Redeeming: which tokens are taken, and that each is taken once, whatever happens in between.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use control_plane::{Config, Durability, Role, State};
use futures_util::future::join_all;
use proto::{
    error::{Reason, Refusal},
    keys::v1::{IssueIdentityRequest, RedeemTokenRequest, RedeemTokenResponse},
};
use tokens::{Admission, Algorithm, Claims, DEFAULT_BITS, KeyRing, KeyRingSettings};

use crate::{
    replicas::Shared,
    stack::{Stack, config, keys},
};

/// The keys of a control plane, for who signs what it wouldn't.
fn ring(dir: &Path) -> KeyRing {
    let settings = KeyRingSettings {
        algorithm: Algorithm::Rs256,
        token_lifetime: Duration::from_secs(300),
        identity_lifetime: Duration::from_secs(300),
        publish_ahead: Duration::from_secs(300),
        bits: DEFAULT_BITS,
    };
    KeyRing::open(&dir.join("keys"), settings, SystemTime::now()).unwrap()
}

fn claims() -> Claims {
    let admission = Admission {
        player_id: "ann",
        assignment_id: "a-1",
        match_id: "m-1",
        land_id: "demo:1",
        server_id: "s-1",
    };
    Claims::admit("muster", admission, SystemTime::now(), Duration::from_secs(60))
}

fn token(ring: &KeyRing) -> String {
    ring.sign(&claims(), SystemTime::now()).unwrap().into_string()
}

fn request(token: &str, redemption: &str) -> RedeemTokenRequest {
    RedeemTokenRequest {
        token: token.to_owned(),
        land_id: "demo:1".to_owned(),
        server_id: "s-1".to_owned(),
        redemption_id: redemption.to_owned(),
    }
}

async fn redeem(stack: &Stack, request: RedeemTokenRequest) -> Result<RedeemTokenResponse, Refusal> {
    let answer = stack.keys().redeem_token(request).await;
    answer.map(tonic::Response::into_inner).map_err(|status| Refusal::from_status(&status))
}

async fn used_before(stack: &Stack, token: &str, redemption: &str) {
    let refused = redeem(stack, request(token, redemption)).await.unwrap_err();
    assert_eq!(refused.reason, Reason::TokenAlreadyRedeemed);
    assert!(refused.message.contains("reading their ticket"), "{}", refused.message);
}

#[tokio::test]
async fn a_redemption_may_be_repeated_and_another_is_refused() {
    let dir = keys();
    let config = Config { keys_dir: dir.path().join("keys"), ..config() };
    let stack = Stack::with_own_keys(config, &[]).await;
    let token = token(&ring(dir.path()));
    let first = redeem(&stack, request(&token, "r-1")).await.unwrap();
    assert_eq!((first.player_id.as_str(), first.match_id.as_str()), ("ann", "m-1"));
    for _ in 0..3 {
        assert_eq!(redeem(&stack, request(&token, "r-1")).await.unwrap(), first);
        used_before(&stack, &token, "r-2").await;
        used_before(&stack, &token, "").await;
    }
    stack.stop().await;
}

#[tokio::test]
async fn without_a_name_each_call_is_a_redemption_of_its_own() {
    let dir = keys();
    let config = Config { keys_dir: dir.path().join("keys"), ..config() };
    let stack = Stack::with_own_keys(config, &[]).await;
    let token = token(&ring(dir.path()));
    redeem(&stack, request(&token, "")).await.unwrap();
    used_before(&stack, &token, "").await;
    stack.stop().await;
}

#[tokio::test]
async fn a_token_for_elsewhere_is_refused_with_the_place_and_not_used_up() {
    let dir = keys();
    let config = Config { keys_dir: dir.path().join("keys"), ..config() };
    let stack = Stack::with_own_keys(config, &[]).await;
    let token = token(&ring(dir.path()));
    for (land, server, said) in [
        ("demo:2", "s-1", "it is for the land \"demo:1\" and not for \"demo:2\""),
        ("demo:1", "s-2", "it is for the server \"s-1\" and this is \"s-2\""),
    ] {
        let elsewhere = RedeemTokenRequest {
            land_id: land.to_owned(),
            server_id: server.to_owned(),
            ..request(&token, "r")
        };
        let refused = redeem(&stack, elsewhere).await.unwrap_err();
        assert_eq!(refused.reason, Reason::TokenInvalid);
        assert!(refused.message.contains(said), "{}", refused.message);
    }
    redeem(&stack, request(&token, "r-1")).await.unwrap();
    stack.stop().await;
}

#[tokio::test]
async fn of_many_at_once_one_gets_in() {
    let dir = keys();
    let config = Config { keys_dir: dir.path().join("keys"), ..config() };
    let stack = Stack::with_own_keys(config, &[]).await;
    let token = token(&ring(dir.path()));
    let names: Vec<_> = (0..40).map(|number| format!("r-{}", number / 2)).collect();
    let tries = join_all(names.iter().map(|name| redeem(&stack, request(&token, name)))).await;
    let won: Vec<_> =
        names.iter().zip(&tries).filter(|(_, tried)| tried.is_ok()).map(|(name, _)| name).collect();
    assert!(won.len() == 2 && won[0] == won[1], "one redemption, though it was asked for twice: {won:?}");
    stack.stop().await;
}

#[tokio::test]
async fn what_was_redeemed_survives_a_restart() {
    let dir = keys();
    let embedded = || Config {
        keys_dir: dir.path().join("keys"),
        state: State::Embedded,
        state_dir: dir.path().join("state"),
        durability: Durability::Flush,
        ..config()
    };
    let token = token(&ring(dir.path()));
    let stack = Stack::with_own_keys(embedded(), &[]).await;
    let first = redeem(&stack, request(&token, "r-1")).await.unwrap();
    stack.stop().await;

    let stack = Stack::with_own_keys(embedded(), &[]).await;
    used_before(&stack, &token, "r-2").await;
    let again = redeem(&stack, request(&token, "r-1")).await.unwrap();
    assert_eq!(again, first, "an answer that was lost with the process can still be had");
    stack.stop().await;
}

#[tokio::test]
async fn what_one_replica_redeemed_no_other_does() {
    let shared = Shared::new();
    let replicas = [shared.replica(Role::Api).await, shared.replica(Role::Api).await];
    let token = token(&ring(shared.keys()));
    redeem(&replicas[0], request(&token, "r-1")).await.unwrap();
    used_before(&replicas[1], &token, "r-2").await;
    redeem(&replicas[1], request(&token, "r-1")).await.unwrap();
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn what_is_no_match_token_of_ours_is_invalid() {
    let dir = keys();
    let config = Config { keys_dir: dir.path().join("keys"), ..config() };
    let stack = Stack::with_own_keys(config, &[]).await;
    let ring = ring(dir.path());
    let signed = |change: fn(&mut Claims)| {
        let mut claims = claims();
        change(&mut claims);
        ring.sign(&claims, SystemTime::now()).unwrap().into_string()
    };
    let good = token(&ring);
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let identity = IssueIdentityRequest { player_id: "ann".to_owned(), lifetime_ms: 0 };
    let identity = stack.keys().issue_identity(identity).await.unwrap().into_inner().token;
    let theirs = tempfile::tempdir().unwrap();
    for (what, bad) in [
        ("an identity", identity),
        ("another installation's", token(&self::ring(theirs.path()))),
        // {"alg":"none"}
        ("unsigned", format!("eyJhbGciOiJub25lIn0.{payload}.")),
        ("without its signature", format!("{header}.{payload}.")),
        (
            "with another's claims",
            format!("{header}.{}.{signature}", token(&ring).split('.').nth(1).unwrap()),
        ),
        ("padded", format!("{good}=")),
        ("with a space", format!("{good} ")),
        ("with four parts", format!("{good}.{signature}")),
        ("with another issuer", signed(|claims| claims.iss = "elsewhere".to_owned())),
        ("for others", signed(|claims| claims.aud = "shop".to_owned())),
        ("expired", signed(|claims| (claims.iat, claims.exp) = (claims.iat - 100, claims.iat - 50))),
        ("garbage", "garbage".to_owned()),
    ] {
        let refused = redeem(&stack, request(&bad, "r")).await.unwrap_err();
        assert_eq!(refused.reason, Reason::TokenInvalid, "{what}: {refused:?}");
        assert!(!refused.message.contains(&bad), "{what}: {}", refused.message);
    }
    let refused = redeem(&stack, request(&"x".repeat(9_000), "r")).await.unwrap_err();
    assert_eq!((refused.reason, refused.fields[0].field.as_str()), (Reason::InvalidRequest, "token"));
    redeem(&stack, request(&good, "r-1")).await.unwrap();
    stack.stop().await;
}
