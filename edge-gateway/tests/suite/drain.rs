//! The end of a gateway: nobody is cut off without a word, and nothing waits for ever.

use std::sync::atomic::Ordering;

use serde_json::json;
use tokio::net::TcpStream;

use crate::support::{Stack, eventually};

#[tokio::test]
async fn sockets_are_told_to_go_and_no_connection_is_accepted() {
    let stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    let mut following = stack.socket_of(&id).await;
    let mut idle = stack.socket().await;
    eventually("both are open", || stack.probe.sockets() == 2).await;
    stack.begin_stop();
    for socket in [&mut following, &mut idle] {
        let (code, reason) = socket.closed().await;
        assert_eq!((code, reason.contains("ticketId")), (1001, true), "{reason}");
    }
    // The port is free before the last connection is gone.
    let wait = async { while TcpStream::connect(&stack.client_addr).await.is_ok() {} };
    tokio::time::timeout(crate::support::PATIENCE, wait).await.expect("nothing is accepted any more");
    stack.finish().await;
}

#[tokio::test]
async fn requests_in_flight_are_finished() {
    let stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    let waiting = tokio::spawn(stack.request("GET", &format!("/v1/matchmaking/status/{id}?wait=20")).send());
    stack.control_plane.subscribed(1).await;
    stack.begin_stop();
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["status"], "queued", "a shutdown doesn't wait for matches");
    stack.finish().await;
}

#[tokio::test]
async fn an_enqueue_in_flight_on_a_socket_is_answered_first() {
    let stack = Stack::start_with(&["--allow-client-player-id", "--request-timeout", "1s"]).await;
    stack.control_plane.state.silent.store(true, Ordering::SeqCst);
    let mut socket = stack.socket().await;
    socket.send(&json!({"action": "enqueue", "queueKey": "q", "members": ["a"]})).await;
    eventually("the call has arrived", || !stack.control_plane.state.metadata.lock().is_empty()).await;
    stack.begin_stop();
    assert_eq!(socket.expect("error").await["code"], "DEADLINE_EXCEEDED");
    assert_eq!(socket.closed().await.0, 1001);
    stack.finish().await;
}

#[tokio::test]
async fn what_does_not_end_is_cut_off() {
    let flags = ["--allow-client-player-id", "--drain-timeout", "200ms", "--request-timeout", "60s"];
    let stack = Stack::start_with(&flags).await;
    stack.control_plane.state.silent.store(true, Ordering::SeqCst);
    let stuck = tokio::spawn(stack.request("GET", "/v1/matchmaking/status/x").send());
    let mut socket = stack.socket().await;
    socket.send(&json!({"action": "enqueue", "queueKey": "q", "members": ["a"]})).await;
    eventually("both calls have arrived", || stack.control_plane.state.metadata.lock().len() == 2).await;
    stack.finish().await;
    assert!(stuck.await.unwrap().is_err(), "its connection was closed");
}
