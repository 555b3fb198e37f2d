//! PyJWT reads our tokens and our keys: what a game server in another language would do.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use control_plane::TokenAlgorithm;
use serde_json::{Value, json};
use tests::{Socket, Stack, debian_python};

use super::{assignment, tampered};

/// Reads `{"jwks", "token", "algorithm"}` and prints the claims, or what is wrong.
const VERIFY: &str = r#"
import json, sys, jwt
given = json.load(sys.stdin)
keys = jwt.PyJWKSet.from_dict(given["jwks"])
kid = jwt.get_unverified_header(given["token"])["kid"]
key = next(key for key in keys.keys if key.key_id == kid)
try:
    claims = jwt.decode(given["token"], key.key, algorithms=[given["algorithm"]], audience="game-server", issuer="muster",
        options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]})
    print(json.dumps({"claims": claims}))
except jwt.InvalidTokenError as error:
    print(json.dumps({"refused": type(error).__name__}))
"#;

fn verify(jwks: &Value, token: &str, algorithm: &str) -> Value {
    let mut python = Command::new(debian_python())
        .args(["-c", VERIFY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let given = json!({ "jwks": jwks, "token": token, "algorithm": algorithm }).to_string();
    python.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
    let said = python.wait_with_output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    serde_json::from_slice(&said.stdout).unwrap()
}

#[tokio::test]
async fn it_accepts_ours_and_refuses_what_was_changed() {
    for (algorithm, setting) in
        [("RS256", TokenAlgorithm::Rs256), ("ES256", TokenAlgorithm::Es256), ("EdDSA", TokenAlgorithm::EdDsa)]
    {
        accepts_ours(algorithm, setting).await;
    }
}

async fn accepts_ours(algorithm: &str, setting: TokenAlgorithm) {
    let stack = Stack::builder()
        .control_plane(move |config| {
            config.token_algorithm = setting;
            // The keys that all tests share are RSA: another takes over at once.
            config.jwks_max_age = Duration::ZERO;
        })
        .start()
        .await;
    let client = stack.client();
    let assignment = assignment(&client, "ann").await;
    let token = assignment["matchToken"].as_str().unwrap();
    let (status, jwks) = client.get("/.well-known/jwks.json").await;
    assert_eq!(status, 200, "{jwks}");

    let verified = verify(&jwks, token, algorithm);
    let claims = &verified["claims"];
    for (claim, expected) in [
        ("iss", &json!("muster")),
        ("aud", &json!("game-server")),
        ("sub", &json!("ann")),
        ("playerId", &json!("ann")),
        ("assignmentId", &assignment["assignmentId"]),
        ("matchId", &assignment["matchId"]),
        ("landId", &assignment["landId"]),
        ("serverId", &assignment["serverId"]),
    ] {
        assert_eq!(&claims[claim], expected, "{claim} in {verified}");
    }
    assert!(claims["jti"].as_str().is_some_and(|id| !id.is_empty()), "{verified}");
    assert!(claims["exp"].as_u64() > claims["iat"].as_u64(), "{verified}");

    let refused = json!({ "refused": "InvalidSignatureError" });
    assert_eq!(verify(&jwks, &tampered(token, "playerId", json!("eve")), algorithm), refused);
    assert_eq!(verify(&jwks, &tampered(token, "exp", json!(4_000_000_000_u64)), algorithm), refused);
    let other = if algorithm == "RS256" { "ES256" } else { "RS256" };
    assert_eq!(verify(&jwks, token, other), json!({ "refused": "InvalidAlgorithmError" }));
    Socket::play(&assignment, "ann").await.next_of("state").await;
}
