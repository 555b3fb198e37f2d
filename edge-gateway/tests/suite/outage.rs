//! A control plane that is away, silent, or comes back.

use std::{sync::atomic::Ordering, time::Instant};

use serde_json::json;

use crate::support::{Stack, eventually};

#[tokio::test]
async fn while_the_control_plane_is_away_everything_says_so_and_afterwards_works() {
    let mut stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    let keys = stack.get("/.well-known/jwks.json").await.body;
    stack.control_plane.stop().await;

    let body = json!({"queueKey": "q", "members": ["bob"]});
    let enqueue = stack.post("/v1/matchmaking/enqueue", &body).await;
    enqueue.assert_problem(503, "UNAVAILABLE");
    assert_eq!((enqueue.header("retry-after"), &enqueue.body["retryable"]), ("1", &json!(true)));
    assert!(enqueue.body["ticketId"].is_string(), "the ticket that may exist");
    assert!(!enqueue.body.to_string().contains("127.0.0.1"), "{enqueue:#?}");
    stack.status(&id).await.assert_problem(503, "UNAVAILABLE");
    stack.cancel(&id).await.assert_problem(503, "UNAVAILABLE");
    let health = stack.get("/health").await;
    assert_eq!((health.status, &health.body["ok"]), (503, &json!(false)));
    assert!(health.body["reason"].is_string());
    let stale = stack.get("/.well-known/jwks.json").await;
    assert_eq!((stale.status, &stale.body), (200, &keys), "old keys are better than none");
    let mut socket = stack.socket().await;
    socket.send(&json!({"action": "enqueue", "queueKey": "q", "members": ["bob"]})).await;
    assert_eq!(socket.expect("error").await["code"], "UNAVAILABLE");

    stack.control_plane.restart().await;
    assert_eq!(stack.status(&id).await.status, 200);
    socket.send(&json!({"action": "enqueue", "queueKey": "q", "members": ["bob"]})).await;
    socket.expect("enqueued").await;
    let deadline = Instant::now() + crate::support::PATIENCE;
    while stack.get("/health").await.status != 200 {
        assert!(Instant::now() < deadline, "health comes back");
    }
    stack.finish().await;
}

#[tokio::test]
async fn keys_that_were_never_read_cannot_be_served() {
    let mut stack = Stack::start().await;
    stack.control_plane.stop().await;
    stack.get("/.well-known/jwks.json").await.assert_problem(503, "UNAVAILABLE");
    stack.finish().await;
}

#[tokio::test]
async fn sockets_live_through_an_outage_and_miss_nothing() {
    let mut stack = Stack::start().await;
    let ids = [stack.enqueue(&["a"]).await, stack.enqueue(&["b"]).await, stack.enqueue(&["c"]).await];
    let mut sockets = Vec::new();
    for id in &ids {
        sockets.push(stack.socket_of(id).await);
    }
    stack.control_plane.subscribed(3).await;
    stack.control_plane.stop().await;
    stack.control_plane.subscribed(0).await;
    // While nobody listens: one is assigned, one expires, one stays.
    stack.control_plane.assign(&ids[0]);
    stack.control_plane.expire(&ids[1]);
    let mut late = stack.socket_of(&ids[0]).await;
    stack.control_plane.restart().await;
    sockets[0].expect("match.assigned").await;
    late.expect("match.assigned").await;
    sockets[1].expect("ticket.expired").await;
    stack.control_plane.subscribed(1).await;
    stack.control_plane.assign(&ids[2]);
    sockets[2].expect("match.assigned").await;
    eventually("nothing is followed", || stack.probe.subscriptions() == 0).await;
    stack.finish().await;
}

#[tokio::test]
async fn a_ticket_that_an_outage_took_with_it_is_told() {
    let mut stack = Stack::start().await;
    let mut socket = stack.socket().await;
    socket.send(&json!({"action": "enqueue", "queueKey": "q", "members": ["a"]})).await;
    let id = socket.expect("enqueued").await["data"]["ticketId"].as_str().unwrap().to_owned();
    let mut own = stack.socket_of(&id).await;
    stack.control_plane.subscribed(1).await;
    stack.control_plane.stop().await;
    stack.control_plane.state.tickets.lock().forget_all();
    stack.control_plane.restart().await;
    let error = socket.expect("error").await;
    assert_eq!((&error["code"], &error["ticketId"]), (&json!("TICKET_NOT_FOUND"), &json!(id)));
    assert_eq!(own.closed().await.0, 4404);
    stack.finish().await;
}

#[tokio::test]
async fn an_enqueue_whose_answer_is_lost_is_repeated_and_makes_one_ticket() {
    let stack = Stack::start().await;
    stack.control_plane.state.lose_answer.store(true, Ordering::SeqCst);
    let id = stack.enqueue(&["alice"]).await;
    assert_eq!(stack.control_plane.state.enqueues.load(Ordering::SeqCst), 2);
    assert_eq!(stack.control_plane.state.tickets.lock().len(), 1);
    assert_eq!(stack.control_plane.ticket(&id).player_ids, ["alice"]);
    stack.finish().await;
}

#[tokio::test]
async fn a_silent_control_plane_is_not_waited_for() {
    let stack = Stack::start_with(&["--allow-client-player-id", "--request-timeout", "300ms"]).await;
    stack.control_plane.state.silent.store(true, Ordering::SeqCst);
    let answer = stack.status("x").await;
    answer.assert_problem(504, "DEADLINE_EXCEEDED");
    let mut socket = stack.socket().await;
    socket.send(&json!({"action": "enqueue", "queueKey": "q", "members": ["a"]})).await;
    let error = socket.expect("error").await;
    assert_eq!(error["code"], "DEADLINE_EXCEEDED");
    assert!(error["ticketId"].is_string(), "the ticket that may exist");
    stack.finish().await;
}
