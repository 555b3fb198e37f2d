//! What one client may cost: connections, sockets, requests and heads, and what those get that want more.

use futures_util::future::join_all;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{PATIENCE, Stack, eventually, socket::Socket};

const MODE_A: &str = "--allow-client-player-id";

/// This machine's addresses are counted as any other.
const COUNTED: [&str; 3] = [MODE_A, "--uncounted-addresses", "192.0.2.0/24"];

/// This machine is a proxy, so that tests can come from anywhere.
const PROXY: [&str; 3] = [MODE_A, "--trusted-proxies", "127.0.0.1"];

fn with<'a>(flags: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [flags, more].concat()
}

/// A connection that asks for nothing yet.
async fn connect(stack: &Stack) -> TcpStream {
    TcpStream::connect(&stack.client_addr).await.unwrap()
}

/// Sends a request on a connection and reads until it is closed.
async fn ask(connection: &mut TcpStream, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(PATIENCE, connection.read_to_string(&mut answer)).await;
    read.expect("the connection is closed").unwrap();
    answer
}

/// The statuses that requests in the name of this client get.
async fn statuses(stack: &Stack, requests: usize, headers: &[(&str, &str)]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..requests {
        let mut request = stack.request("GET", "/v1/matchmaking/status/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = stack.send(request).await;
        if answer.status == 429 {
            answer.assert_problem(429, "RATE_LIMITED");
            assert_eq!(answer.header("retry-after"), "1");
        }
        statuses.push(answer.status);
    }
    statuses
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_is_told_so() {
    let stack = Stack::start_with(&with(&COUNTED, &["--max-connections-per-address", "3"])).await;
    let held = [connect(&stack).await, connect(&stack).await, connect(&stack).await];
    eventually("they are counted", || stack.probe.connections() == 3).await;
    let answer = ask(&mut connect(&stack).await, "/v1/matchmaking/status/x").await;
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("RATE_LIMITED"), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n") && answer.contains("\r\nconnection: close\r\n"));
    let probe = ask(&mut connect(&stack).await, "/health").await;
    assert!(probe.starts_with("HTTP/1.1 200"), "{probe}");
    drop(held);
    eventually("they are gone", || stack.probe.connections() == 0).await;
    assert!(ask(&mut connect(&stack).await, "/v1/matchmaking/status/x").await.starts_with("HTTP/1.1 404"));
    stack.finish().await;
}

#[tokio::test]
async fn when_all_connections_are_taken_more_are_told_so_and_so_is_the_balancer() {
    let stack = Stack::start_with(&[MODE_A, "--max-connections", "3"]).await;
    let socket = stack.socket().await;
    let held = [connect(&stack).await, connect(&stack).await];
    eventually("they are counted", || stack.probe.connections() == 2 && stack.probe.sockets() == 1).await;
    let answer = ask(&mut connect(&stack).await, "/v1/matchmaking/status/x").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("UNAVAILABLE"), "{answer}");
    assert!(answer.contains("\r\nretry-after: "), "{answer}");
    assert!(ask(&mut connect(&stack).await, "/health").await.starts_with("HTTP/1.1 200"));
    assert!(ask(&mut connect(&stack).await, "/ready").await.starts_with("HTTP/1.1 503"));
    let inside = stack.send(stack.internal_request("GET", "/health")).await;
    assert_eq!(inside.status, 200, "the internal listener has places of its own");
    drop((held, socket));
    // One is kept: that to the internal listener.
    eventually("they are gone", || stack.probe.connections() == 1 && stack.probe.sockets() == 0).await;
    assert!(ask(&mut connect(&stack).await, "/v1/matchmaking/status/x").await.starts_with("HTTP/1.1 404"));
    stack.finish().await;
}

#[tokio::test]
async fn a_flood_of_connections_is_closed_and_leaves_nothing() {
    // Both ends are here.
    rlimit::increase_nofile_limit(8_192).unwrap();
    let stack = Stack::start_with(&[MODE_A, "--max-connections", "4"]).await;
    let flood = join_all((0..1_000).map(|_| connect(&stack))).await;
    eventually("those without a place are refused or closed", || stack.probe.connections() <= 4).await;
    drop(flood);
    eventually("nothing is left of it", || stack.probe.connections() == 0).await;
    stack.status("x").await.assert_problem(404, "TICKET_NOT_FOUND");
    stack.finish().await;
}

#[tokio::test]
async fn sockets_are_counted_by_client_also_behind_a_proxy_and_in_all() {
    let flags = with(&PROXY, &["--max-sockets-per-address", "2", "--max-sockets", "3"]);
    let stack = Stack::start_with(&flags).await;
    let url = format!("ws://{}/realtime", stack.client_addr);
    let open = async |client: &str| Socket::try_open(&url, &[("x-forwarded-for", client)]).await;
    let first = (open("2001:db8::1").await.unwrap(), open("2001:db8::2").await.unwrap());
    let refused = open("2001:db8::3").await.err();
    assert_eq!(refused, Some((429, "RATE_LIMITED".to_owned())), "a /64 is one client");
    let other = open("203.0.113.9").await.unwrap();
    assert_eq!(open("203.0.113.10").await.err(), Some((503, "UNAVAILABLE".to_owned())));
    assert_eq!(stack.get("/ready").await.status, 503);
    drop((first, other));
    eventually("they are gone", || stack.probe.sockets() == 0).await;
    open("2001:db8::3").await.unwrap();
    stack.finish().await;
}

#[tokio::test]
async fn a_player_has_so_many_sockets() {
    let stack = Stack::start_with(&[MODE_A, "--max-sockets-per-player", "2"]).await;
    let enqueue = json!({"action": "enqueue", "queueKey": "q", "members": ["ann", "bob"]});
    let (mut one, mut two, mut three) = (stack.socket().await, stack.socket().await, stack.socket().await);
    one.send(&enqueue).await;
    let ticket = one.expect("enqueued").await["data"]["ticketId"].clone();
    two.send(&enqueue).await;
    assert_eq!(two.expect("error").await["code"], "PLAYER_ALREADY_QUEUED", "one ticket, as ever");
    three.send(&enqueue).await;
    let refused = three.expect("error").await;
    assert_eq!((&refused["code"], &refused["retryAfter"]), (&json!("RATE_LIMITED"), &json!(1)));
    one.send(&json!({"action": "cancel", "ticketId": ticket})).await;
    one.expect("ticket.cancelled").await;
    drop((one, two));
    eventually("they are gone", || stack.probe.sockets() == 1).await;
    three.send(&enqueue).await;
    three.expect("enqueued").await;
    stack.finish().await;
}

#[tokio::test]
async fn an_address_asks_so_often_and_spoofed_headers_change_nothing() {
    let stack = Stack::start_with(&with(&COUNTED, &["--requests-per-address", "1"])).await;
    assert_eq!(statuses(&stack, 5, &[]).await, [404; 5], "a burst of five seconds");
    let more =
        statuses(&stack, 5, &[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")]).await;
    assert!(more.contains(&429), "no proxy is trusted: {more:?}");
    for _ in 0..20 {
        assert_eq!(stack.get("/health").await.status, 200, "whoever asks for health is not counted");
    }
    stack.finish().await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_a_rate_of_its_own() {
    let stack = Stack::start_with(&with(&PROXY, &["--requests-per-address", "1"])).await;
    let of = async |client: &str| statuses(&stack, 8, &[("x-forwarded-for", client)]).await;
    assert_eq!(of("203.0.113.1").await.iter().filter(|status| **status == 429).count(), 3);
    // What the client wrote itself stands to the left of what the proxy wrote.
    let spoofed = statuses(&stack, 2, &[("x-forwarded-for", "198.51.100.7, 203.0.113.1")]).await;
    assert!(spoofed.contains(&429), "{spoofed:?}");
    let other_header = [("x-forwarded-for", "203.0.113.1"), ("forwarded", "for=198.51.100.7")];
    assert!(statuses(&stack, 2, &other_header).await.contains(&429));
    assert!(of("203.0.113.2").await.starts_with(&[404; 5]));
    stack.finish().await;
}

#[tokio::test]
async fn a_socket_is_no_way_round_the_rate_of_its_address() {
    let stack = Stack::start_with(&with(&COUNTED, &["--requests-per-address", "1"])).await;
    let mut socket = stack.socket().await;
    let mut codes = Vec::new();
    for number in 0..6 {
        let player = format!("p{number}");
        socket.send(&json!({"action": "enqueue", "queueKey": "q", "members": [player]})).await;
        codes.push(socket.next().await["code"].clone());
    }
    assert!(codes[..4].iter().all(serde_json::Value::is_null), "{codes:?}");
    assert!(codes[4..].contains(&json!("RATE_LIMITED")), "{codes:?}");
    stack.finish().await;
}

#[tokio::test]
async fn a_player_enqueues_so_often_wherever_they_are() {
    let stack = Stack::start_with(&[MODE_A, "--requests-per-player", "1"]).await;
    let mut answers = Vec::new();
    for _ in 0..7 {
        let body = json!({"queueKey": "q", "members": ["ann"]});
        answers.push(stack.post("/v1/matchmaking/enqueue", &body).await);
    }
    assert_eq!(answers[0].status, 201);
    let limited = answers.iter().find(|answer| answer.status == 429).expect("one is too many");
    limited.assert_problem(429, "RATE_LIMITED");
    assert!(!limited.header("retry-after").is_empty());
    stack.enqueue(&["bob"]).await;
    stack.finish().await;
}

#[tokio::test]
async fn messages_are_read_at_a_pace() {
    let stack = Stack::start_with(&[MODE_A, "--messages-per-socket", "5"]).await;
    let mut socket = stack.socket().await;
    let begun = std::time::Instant::now();
    for _ in 0..16 {
        socket.send(&json!({"action": "heartbeat"})).await;
    }
    for _ in 0..16 {
        socket.expect("heartbeat").await;
    }
    let took = begun.elapsed();
    assert!(took > std::time::Duration::from_millis(600), "ten at once, then five a second: {took:?}");
    stack.finish().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_problem_and_one_that_is_far_too_large_is_the_end() {
    let stack = Stack::start_with(&[MODE_A, "--max-head", "4096", "--max-headers", "20"]).await;
    let ask = async |header: &str, size: usize| {
        let request = stack.request("GET", "/v1/matchmaking/status/x").header(header, "x".repeat(size));
        stack.send(request).await
    };
    ask("x-small", 3_000).await.assert_problem(404, "TICKET_NOT_FOUND");
    ask("x-large", 4_096).await.assert_problem(431, "HEAD_TOO_LARGE");
    assert_eq!(ask("x-huge", 100_000).await.status, 431);
    stack
        .get(&format!("/v1/matchmaking/status/{}", "x".repeat(4_096)))
        .await
        .assert_problem(431, "HEAD_TOO_LARGE");
    let mut many = stack.request("GET", "/v1/matchmaking/status/x");
    for number in 0..21 {
        many = many.header(format!("x-{number}"), "1");
    }
    stack.send(many).await.assert_problem(431, "HEAD_TOO_LARGE");
    stack.finish().await;
}
