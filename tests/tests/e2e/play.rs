//! From a player's request to playing on a game server.

use serde_json::json;
use tests::{Socket, Stack};

#[tokio::test]
async fn one_player_over_rest() {
    let stack = Stack::builder().start().await;
    let client = stack.client();
    let ticket = client.enqueue("demo", &["ann"]).await;
    let assignment = client.assignment(&ticket).await;
    let mut game = Socket::play(&assignment, "ann").await;
    game.send(&json!({ "action": "Play" })).await;
    let state = loop {
        let state = game.next_of("state").await;
        if state["score"] == 1 {
            break state;
        }
    };
    assert_eq!((&state["landId"], &state["players"]), (&assignment["landId"], &json!(["ann"])));
}

#[tokio::test]
async fn one_player_over_the_socket() {
    let stack = Stack::builder().start().await;
    let mut socket = stack.client().socket("/realtime").await;
    socket.send(&json!({ "action": "enqueue", "queueKey": "demo", "members": ["ann"] })).await;
    let enqueued = socket.next().await;
    assert_eq!((&enqueued["type"], &enqueued["v"]), (&json!("enqueued"), &json!(1)), "{enqueued}");
    let pushed = socket.next_of("match.assigned").await;
    assert_eq!(pushed["data"]["ticketId"], enqueued["data"]["ticketId"]);
    let assignment = &pushed["data"]["assignment"];
    for field in ["assignmentId", "matchToken", "connectUrl", "landId", "serverId", "expiresAt", "matchId"] {
        assert!(assignment[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {assignment}");
    }
    Socket::play(assignment, "ann").await.next_of("state").await;
}

#[tokio::test]
async fn a_subscriber_after_the_assignment_and_two_at_once_get_it() {
    let stack = Stack::builder().start().await;
    let client = stack.client();
    let ticket = client.enqueue("demo:2", &["ann"]).await;
    let path = format!("/realtime?ticketId={ticket}");
    let mut early = [client.socket(&path).await, client.socket(&path).await];
    client.enqueue("demo:2", &["bob"]).await;
    let mut lands = Vec::new();
    for socket in &mut early {
        lands.push(socket.next_of("match.assigned").await["data"]["assignment"]["landId"].clone());
    }
    let late = client.socket(&path).await.next_of("match.assigned").await;
    assert!(lands.iter().all(|land| *land == late["data"]["assignment"]["landId"]));
}

#[tokio::test]
async fn each_connect_url_reaches_its_own_server() {
    let stack = Stack::builder().servers(2).start().await;
    let client = stack.client();
    let mut urls = Vec::new();
    for player in ["ann", "bob"] {
        let ticket = client.enqueue("demo", &[player]).await;
        let assignment = client.assignment(&ticket).await;
        // A server lets in only with a token for itself.
        Socket::play(&assignment, player).await.next_of("state").await;
        urls.push(assignment["connectUrl"].as_str().unwrap().split("/game/").next().unwrap().to_owned());
    }
    assert_ne!(urls[0], urls[1]);
}

#[tokio::test]
async fn a_cancelled_ticket_is_told_and_never_assigned() {
    let stack = Stack::builder().start().await;
    let client = stack.client();
    let ticket = client.enqueue("demo:2", &["ann"]).await;
    let mut socket = client.socket(&format!("/realtime?ticketId={ticket}")).await;
    assert_eq!(client.cancel(&ticket).await, json!({ "cancelled": true }));
    assert_eq!(client.cancel(&ticket).await, json!({ "cancelled": true }));
    assert_eq!(socket.next_of("ticket.cancelled").await["data"]["ticketId"], json!(ticket));
    client.enqueue("demo:2", &["bob"]).await;
    assert_eq!(client.status(&ticket).await["status"], "cancelled");
    let assigned = client.enqueue("demo", &["cyd"]).await;
    client.assignment(&assigned).await;
    let answer = client.cancel(&assigned).await;
    assert_eq!(answer, json!({ "cancelled": false, "status": "assigned" }));
}
