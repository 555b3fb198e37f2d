//! What happens when a part goes away, and comes back.

use serde_json::json;
use tests::{PATIENCE, Stack, eventually};

#[tokio::test]
async fn the_control_plane_goes_and_comes_back() {
    let mut stack = Stack::builder().start().await;
    let client = stack.client();
    assert_eq!(client.get("/health").await, (200, json!({ "ok": true })));
    let mut socket = client.socket("/realtime").await;

    stack.stop_control_plane().await;
    eventually("the gateway to notice", async || (client.get("/health").await.0 == 503).then_some(())).await;
    let (status, problem) =
        client.post("/v1/matchmaking/enqueue", &json!({ "queueKey": "demo", "members": ["ann"] })).await;
    assert_eq!((status, &problem["code"], &problem["retryable"]), (503, &json!("UNAVAILABLE"), &json!(true)));
    assert!(!problem.to_string().contains("127.0.0.1"), "no inner address reaches a client: {problem}");
    socket.send(&json!({ "action": "enqueue", "queueKey": "demo", "members": ["ann"] })).await;
    assert_eq!(socket.next_of("error").await["code"], "UNAVAILABLE");

    stack.start_control_plane().await;
    stack.servers_ready(1).await;
    eventually("the gateway to be well", async || (client.get("/health").await.0 == 200).then_some(())).await;
    // The same socket goes on.
    socket.send(&json!({ "action": "enqueue", "queueKey": "demo", "members": ["ann"] })).await;
    let assigned = tokio::time::timeout(PATIENCE, socket.next_of("match.assigned")).await.unwrap();
    assert!(assigned["data"]["assignment"]["matchToken"].is_string());
}
