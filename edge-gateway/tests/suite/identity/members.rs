//! Parties: each member agrees by a token of theirs.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{ENQUEUE, call, start, token};
use crate::support::{Answer, signer::Signer};

#[tokio::test]
async fn each_other_member_is_proved_by_their_own_token() {
    let stack = start(&[]).await;
    let [ann, bob, eve] = ["ann", "bob", "eve"].map(|player| token(&stack, player));
    let stranger = Signer::new("k1").identity("bob");
    let enqueue = async |body: Value| call(&stack, &ann, "POST", ENQUEUE, Some(&body)).await;
    let refused = async |members: &[&str], tokens: Value| -> Vec<String> {
        let body = json!({"queueKey": "demo:2", "members": members, "memberTokens": tokens});
        let answer: Answer = enqueue(body).await;
        answer.assert_problem(403, "FORBIDDEN");
        answer.bad_fields().into_iter().map(str::to_owned).collect()
    };
    assert_eq!(refused(&["bob"], json!({"bob": bob})).await, ["members"], "the caller is not among them");
    assert_eq!(refused(&["ann", "bob"], json!(null)).await, ["memberTokens.bob"]);
    assert_eq!(refused(&["ann", "bob", "cy"], json!({"bob": bob})).await, ["memberTokens.cy"]);
    assert_eq!(refused(&["ann", "bob"], json!({"bob": eve})).await, ["memberTokens.bob"], "another's token");
    assert_eq!(
        refused(&["ann", "bob"], json!({"bob": stranger})).await,
        ["memberTokens.bob"],
        "badly signed"
    );
    assert_eq!(refused(&["ann"], json!({"eve": eve})).await, ["memberTokens.eve"], "not among the members");
    assert_eq!(stack.control_plane.state.enqueues.load(Ordering::SeqCst), 0);

    let wrong = enqueue(json!({"queueKey": "q", "members": ["ann"], "memberTokens": {"ann": 7}})).await;
    wrong.assert_problem(400, "INVALID_REQUEST");
    assert_eq!(wrong.bad_fields(), ["memberTokens.ann"]);
    let players = json!([{"playerId": "bob"}, {"playerId": "ann"}]);
    let body = json!({"queueKey": "demo:2", "players": players, "memberTokens": {"bob": bob, "ann": ann}});
    assert_eq!(enqueue(body).await.status, 201);
    assert_eq!(*stack.control_plane.state.enqueued_for.lock(), [Some("ann".to_owned())]);
    stack.finish().await;
}

#[tokio::test]
async fn a_player_whose_id_needs_escaping_is_who_they_are_upstream_too() {
    let stack = start(&[]).await;
    let token = token(&stack, "eos|Ünal 100%");
    let ticket = super::enqueue_as(&stack, &token, "eos|Ünal 100%").await;
    assert_eq!(super::status_as(&stack, &token, &ticket).await.status, 200);
    assert_eq!(*stack.control_plane.state.enqueued_for.lock(), [Some("eos|Ünal 100%".to_owned())]);
    stack.finish().await;
}
