//! All of it in one process: `muster dev`, as talkative as it can be.

use reqwest::Method;
use serde_json::Value;
use tests::{Client, Program, Socket};

use crate::{
    scenario::{Known, mistaken},
    search::{Secrets, Written},
};

#[tokio::test]
async fn no_secret_is_anywhere_where_all_run_in_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (any, two) = ("127.0.0.1:0", "127.0.0.1:0,127.0.0.1:0");
    #[rustfmt::skip]
    let mut dev = Program::start("muster", &[
        "dev", "--gateway-addr", any, "--internal-addr", any, "--control-plane-addr", any, "--server-addrs", two,
        "--agent-addrs", two, "--keys", &path("keys"), "--state-dir", &path("state"), "--log", "trace",
    ]);
    let row = |line: &str| {
        line.trim_start().strip_prefix("gateway  ")?.split_whitespace().next().map(str::to_owned)
    };
    let gateway = Client::new(dev.printed("the gateway's address", row).await);
    dev.printed("how to stop it", |line| line.contains("Ctrl-C").then_some(())).await;

    let (mut secrets, mut written) = (Secrets::default(), Written::default());
    let (status, made) = gateway.post("/v1/identity/guest", &Value::Null).await;
    assert_eq!(status, 201, "{made}");
    let guest = Known::of(&gateway, &made, &mut secrets);
    let ticket = guest.client.enqueue("hero-defense", &[&guest.id]).await;
    let assignment = guest.client.assignment(&ticket).await;
    secrets.token("the match token", assignment["matchToken"].as_str().unwrap());
    secrets.token("the player's token", assignment["playerTokens"][&guest.id].as_str().unwrap());
    Socket::play(&assignment, &guest.id).await.next_of("state").await;
    let wrong = mistaken();
    secrets.text("what is no token", &wrong);
    let (status, refused) = gateway.bearing(&wrong).call(Method::GET, "/v1/matchmaking/status/x", None).await;
    assert_eq!(status, 401, "{refused}");
    written.add("the refusal", refused.to_string());

    dev.signal("TERM");
    assert!(dev.ended().await.success());
    let log = dev.log().join("\n");
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "it logs more than usual: {log}");
    written.add("the log", log);
    written.add("the output", dev.output());
    written.add_files(dir.path(), &[dir.path().join("keys")]);
    secrets.signing_keys(&dir.path().join("keys"));
    secrets.are_nowhere_in(&written);
}
