//! Match tokens at the door of a real game server, and in the hands of a library that nobody here wrote.

mod pyjwt;

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use muster::demo_server::Redeem;
use proto::keys::v1::{IssueIdentityRequest, keys_client::KeysClient};
use rsa::{
    BigUint, RsaPrivateKey, RsaPublicKey,
    pkcs1::EncodeRsaPrivateKey as _,
    pkcs8::{EncodePublicKey as _, LineEnding},
    rand_core::OsRng,
};
use serde_json::{Value, json};
use tests::{Client, Socket, Stack, eventually};
use tokens::{Claims, DEFAULT_BITS, KeyRing, KeyRingSettings};
use tonic::transport::Endpoint;

/// An assignment of one player, and everything that a forger could know or steal.
struct Door {
    stack: Stack,
    assignment: Value,
    token: String,
    claims: Claims,
    /// The control plane's own keys.
    ring: KeyRing,
}

impl Door {
    async fn new() -> Self {
        let stack = Stack::builder().start().await;
        let assignment = assignment(&stack.client(), "ann").await;
        let token = assignment["matchToken"].as_str().unwrap().to_owned();
        let claims = serde_json::from_value(part(&token, 1)).unwrap();
        let settings = KeyRingSettings {
            algorithm: tokens::Algorithm::Rs256,
            token_lifetime: Duration::from_secs(300),
            identity_lifetime: Duration::from_secs(300),
            publish_ahead: Duration::from_secs(300),
            bits: DEFAULT_BITS,
        };
        let ring = KeyRing::open(&stack.keys_dir(), settings, SystemTime::now()).unwrap();
        Self { stack, assignment, token, claims, ring }
    }

    /// A rightly signed token whose claims are not what the control plane would have signed.
    fn signed(&self, change: impl FnOnce(&mut Claims)) -> String {
        let mut claims = self.claims.clone();
        change(&mut claims);
        self.ring.sign(&claims, SystemTime::now()).unwrap().into_string()
    }

    /// The header of the control plane's tokens, with another algorithm.
    fn header(&self, algorithm: Algorithm) -> Header {
        Header { kid: part(&self.token, 0)["kid"].as_str().map(str::to_owned), ..Header::new(algorithm) }
    }

    /// A token by which the gateway knows the player, and nobody else.
    async fn identity(&self) -> String {
        let channel = Endpoint::from_shared(self.stack.control_plane_url()).unwrap().connect().await.unwrap();
        let mut keys = KeysClient::new(channel);
        let request = IssueIdentityRequest { player_id: "ann".to_owned(), lifetime_ms: 0 };
        keys.issue_identity(request).await.unwrap().into_inner().token
    }

    /// How the game server answers to a token.
    async fn knock(&self, token: &str) -> (u16, String) {
        Socket::play_with(&self.assignment, token).await.closed().await
    }

    async fn public_key(&self) -> RsaPublicKey {
        let (status, jwks) = self.stack.client().get("/.well-known/jwks.json").await;
        assert_eq!(status, 200, "{jwks}");
        let number = |name: &str| {
            let text = jwks["keys"][0][name].as_str().unwrap();
            BigUint::from_bytes_be(&URL_SAFE_NO_PAD.decode(text).unwrap())
        };
        RsaPublicKey::new(number("n"), number("e")).unwrap()
    }
}

async fn assignment(client: &Client, player: &str) -> Value {
    let ticket = client.enqueue("demo", &[player]).await;
    client.assignment(&ticket).await
}

