//! The REST twin for servers without an agent, on the internal listener.

use serde_json::{Value, json};

use crate::support::{Answer, Stack};

const REGISTER: &str = "/v1/provisioning/servers/register";

fn assert_failure(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!((answer.status, &answer.body["success"]), (status, &json!(false)), "{answer:#?}");
    let error = &answer.body["error"];
    assert_eq!((&error["code"], error["retryable"].is_boolean()), (&json!(code), true), "{answer:#?}");
    assert!(!answer.header("x-request-id").is_empty());
    error["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_server_registers_and_goes() {
    let stack = Stack::start_with(&[]).await;
    let body = json!({"serverId": "s-1", "host": "10.0.0.5", "port": 7001, "landType": "demo", "labels": {"a": "b"}});
    let answer = stack.send(stack.internal_request("POST", REGISTER).json(&body)).await;
    let result = json!({"heartbeatIntervalMs": 30_000, "expiryMs": 90_000});
    assert_eq!((answer.status, answer.body), (200, json!({"success": true, "result": result})));
    for (id, removed) in [("known%20one", true), ("unknown", false)] {
        let path = format!("/v1/provisioning/servers/{id}");
        let answer = stack.send(stack.internal_request("DELETE", &path)).await;
        assert_eq!(
            (answer.status, answer.body),
            (200, json!({"success": true, "result": {"removed": removed}}))
        );
    }
    let health = stack.send(stack.internal_request("GET", "/health")).await;
    assert_eq!(health.body, json!({"ok": true}));
    stack.finish().await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_in_the_envelope() {
    let mut stack = Stack::start_with(&[]).await;
    let register = async |body: Value| stack.send(stack.internal_request("POST", REGISTER).json(&body)).await;
    let message = assert_failure(&register(json!({"serverId": 1, "prot": 2})).await, 400, "INVALID_REQUEST");
    for field in [
        "serverId: must be",
        "host: is missing",
        "port: is missing",
        "landType: is missing",
        "prot: is unknown",
    ] {
        assert!(message.contains(field), "{message}");
    }
    let odd = json!({"serverId": "s", "host": "h", "port": 1, "landType": "d", "connectScheme": "http"});
    let message = assert_failure(&register(odd).await, 400, "INVALID_REQUEST");
    assert_eq!(message, "connectScheme: must be ws or wss");
    let taken = json!({"serverId": "agents-own", "host": "h", "port": 1, "landType": "d"});
    assert_failure(&register(taken).await, 409, "SERVER_SUPERSEDED");
    let large = json!({"serverId": "x".repeat(70_000)});
    assert_failure(&register(large).await, 413, "PAYLOAD_TOO_LARGE");
    let nowhere = stack.send(stack.internal_request("GET", "/v1/identity/guest")).await;
    assert_failure(&nowhere, 404, "ROUTE_NOT_FOUND");
    let method = stack.send(stack.internal_request("GET", REGISTER)).await;
    assert_failure(&method, 405, "METHOD_NOT_ALLOWED");

    stack.control_plane.stop().await;
    let body = json!({"serverId": "s", "host": "h", "port": 1, "landType": "d"});
    let away = stack.send(stack.internal_request("POST", REGISTER).json(&body)).await;
    assert_failure(&away, 503, "UNAVAILABLE");
    assert_eq!(away.header("retry-after"), "1");
    stack.finish().await;
}

#[tokio::test]
async fn clients_do_not_reach_it() {
    let stack = Stack::start_with(&[]).await;
    stack.post(REGISTER, &json!({})).await.assert_problem(404, "ROUTE_NOT_FOUND");
    stack.finish().await;
}
