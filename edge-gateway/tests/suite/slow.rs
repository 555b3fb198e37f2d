//! Clients that don't read, and clients that don't send.

use std::time::Duration;

use futures_util::SinkExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{PATIENCE, Stack, eventually, socket::Socket};

/// Sends what has long answers without reading them, until the gateway no longer takes any: both directions are full.
async fn stuff(socket: &mut Socket) {
    let unknown: String = (0..40).map(|n| format!(",\"x{n}\":0")).collect();
    let text = format!("{{\"action\":\"enqueue\"{unknown}}}");
    loop {
        let sent = socket.inner.send(Message::text(text.clone()));
        match tokio::time::timeout(Duration::from_secs(1), sent).await {
            Ok(Ok(())) => {}
            // It is stuck, or was given up already.
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped_in_time() {
    let stack = Stack::start_with(&["--allow-client-player-id", "--send-timeout", "500ms"]).await;
    let id = stack.enqueue(&["alice"]).await;
    let mut deaf = stack.socket_of(&id).await;
    let mut other = stack.socket_of(&id).await;
    stuff(&mut deaf).await;
    eventually("the deaf one is dropped", || stack.probe.sockets() == 1).await;
    stack.control_plane.assign(&id);
    other.expect("match.assigned").await;
    let push = stack.socket_of(&id).await.expect("match.assigned").await;
    assert_eq!(push["data"]["ticketId"], id, "and resumes by its ticket's id");
    drop(deaf);
    stack.finish().await;
}

#[tokio::test]
async fn a_socket_that_falls_behind_is_closed_with_a_reason() {
    let flags = [
        "--allow-client-player-id",
        "--socket-queue",
        "4",
        "--send-timeout",
        "20s",
        "--queue-update-interval",
        "0s",
    ];
    let stack = Stack::start_with(&flags).await;
    let id = stack.enqueue(&["alice"]).await;
    let mut slow = stack.socket_of(&id).await;
    let mut quick = stack.socket_of(&id).await;
    eventually("both follow", || stack.probe.subscriptions() == 2).await;
    stuff(&mut slow).await;
    for position in (1..=8).rev() {
        stack.control_plane.place(&id, position, None);
        assert_eq!(quick.expect("queue.update").await["data"]["position"], position);
    }
    eventually("the slow one is given up", || stack.probe.subscriptions() == 1).await;
    let (code, reason) = slow.closed().await;
    assert_eq!((code, reason.contains("ticketId")), (1013, true), "{reason}");
    stack.control_plane.assign(&id);
    quick.expect("match.assigned").await;
    stack.finish().await;
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let stack = Stack::start_with(&["--header-timeout", "200ms"]).await;
    let mut connection = tokio::net::TcpStream::connect(&stack.client_addr).await.unwrap();
    connection.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut rest)).await;
    closed.expect("the connection is closed").unwrap();
    stack.finish().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let stack = Stack::start_with(&["--allow-client-player-id", "--request-timeout", "200ms"]).await;
    let mut connection = tokio::net::TcpStream::connect(&stack.client_addr).await.unwrap();
    let head = "POST /v1/matchmaking/enqueue HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{";
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(PATIENCE, connection.read(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 504") && answer.contains("DEADLINE_EXCEEDED"), "{answer}");
    let id = stack.enqueue(&["alice"]).await;
    assert_eq!(stack.cancel(&id).await.body, json!({"cancelled": true}), "others are served");
    drop(connection);
    stack.finish().await;
}
