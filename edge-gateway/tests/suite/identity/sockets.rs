//! Sockets in Mode B.

use serde_json::json;
use tokio_tungstenite::tungstenite::{client::IntoClientRequest as _, http::HeaderValue};

use super::{enqueue_as, start, token};
use crate::support::{
    Stack, eventually,
    signer::{identity_claims, in_seconds},
    socket::Socket,
};

/// Opens a socket with these headers; also what subprotocol the gateway chose.
pub(super) async fn open(
    stack: &Stack,
    query: &str,
    headers: &[(&'static str, String)],
) -> (Socket, Option<String>) {
    let mut request = format!("ws://{}/realtime{query}", stack.client_addr).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    let (inner, answer) = tokio_tungstenite::connect_async(request).await.unwrap();
    let chosen = answer.headers().get("sec-websocket-protocol");
    let chosen = chosen.map(|value| value.to_str().unwrap().to_owned());
    (Socket { inner }, chosen)
}

pub(super) fn authorization(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

#[tokio::test]
async fn a_token_comes_by_header_by_subprotocol_or_as_the_first_message() {
    let stack = start(&[]).await;
    let (mut by_header, _) = open(&stack, "", &[authorization(&token(&stack, "ann"))]).await;
    let protocols = format!("muster.v1, bearer.{}", token(&stack, "bob"));
    let (mut by_protocol, chosen) = open(&stack, "", &[("sec-websocket-protocol", protocols)]).await;
    assert_eq!(chosen.as_deref(), Some("muster.v1"));
    let (mut by_message, _) = open(&stack, "", &[]).await;
    by_message.send(&json!({"action": "authenticate", "token": token(&stack, "cy")})).await;
    let answer = by_message.expect("authenticated").await;
    assert_eq!((&answer["v"], &answer["data"]["playerId"]), (&json!(1), &json!("cy")));
    assert!(answer["data"]["expiresAt"].as_str().unwrap().ends_with('Z'), "{answer}");
    for (socket, player) in [(&mut by_header, "ann"), (&mut by_protocol, "bob"), (&mut by_message, "cy")] {
        socket.send(&json!({"action": "enqueue", "queueKey": "demo:2", "members": ["someone"]})).await;
        let refused = socket.expect("error").await;
        assert_eq!(refused["code"], "FORBIDDEN", "{refused}");
        socket.send(&json!({"action": "enqueue", "queueKey": "demo:2", "members": [player]})).await;
        let ticket = socket.expect("enqueued").await["data"]["ticketId"].as_str().unwrap().to_owned();
        stack.control_plane.assign(&ticket);
        let push = socket.expect("match.assigned").await;
        assert_eq!(push["data"]["assignment"]["matchToken"], format!("token-of-{player}"));
    }
    drop((by_header, by_protocol, by_message));
    stack.finish().await;
}

#[tokio::test]
async fn who_does_not_prove_who_they_are_is_shown_out() {
    let stack = start(&["--authenticate-within", "300ms"]).await;
    let (mut silent, _) = open(&stack, "", &[]).await;
    assert_eq!(silent.closed().await.0, 4401);
    let (mut odd, _) = open(&stack, "", &[]).await;
    odd.send(&json!({"action": "heartbeat"})).await;
    assert_eq!(odd.expect("error").await["code"], "UNAUTHENTICATED");
    assert_eq!(odd.closed().await.0, 4401);
    let (mut forged, _) = open(&stack, "", &[]).await;
    forged.send(&json!({"action": "authenticate", "token": "a.b.c"})).await;
    assert_eq!(forged.expect("error").await["code"], "UNAUTHENTICATED");
    assert_eq!(forged.closed().await.0, 4401);
    let (mut header, _) = open(&stack, "", &[authorization("a.b.c")]).await;
    assert_eq!(header.closed().await.0, 4401);
    let good = token(&stack, "ann");
    let (mut query, _) = open(&stack, &format!("?token={good}"), &[]).await;
    assert_eq!(query.closed().await.0, 4401, "the address is no place for a token");
    stack.finish().await;
}

#[tokio::test]
async fn anothers_ticket_is_not_there_and_its_owner_notices_nothing() {
    let stack = start(&[]).await;
    let (ann, eve) = (token(&stack, "ann"), token(&stack, "eve"));
    let ticket = enqueue_as(&stack, &ann, "ann").await;
    let query = format!("?ticketId={ticket}");
    let (mut eves, _) = open(&stack, &query, &[authorization(&eve)]).await;
    let known = eves.closed().await;
    let (mut absent, _) =
        open(&stack, "?ticketId=01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55", &[authorization(&eve)]).await;
    assert_eq!((known.0, &known), (4404, &absent.closed().await));

    let (mut anns, _) = open(&stack, &query, &[authorization(&ann)]).await;
    eventually("it follows", || stack.probe.subscriptions() == 1).await;
    let (mut again, _) = open(&stack, &query, &[authorization(&eve)]).await;
    assert_eq!(again.closed().await, known, "also where its state is known here");
    let (mut eves, _) = open(&stack, "", &[authorization(&eve)]).await;
    eves.send(&json!({"action": "cancel", "ticketId": ticket})).await;
    assert_eq!(eves.expect("error").await["code"], "TICKET_NOT_FOUND");
    stack.control_plane.assign(&ticket);
    anns.expect("match.assigned").await;
    drop((anns, eves));
    stack.finish().await;
}

#[tokio::test]
async fn a_socket_ends_after_its_token_unless_it_gets_a_newer_one() {
    let stack = start(&["--authenticate-within", "200ms"]).await;
    let short = || {
        let mut claims = identity_claims("ann");
        claims["exp"] = json!(in_seconds(1));
        stack.control_plane.state.signer.lock().as_ref().unwrap().sign(&claims)
    };
    let (mut renewed, _) = open(&stack, "", &[authorization(&short())]).await;
    renewed.send(&json!({"action": "authenticate", "token": token(&stack, "bob")})).await;
    assert_eq!(renewed.expect("error").await["code"], "FORBIDDEN", "another player's token");
    renewed.send(&json!({"action": "authenticate", "token": "a.b.c"})).await;
    assert_eq!(renewed.expect("error").await["code"], "UNAUTHENTICATED");
    renewed.send(&json!({"action": "authenticate", "token": token(&stack, "ann")})).await;
    renewed.expect("authenticated").await;
    let (mut left, _) = open(&stack, "", &[authorization(&short())]).await;
    assert_eq!(left.closed().await.0, 4401);
    renewed.send(&json!({"action": "heartbeat"})).await;
    renewed.expect("heartbeat").await;
    drop(renewed);
    stack.finish().await;
}

#[tokio::test]
async fn where_a_player_has_one_session_the_newer_replaces_the_older() {
    let stack = start(&["--one-session-per-player"]).await;
    let ann = token(&stack, "ann");
    let (mut first, _) = open(&stack, "", &[authorization(&ann)]).await;
    first.send(&json!({"action": "enqueue", "queueKey": "demo:2", "members": ["ann"]})).await;
    let ticket = first.expect("enqueued").await["data"]["ticketId"].as_str().unwrap().to_owned();
    let (mut others, _) = open(&stack, "", &[authorization(&token(&stack, "bob"))]).await;
    let (mut second, _) = open(&stack, &format!("?ticketId={ticket}"), &[authorization(&ann)]).await;
    assert_eq!(first.closed().await.0, 4000);
    stack.control_plane.assign(&ticket);
    second.expect("match.assigned").await;
    others.send(&json!({"action": "heartbeat"})).await;
    others.expect("heartbeat").await;
    drop((second, others));
    stack.finish().await;
}
