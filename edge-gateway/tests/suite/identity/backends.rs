//! Trusted backends: by key, or through the internal listener.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use super::{ENQUEUE, call, start, status_as};
use crate::support::eventually;

fn line(name: &str, scope: &str, key: &str) -> String {
    let hash = digest(&SHA256, key.as_bytes());
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name} {scope} sha256:{hex}\n")
}

#[tokio::test]
async fn a_backend_enqueues_anybody_by_a_key_that_counts_here() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys");
    let lines = [line("lobby", "matchmaking", "mk_lobby"), line("agent-1", "agent", "mk_agent")];
    std::fs::write(&file, lines.concat()).unwrap();
    let stack = start(&["--backend-keys", file.to_str().unwrap()]).await;
    let body = json!({"queueKey": "demo:2", "members": ["ann", "bob"]});
    let answer = call(&stack, "mk_lobby", "POST", ENQUEUE, Some(&body)).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    let ticket = answer.body["ticketId"].as_str().unwrap();
    assert_eq!(status_as(&stack, "mk_lobby", ticket).await.status, 200);
    assert_eq!(*stack.control_plane.state.enqueued_for.lock(), [None]);
    let path = format!("/v1/matchmaking/status/{ticket}");
    let inside = |key: &str| stack.send(stack.internal_request("GET", &path).bearer_auth(key));
    assert_eq!(inside("mk_lobby").await.status, 200);
    assert_eq!(inside("mk_agent").await.status, 401);
    let nobody = stack.send(stack.internal_request("GET", &path)).await;
    assert_eq!(nobody.status, 401, "where backends have keys, being inside is not enough");
    for key in ["mk_agent", "mk_nobody", "mk_lobbY"] {
        let refused = status_as(&stack, key, ticket).await;
        refused.assert_problem(401, "UNAUTHENTICATED");
        assert!(refused.header("www-authenticate").contains("invalid_token"), "{refused:#?}");
    }

    std::fs::write(dir.path().join("new"), line("lobby", "matchmaking", "mk_newer")).unwrap();
    std::fs::rename(dir.path().join("new"), &file).unwrap();
    let taken = async {
        while status_as(&stack, "mk_newer", ticket).await.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, taken).await.expect("the new key is taken");
    assert_eq!(status_as(&stack, "mk_lobby", ticket).await.status, 401, "and the old one is not");
    stack.finish().await;
}

#[tokio::test]
async fn whoever_reaches_the_internal_listener_is_trusted_where_backends_have_no_keys() {
    let stack = start(&[]).await;
    let body = json!({"queueKey": "demo:2", "members": ["ann", "bob"]});
    let answer = stack.send(stack.internal_request("POST", ENQUEUE).json(&body)).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    let ticket = answer.body["ticketId"].as_str().unwrap();
    let path = format!("/v1/matchmaking/status/{ticket}");
    assert_eq!(stack.send(stack.internal_request("GET", &path)).await.body["status"], "queued");
    stack.get(&path).await.assert_problem(401, "UNAUTHENTICATED");
    let cancel = stack.internal_request("POST", "/v1/matchmaking/cancel").json(&json!({"ticketId": ticket}));
    assert_eq!(stack.send(cancel).await.body, json!({"cancelled": true}));
    eventually("nothing is left", || stack.probe.subscriptions() == 0).await;
    stack.finish().await;
}
