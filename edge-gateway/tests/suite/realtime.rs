//! Sockets: who is told what, in which order, and what is said to everything that can't be understood.

use std::sync::atomic::Ordering;

use proto::{error::Reason, matchmaking::v1 as pb};
use serde_json::{Value, json};

use crate::support::{Stack, eventually, socket::Socket};

fn enqueue(members: &[&str]) -> Value {
    json!({"action": "enqueue", "queueKey": "demo:2", "members": members})
}

async fn enqueue_on(socket: &mut Socket, members: &[&str]) -> String {
    socket.send(&enqueue(members)).await;
    let enqueued = socket.expect("enqueued").await;
    enqueued["data"]["ticketId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_whole_conversation() {
    let stack = Stack::start_with(&["--allow-client-player-id", "--queue-update-interval", "0s"]).await;
    let mut socket = stack.socket().await;
    let mut transcript = String::new();
    let mut ids = Vec::new();
    let mut say = |who: &str, message: &Value, ids: &[String]| {
        let mut text = message.to_string();
        for (n, id) in ids.iter().enumerate() {
            text = text.replace(id, &format!("<ticket {n}>"));
        }
        transcript.push_str(&format!("{who} {text}\n"));
    };
    for action in
        [json!({"action": "heartbeat"}), json!({"action": "dance"}), json!({"action": "enqueue", "queue": 1})]
    {
        socket.send(&action).await;
        say("->", &action, &ids);
        say("<-", &socket.next().await, &ids);
    }
    for members in [["alice"], ["bob"], ["carol"]] {
        socket.send(&enqueue(&members)).await;
        say("->", &enqueue(&members), &ids);
        let enqueued = socket.next().await;
        ids.push(enqueued["data"]["ticketId"].as_str().unwrap().to_owned());
        say("<-", &enqueued, &ids);
    }
    stack.control_plane.place(&ids[0], 2, None);
    say("<-", &socket.next().await, &ids);
    stack.control_plane.place(&ids[0], 1, Some(1500));
    say("<-", &socket.next().await, &ids);
    stack.control_plane.assign(&ids[0]);
    say("<-", &socket.next().await, &ids);
    stack.control_plane.expire(&ids[1]);
    say("<-", &socket.next().await, &ids);
    let cancel = json!({"action": "cancel"});
    for _ in 0..2 {
        socket.send(&cancel).await;
        say("->", &cancel, &ids);
        say("<-", &socket.next().await, &ids);
    }
    insta::assert_snapshot!(transcript);
    stack.finish().await;
}

#[tokio::test]
async fn the_answer_comes_before_any_push_even_where_the_match_is_faster() {
    let stack = Stack::start().await;
    stack.control_plane.state.assign_at_once.store(true, Ordering::SeqCst);
    let mut socket = stack.socket().await;
    for n in 0..20 {
        let id = enqueue_on(&mut socket, &[&format!("p{n}")]).await;
        let push = socket.expect("match.assigned").await;
        assert_eq!((push["v"].as_u64(), &push["data"]["ticketId"]), (Some(1), &json!(id)));
        assert_eq!(push["data"]["assignment"]["matchToken"], format!("token-of-p{n}"));
    }
    stack.finish().await;
}

#[tokio::test]
async fn a_subscriber_after_the_assignment_gets_it_at_once() {
    let stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    stack.control_plane.assign(&id);
    for _ in 0..2 {
        let push = stack.socket_of(&id).await.expect("match.assigned").await;
        assert_eq!(push["data"]["ticketId"], id);
    }
    stack.finish().await;
}

#[tokio::test]
async fn two_subscribers_of_one_ticket_are_one_subscription_and_both_are_told() {
    let stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    let mut first = stack.socket_of(&id).await;
    stack.control_plane.subscribed(1).await;
    let mut second = stack.socket_of(&id).await;
    eventually("both follow", || stack.probe.subscriptions() == 2).await;
    assert_eq!(stack.probe.upstream_subscriptions(), 1);
    stack.control_plane.assign(&id);
    let (one, other) = (first.expect("match.assigned").await, second.expect("match.assigned").await);
    assert_eq!(one, other);
    stack.control_plane.subscribed(0).await;
    stack.finish().await;
}

#[tokio::test]
async fn who_leaves_is_unsubscribed() {
    let stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    let socket = stack.socket_of(&id).await;
    stack.control_plane.subscribed(1).await;
    drop(socket);
    stack.control_plane.subscribed(0).await;
    eventually("the socket is gone", || stack.probe.sockets() == 0).await;
    stack.finish().await;
}

#[tokio::test]
async fn a_bad_or_unknown_subscription_closes_the_socket() {
    let stack = Stack::start().await;
    let (code, reason) = stack.socket_of("no-such-ticket").await.closed().await;
    assert_eq!((code, reason.contains("no such ticket")), (4404, true));
    let (code, reason) = stack.socket_of("").await.closed().await;
    assert_eq!((code, reason.contains("ticketId")), (4400, true));
    assert_eq!(stack.socket_of("a&ticketId=b").await.closed().await.0, 4400);
    let refused = pb::WatchRefusal {
        reason: Reason::InvalidRequest.name().to_owned(),
        message: "must be a UUID".to_owned(),
    };
    stack.control_plane.state.watch_refusals.lock().push_back(refused);
    assert_eq!(stack.socket_of("odd").await.closed().await.0, 4400);
    stack.finish().await;
}

#[tokio::test]
async fn a_subscription_that_is_not_possible_yet_is_tried_again() {
    let stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    let unavailable =
        pb::WatchRefusal { reason: Reason::Unavailable.name().to_owned(), message: "not now".to_owned() };
    stack.control_plane.state.watch_refusals.lock().push_back(unavailable);
    let mut socket = stack.socket_of(&id).await;
    stack.control_plane.assign(&id);
    socket.expect("match.assigned").await;
    stack.finish().await;
}

#[tokio::test]
async fn what_cannot_be_understood_is_answered_and_the_socket_stays_open() {
    let stack = Stack::start().await;
    let mut socket = stack.socket().await;
    socket.send_text("hello?").await;
    assert_eq!(socket.expect("error").await["code"], "INVALID_REQUEST");
    socket.send_binary(b"\x00\x01").await;
    assert_eq!(socket.expect("error").await["code"], "INVALID_REQUEST");
    socket.send_text("{\"action\":\"dance\"}").await;
    let unknown = socket.expect("error").await;
    assert_eq!(unknown["errors"][0]["field"], "action");
    socket.send(&json!({"action": "enqueue", "queueKey": "q", "members": ["a", "a"]})).await;
    assert_eq!(socket.expect("error").await["errors"][0]["field"], "members[1]");
    socket.send(&json!({"action": "cancel", "ticketId": "no-such-ticket"})).await;
    assert_eq!(socket.expect("error").await["code"], "TICKET_NOT_FOUND");
    enqueue_on(&mut socket, &["alice"]).await;
    stack.finish().await;
}

#[tokio::test]
async fn a_message_over_16_kib_closes_the_socket_and_one_below_is_read() {
    let stack = Stack::start().await;
    let mut socket = stack.socket().await;
    socket.send_text(&"x".repeat(16 * 1024)).await;
    socket.expect("error").await;
    socket.send_text(&"x".repeat(17 * 1024)).await;
    let (code, reason) = socket.closed().await;
    assert_eq!((code, reason.contains("16 KiB")), (1009, true));
    stack.finish().await;
}

#[tokio::test]
async fn a_cancel_is_answered_with_what_the_ticket_is() {
    let stack = Stack::start().await;
    let mut socket = stack.socket().await;
    let id = enqueue_on(&mut socket, &["alice"]).await;
    let cancel = json!({"action": "cancel", "ticketId": id});
    for _ in 0..2 {
        socket.send(&cancel).await;
        assert_eq!(socket.expect("ticket.cancelled").await["data"], json!({"ticketId": id}));
    }
    let id = enqueue_on(&mut socket, &["alice"]).await;
    stack.control_plane.assign(&id);
    socket.expect("match.assigned").await;
    socket.send(&json!({"action": "cancel", "ticketId": id})).await;
    assert_eq!(socket.expect("match.assigned").await["data"]["ticketId"], id, "too late, and this is why");
    socket.send(&json!({"action": "heartbeat"})).await;
    socket.expect("heartbeat").await;
    stack.finish().await;
}

#[tokio::test]
async fn a_ticket_cancelled_elsewhere_is_told_once() {
    let stack = Stack::start().await;
    let mut socket = stack.socket().await;
    let ids = [enqueue_on(&mut socket, &["a"]).await, enqueue_on(&mut socket, &["b"]).await];
    stack.cancel(&ids[0]).await;
    assert_eq!(socket.expect("ticket.cancelled").await["data"]["ticketId"], ids[0]);
    socket.send(&json!({"action": "cancel"})).await;
    assert_eq!(socket.expect("ticket.cancelled").await["data"]["ticketId"], ids[1]);
    socket.send(&json!({"action": "heartbeat"})).await;
    socket.expect("heartbeat").await;
    stack.finish().await;
}

#[tokio::test]
async fn players_learn_that_they_were_gone_for_too_long() {
    let stack = Stack::start().await;
    let mut socket = stack.socket().await;
    let dropped = enqueue_on(&mut socket, &["ann"]).await;
    stack.control_plane.drop_absent(&dropped);
    let told = socket.expect("ticket.cancelled").await;
    assert_eq!(told["data"], json!({"ticketId": dropped, "reason": "absent"}));
    // Also those who come back only then, and who ask.
    let mut late = stack.socket_of(&dropped).await;
    assert_eq!(late.expect("ticket.cancelled").await["data"]["reason"], "absent");
    let status = stack.status(&dropped).await;
    assert_eq!((&status.body["status"], &status.body["reason"]), (&json!("cancelled"), &json!("absent")));
    assert_eq!(stack.cancel(&dropped).await.body, json!({"cancelled": true}));

    let own = stack.enqueue(&["bob"]).await;
    stack.cancel(&own).await;
    assert_eq!(stack.status(&own).await.body.get("reason"), None, "that was their own wish");
    drop((socket, late));
    stack.finish().await;
}

#[tokio::test]
async fn a_socket_has_16_tickets_at_most() {
    let stack = Stack::start().await;
    let mut socket = stack.socket().await;
    let mut last = String::new();
    for n in 0..16 {
        last = enqueue_on(&mut socket, &[&format!("p{n}")]).await;
    }
    socket.send(&enqueue(&["one too many"])).await;
    assert_eq!(socket.expect("error").await["code"], "RATE_LIMITED");
    stack.control_plane.assign(&last);
    socket.expect("match.assigned").await;
    enqueue_on(&mut socket, &["now there is room"]).await;
    stack.finish().await;
}

#[tokio::test]
async fn the_largest_assignment_fits() {
    let stack = Stack::start().await;
    let members: Vec<String> = (0..100).map(|n| format!("{n:0>128}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let mut socket = stack.socket().await;
    let id = enqueue_on(&mut socket, &members).await;
    stack.control_plane.assign(&id);
    let push = socket.expect("match.assigned").await;
    assert_eq!(push["data"]["assignment"]["playerTokens"].as_object().unwrap().len(), 100);
    stack.finish().await;
}

#[tokio::test]
async fn a_client_that_falls_silent_is_dropped_and_one_that_answers_pings_is_not() {
    let flags = ["--allow-client-player-id", "--ping-interval", "100ms", "--ping-timeout", "400ms"];
    let stack = Stack::start_with(&flags).await;
    let mut alive = stack.socket().await;
    let silent = stack.socket().await;
    eventually("both are open", || stack.probe.sockets() == 2).await;
    // The client library answers pings only while it is read from.
    let reading = tokio::spawn(async move { alive.closed().await });
    eventually("one was dropped", || stack.probe.sockets() == 1).await;
    drop(silent);
    stack.begin_stop();
    assert_eq!(reading.await.unwrap().0, 1001, "the other lived until the end");
    stack.finish().await;
}