/// A part of a token, unverified.
fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// A token with one claim changed, and its signature left as it was.
fn tampered(token: &str, claim: &str, value: Value) -> String {
    let mut claims = part(token, 1);
    claims[claim] = value;
    let parts: Vec<&str> = token.split('.').collect();
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

#[tokio::test]
async fn what_is_not_this_lands_token_is_closed_with_4401_and_the_way_out() {
    let door = Door::new().await;
    let other = assignment(&door.stack.client(), "bob").await;
    let theirs = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
    let theirs = EncodingKey::from_rsa_der(theirs.to_pkcs1_der().unwrap().as_bytes());
    let public = door.public_key().await.to_public_key_pem(LineEnding::LF).unwrap();
    let public = EncodingKey::from_secret(public.as_bytes());
    let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "typ": "JWT" }).to_string());
    let payload = door.token.split('.').nth(1).unwrap();
    let foreign = Header { kid: Some("theirs".to_owned()), ..Header::new(Algorithm::RS256) };
    let rs256 = door.header(Algorithm::RS256);
    let now = door.claims.iat;

    for (what, token, part) in [
        ("empty", String::new(), "send the matchToken"),
        ("garbage", "garbage".to_owned(), "send the matchToken"),
        ("three parts of garbage", "a.b.c".to_owned(), "send the matchToken"),
        ("too long", "x".repeat(9_000), "send the matchToken"),
        ("unsigned", format!("{none}.{payload}."), "(alg none): send the matchToken"),
        (
            "HS256 with the public key",
            jsonwebtoken::encode(&door.header(Algorithm::HS256), &door.claims, &public).unwrap(),
            "EdDSA: send the matchToken",
        ),
        (
            "another key under our kid",
            jsonwebtoken::encode(&rs256, &door.claims, &theirs).unwrap(),
            "signature is wrong: it was changed",
        ),
        (
            "another key",
            jsonwebtoken::encode(&foreign, &door.claims, &theirs).unwrap(),
            "fetch the JWK Set once more",
        ),
        ("changed", tampered(&door.token, "playerId", json!("eve")), "find a new match"),
        (
            "expired",
            door.signed(|claims| (claims.iat, claims.exp) = (now - 100, now - 40)),
            "ask for the ticket's status to get a new one",
        ),
        (
            "another land's",
            other["matchToken"].as_str().unwrap().to_owned(),
            "connect to the connectUrl that came with the token: it is for the land",
        ),
        (
            "another server's",
            door.signed(|claims| claims.server_id = "server-2".to_owned()),
            "connect to the connectUrl that came with the token: it is for the server",
        ),
        (
            "another issuer's",
            door.signed(|claims| claims.iss = "elsewhere".to_owned()),
            "set the same issuer here and in the control plane",
        ),
        ("for others", door.signed(|claims| claims.aud = "shop".to_owned()), "send the matchToken"),
        ("an identity", door.identity().await, "meant for \"edge-gateway\" and not for \"game-server\""),
        ("padded", format!("{}=", door.token), "send the matchToken"),
        ("with more parts", format!("{}.e30", door.token), "send the matchToken"),
    ] {
        let (code, reason) = door.knock(&token).await;
        assert_eq!((code, reason.contains(part)), (4401, true), "{what}: {code} {reason}");
    }
    let url = door.assignment["connectUrl"].as_str().unwrap();
    let (code, reason) = Socket::open(url).await.closed().await;
    assert_eq!((code, reason.contains("add &token=<your matchToken>")), (4401, true), "{reason}");

    // After all that, the right one is still good.
    Socket::play(&door.assignment, "ann").await.next_of("state").await;
}

#[tokio::test]
async fn a_token_lets_its_player_in_once_and_the_ticket_has_another() {
    let stack = Stack::builder().start().await;
    let client = stack.client();
    let ticket = client.enqueue("demo", &["ann"]).await;
    let assignment = client.assignment(&ticket).await;
    let mut game = Socket::play(&assignment, "ann").await;
    game.next_of("state").await;
    for _ in 0..2 {
        let (code, reason) = Socket::play(&assignment, "ann").await.closed().await;
        assert_eq!((code, reason.contains("ask for the ticket's status")), (4401, true), "{reason}");
    }
    game.send(&json!({ "action": "Play" })).await;
    game.next_of("state").await;

    let again = client.assignment(&ticket).await;
    assert_eq!(again["landId"], assignment["landId"]);
    Socket::play(&again, "ann").await.next_of("state").await;
    assert_eq!(game.closed().await.0, 4000, "the newer connection takes over");
}

#[tokio::test]
async fn who_does_not_redeem_lets_a_token_in_for_as_long_as_it_lives() {
    let stack = Stack::builder().demo_server(|config| config.redeem = Redeem::Never).start().await;
    let assignment = assignment(&stack.client(), "ann").await;
    for _ in 0..3 {
        Socket::play(&assignment, "ann").await.next_of("state").await;
    }
}

#[tokio::test]
async fn a_player_who_was_not_announced_and_a_land_that_is_not_there() {
    let door = Door::new().await;
    let (code, reason) = door.knock(&door.signed(|claims| claims.player_id = "eve".to_owned())).await;
    assert_eq!((code, reason.as_str()), (4403, "you are not one of this land's players"));

    let url = door.assignment["connectUrl"].as_str().unwrap();
    let land = door.assignment["landId"].as_str().unwrap();
    let gone = format!("{}x", &land[..land.len() - 1]);
    let token = door.signed(|claims| claims.land_id.clone_from(&gone));
    let other_type = url.replace("/game/demo", "/game/hero-defense");
    for (what, url) in [
        ("a land that has ended", format!("{}&token={token}", url.replace(land, &gone))),
        ("a land of another type", format!("{other_type}&token={}", door.token)),
    ] {
        let (code, reason) = Socket::open(&url).await.closed().await;
        assert_eq!((code, reason.contains("it may have ended")), (4404, true), "{what}: {code} {reason}");
    }
}

#[tokio::test]
async fn a_token_that_was_good_is_refused_when_its_time_is_over() {
    let lifetime = Duration::from_secs(1);
    let stack = Stack::builder().control_plane(move |config| config.token_lifetime = lifetime).start().await;
    let assignment = assignment(&stack.client(), "ann").await;
    let token = assignment["matchToken"].as_str().unwrap();
    let expires = Duration::from_secs(part(token, 1)["exp"].as_u64().unwrap());
    // It counts from the match, not from the delivery.
    assert!(SystemTime::UNIX_EPOCH + expires <= SystemTime::now() + lifetime, "{expires:?}");
    Socket::play_with(&assignment, token).await.next_of("state").await;

    let over = SystemTime::UNIX_EPOCH + expires + tokens::DEFAULT_LEEWAY;
    eventually("the token's time to be over", async || (SystemTime::now() > over).then_some(())).await;
    let (code, reason) = Socket::play_with(&assignment, token).await.closed().await;
    assert_eq!((code, reason.contains("ask for the ticket's status")), (4401, true), "{reason}");
}
