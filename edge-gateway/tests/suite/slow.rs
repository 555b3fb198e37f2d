//! Clients that don't read, and clients that don't send.

use std::time::{Duration, Instant};

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
    // As fast as it comes: the answers are what fills the connection.
    let flags = ["--allow-client-player-id", "--send-timeout", "500ms", "--messages-per-socket", "0"];
    let stack = Stack::start_with(&flags).await;
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
        "--messages-per-socket",
        "0",
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

/// Sends this, then a byte every now and then, until the gateway has had enough. Returns what it said.
async fn trickle(stack: &Stack, begin: &str) -> String {
    let connection = tokio::net::TcpStream::connect(&stack.client_addr).await.unwrap();
    let (mut read, mut write) = connection.into_split();
    write.write_all(begin.as_bytes()).await.unwrap();
    let trickle = async {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut said = Vec::new();
    tokio::select! {
        read = tokio::time::timeout(PATIENCE, read.read_to_end(&mut said)) => {
            // A connection that is cut with something unread is reset.
            read.expect("the connection is cut").ok();
        }
        () = trickle => {}
    }
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off() {
    let stack = Stack::start_with(&["--header-timeout", "300ms"]).await;
    assert_eq!(trickle(&stack, "").await, "", "a connection's first head");
    let said =
        trickle(&stack, "GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET /health HTTP/1.1\r\nx-slow: ").await;
    assert_eq!(said.matches("HTTP/1.1 200").count(), 1, "the second head never comes: {said}");
    eventually("nothing is left of them", || stack.probe.connections() == 0).await;
    stack.finish().await;
}

#[tokio::test]
async fn a_body_that_trickles_in_after_its_answer_is_cut_off() {
    // Nobody may enqueue here, so the answer doesn't wait for the body.
    let stack = Stack::start_with(&["--header-timeout", "300ms"]).await;
    let head = "POST /v1/matchmaking/enqueue HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n";
    let said = trickle(&stack, head).await;
    assert!(said.starts_with("HTTP/1.1 401"), "{said}");
    stack.finish().await;
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_as_long_as_it_may_be_idle_and_no_longer() {
    let flags = ["--header-timeout", "100ms", "--idle-timeout", "600ms"];
    let stack = Stack::start_with(&flags).await;
    let mut connection = tokio::net::TcpStream::connect(&stack.client_addr).await.unwrap();
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut answer = vec![0; 4096];
    connection.write_all(request).await.unwrap();
    assert!(connection.read(&mut answer).await.unwrap() > 0);
    let idle_since = Instant::now();
    let closed = tokio::time::timeout(PATIENCE, connection.read(&mut answer)).await.unwrap();
    assert_eq!(closed.unwrap(), 0, "closed");
    assert!(idle_since.elapsed() > Duration::from_millis(400), "longer than a head may take");
    stack.finish().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_cut_off() {
    let stack = Stack::start_with(&["--send-timeout", "300ms"]).await;
    let mut connection = tokio::net::TcpStream::connect(&stack.client_addr).await.unwrap();
    let request = b"GET /api/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    let stuff = async { while connection.write_all(request).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, stuff).await.expect("the connection is cut");
    eventually("nothing is left of it", || stack.probe.connections() == 0).await;
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
