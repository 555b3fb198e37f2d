//! What players prove themselves with is in nobody's log, however much is logged.

use serde_json::json;
use tests::{Client, Program, Socket, eventually};

use super::Guest;

#[tokio::test]
async fn no_token_is_in_any_log_at_trace_level() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (keys, state) = (path("keys"), path("state"));
    #[rustfmt::skip]
    let control_plane = Program::start("control-plane", &[
        "--grpc-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--keys-dir", &keys, "--state-dir", &state,
        "--log", "trace",
    ]);
    let grpc = format!("http://{}", control_plane.logged("addr").await);
    #[rustfmt::skip]
    let gateway = Program::start("edge-gateway", &[
        "--client-addr", "127.0.0.1:0", "--internal-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0",
        "--control-plane", &grpc, "--guest-identity", "--log", "trace",
    ]);
    let url = format!("http://{}", gateway.logged("clients").await);
    let client = Client::new(url.clone());
    eventually("the gateway to serve", async || (client.get("/health").await.0 == 200).then_some(())).await;

    let (ann, bob) = (Guest::of(&client).await, Guest::of(&client).await);
    let forged = format!("{}x", ann.token);
    let key = "mk_a-key-that-nobody-knows".to_owned();
    let body =
        json!({ "queueKey": "q:4", "members": [ann.id, bob.id], "memberTokens": { &bob.id: bob.token } });
    let (status, enqueued) = ann.client.post("/v1/matchmaking/enqueue", &body).await;
    assert_eq!(status, 201, "{enqueued}");
    let ticket = enqueued["ticketId"].as_str().unwrap();
    for bad in [&forged, &key] {
        assert_eq!(client.bearing(bad).get(&format!("/v1/matchmaking/status/{ticket}")).await.0, 401);
    }
    let mut wrong = body.clone();
    wrong["memberTokens"] = json!({ &bob.id: forged });
    assert_eq!(ann.client.post("/v1/matchmaking/enqueue", &wrong).await.0, 403);

    let realtime = format!("{}/realtime", url.replacen("http", "ws", 1));
    let protocols = format!("muster.v1, bearer.{}", ann.token);
    let mut by_protocol = Socket::open_with(&realtime, [("sec-websocket-protocol", protocols)]).await;
    let mut by_header = ann.client.socket("/realtime").await;
    let mut by_message = Socket::open(&realtime).await;
    by_message.send(&json!({ "action": "authenticate", "token": ann.token })).await;
    by_message.next_of("authenticated").await;
    for socket in [&mut by_protocol, &mut by_header, &mut by_message] {
        let enqueue = json!({
            "action": "enqueue", "queueKey": "q:4", "members": [ann.id, bob.id], "memberTokens": { &bob.id: forged }
        });
        socket.send(&enqueue).await;
        socket.next_of("error").await;
    }
    drop((by_protocol, by_header, by_message));

    let (mut gateway, mut control_plane) = (gateway, control_plane);
    for program in [&mut gateway, &mut control_plane] {
        program.signal("TERM");
        program.ended().await;
    }
    // A signature is told from another by its last bytes: the whole of a token need not be there to be of use.
    let parts = |token: &str| token.rsplit('.').next().unwrap()[..40].to_owned();
    let secrets = [parts(&ann.token), parts(&bob.token), key];
    for (name, program) in [("gateway", &gateway), ("control plane", &control_plane)] {
        let lines = program.log();
        let low = |line: &String| line.contains("\"TRACE\"") || line.contains("\"DEBUG\"");
        assert!(lines.iter().any(low), "the {name} logs more than usual");
        for secret in &secrets {
            let in_hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let found = lines.iter().find(|line| line.contains(secret) || line.contains(&in_hex));
            assert!(found.is_none(), "in the {name}'s log: {}", found.unwrap());
        }
    }
}
