//! Tokens at the door: verified with the keys that are here, and used up at the control plane.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use ::tokens::{Admission, Algorithm, Claims, KeyRing, KeyRingSettings};
use proto::error::{Reason, Refusal};
use serde_json::{Value, json};

use super::{Kind, beside, start, through_both_doors};
use crate::control_plane::ControlPlane;

through_both_doors!(
    a_good_token_is_verified_without_asking_anybody,
    a_new_key_is_fetched_when_its_first_token_comes,
    without_keys_nobody_can_say,
    a_token_is_redeemed,
    what_the_control_plane_refuses_is_told,
);

/// The control plane's keys, in a directory that goes with it.
struct Keys {
    ring: KeyRing,
    dir: PathBuf,
}

impl Keys {
    fn new() -> Self {
        let name = format!("agent-keys-{}", uuid::Uuid::new_v4());
        let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let lifetime = Duration::from_secs(300);
        let settings = KeyRingSettings {
            algorithm: Algorithm::EdDsa,
            token_lifetime: lifetime,
            identity_lifetime: lifetime,
            publish_ahead: Duration::ZERO,
            bits: ::tokens::DEFAULT_BITS,
        };
        Self { ring: KeyRing::open(&dir, settings, SystemTime::now()).unwrap(), dir }
    }

    fn jwks(&self) -> String {
        self.ring.jwks_json(SystemTime::now())
    }

    fn token(&self, change: impl FnOnce(&mut Claims)) -> String {
        let admission = Admission {
            player_id: "ann",
            assignment_id: "a-1",
            match_id: "m-1",
            land_id: "arena:1",
            server_id: "game-1",
        };
        let now = SystemTime::now();
        let mut claims = Claims::admit("muster", admission, now, Duration::from_secs(60));
        change(&mut claims);
        self.ring.sign(&claims, now).unwrap().into_string()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.dir).ok();
    }
}

fn at_the_door(token: &str) -> Value {
    json!({"token": token, "landId": "arena:1"})
}

async fn a_good_token_is_verified_without_asking_anybody(kind: Kind) {
    let (control_plane, keys) = (ControlPlane::start().await, Keys::new());
    *control_plane.shared.jwks.lock() = keys.jwks();
    let door = beside(&control_plane, kind, &[]).await;
    door.ok("jwks", json!({})).await;
    let fetches = control_plane.jwks_fetches();
    let answer = door.ok("verify", at_the_door(&keys.token(|_| {}))).await;
    assert!(answer["expiresAtUnixMs"].as_u64().is_some_and(|at| at > 1_700_000_000_000), "{answer}");
    let expected = json!({
        "playerId": "ann", "assignmentId": "a-1", "matchId": "m-1", "landId": "arena:1", "serverId": "game-1",
        "expiresAtUnixMs": answer["expiresAtUnixMs"],
    });
    assert_eq!(answer, expected);
    let strangers = Keys::new();
    let good = keys.token(|_| {});
    let cases = [
        ("another land", keys.token(|claims| claims.land_id = "arena:2".to_owned())),
        ("another server", keys.token(|claims| claims.server_id = "game-2".to_owned())),
        ("another audience", keys.token(|claims| claims.aud = "edge-gateway".to_owned())),
        ("another issuer", keys.token(|claims| claims.iss = "somebody".to_owned())),
        ("an old one", keys.token(|claims| (claims.iat, claims.exp) = (1_000, 2_000))),
        ("a stranger's", strangers.token(|_| {})),
        ("changed on the way", format!("{}x{}", &good[..good.len() - 5], &good[good.len() - 4..])),
        ("no token", "hello".to_owned()),
    ];
    for (what, token) in cases {
        let refusal = door.refused("verify", at_the_door(&token)).await;
        assert_eq!((refusal.code.as_str(), refusal.retryable), ("TOKEN_INVALID", false), "{what}");
        assert!(!refusal.message.is_empty() && !refusal.message.contains(&token), "{refusal:?}");
    }
    door.ok("verify", at_the_door(&good)).await;
    assert!(control_plane.jwks_fetches() <= fetches + 1, "a stranger's key is looked for once");
    assert!(control_plane.shared.redemptions.lock().is_empty());
    door.stop().await;
}

async fn a_new_key_is_fetched_when_its_first_token_comes(kind: Kind) {
    let control_plane = ControlPlane::start().await;
    let (old, new) = (Keys::new(), Keys::new());
    *control_plane.shared.jwks.lock() = old.jwks();
    let door = beside(&control_plane, kind, &["--token-issuer", "studio"]).await;
    let token = |keys: &Keys| at_the_door(&keys.token(|claims| claims.iss = "studio".to_owned()));
    door.ok("verify", token(&old)).await;
    *control_plane.shared.jwks.lock() = new.jwks();
    door.ok("verify", token(&new)).await;
    assert_eq!(control_plane.jwks_fetches(), 2);
    assert_eq!(door.ok("jwks", json!({})).await, serde_json::from_str::<Value>(&new.jwks()).unwrap());
    door.stop().await;
}

async fn without_keys_nobody_can_say(kind: Kind) {
    let control_plane = ControlPlane::start().await;
    *control_plane.shared.jwks.lock() = "no keys".to_owned();
    let door = beside(&control_plane, kind, &[]).await;
    let refusal = door.refused("verify", at_the_door("a.b.c")).await;
    assert_eq!((refusal.code.as_str(), refusal.retryable), ("UNAVAILABLE", true), "{refusal:?}");
    door.stop().await;
}

async fn a_token_is_redeemed(kind: Kind) {
    let (control_plane, door) = start(kind, &[]).await;
    let asked = json!({"token": "t.t.t", "landId": "arena:1", "redemptionId": "r-1"});
    let expected = json!({
        "playerId": "ann", "assignmentId": "a-1", "matchId": "m-1", "landId": "arena:1", "serverId": "game-1",
        "expiresAtUnixMs": 1_700_000_000_000_u64,
    });
    assert_eq!(door.ok("redeem", asked).await, expected);
    let request = control_plane.shared.redemptions.lock().pop().unwrap();
    assert_eq!((request.server_id.as_str(), request.redemption_id.as_str()), ("game-1", "r-1"));
    door.ok("redeem", at_the_door("t.t.t")).await;
    assert!(!control_plane.shared.redemptions.lock().pop().unwrap().redemption_id.is_empty());
    door.stop().await;
}

async fn what_the_control_plane_refuses_is_told(kind: Kind) {
    let (control_plane, door) = start(kind, &[]).await;
    for reason in [Reason::TokenInvalid, Reason::TokenAlreadyRedeemed, Reason::InvalidRequest] {
        control_plane.shared.refuse_redemptions.lock().push_back(Refusal::new(reason, "because"));
        let refusal = door.refused("redeem", at_the_door("t.t.t")).await;
        let expected = (reason.name(), "because", false);
        assert_eq!((refusal.code.as_str(), refusal.message.as_str(), refusal.retryable), expected);
    }
    let (addr, _shared) = control_plane.go_down().await;
    let refusal = door.refused("redeem", at_the_door("t.t.t")).await;
    assert_eq!((refusal.code.as_str(), refusal.retryable), ("UNAVAILABLE", true), "{addr}: {refusal:?}");
    door.stop().await;
}
