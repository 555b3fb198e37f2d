//! Which pages in browsers may use the gateway.

use serde_json::json;

use crate::support::{Answer, Stack, socket::Socket};

const LISTED: [&str; 2] = ["--allowed-origins", "https://game.example"];

async fn from(stack: &Stack, origin: &str) -> Answer {
    stack.send(stack.request("GET", "/v1/matchmaking/status/x").header("origin", origin)).await
}

async fn preflight(stack: &Stack, origin: &str) -> Answer {
    let request = stack.request("OPTIONS", "/v1/matchmaking/enqueue").header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    stack.send(request.header("access-control-request-headers", "authorization,content-type")).await
}

#[tokio::test]
async fn a_page_of_another_origin_gets_nothing_unless_it_is_listed() {
    let stack = Stack::start_with(&LISTED).await;
    let own = format!("http://{}", stack.client_addr);
    // The page gets in; who its reader is, is another matter.
    from(&stack, &own).await.assert_problem(401, "UNAUTHENTICATED");
    let listed = from(&stack, "https://game.example").await;
    listed.assert_problem(401, "UNAUTHENTICATED");
    assert_eq!(listed.header("access-control-allow-origin"), "https://game.example");
    assert!(listed.header("access-control-expose-headers").contains("x-request-id"));
    for origin in ["https://evil.example", "http://game.example", "null", "http://localhost:5173"] {
        let refused = from(&stack, origin).await;
        refused.assert_problem(403, "FORBIDDEN");
        assert_eq!(refused.header("access-control-allow-origin"), "", "{origin}");
        preflight(&stack, origin).await.assert_problem(403, "FORBIDDEN");
    }
    stack.finish().await;
}

#[tokio::test]
async fn a_preflight_is_answered_and_credentials_are_never_allowed() {
    for flags in [LISTED, ["--allowed-origins", "*"]] {
        let stack = Stack::start_with(&flags).await;
        let answer = preflight(&stack, "https://game.example").await;
        assert_eq!(answer.status, 204, "{answer:#?}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://game.example");
        assert!(answer.header("access-control-allow-methods").contains("POST"));
        assert!(answer.header("access-control-allow-headers").contains("authorization"));
        assert_eq!(answer.header("vary"), "origin");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        stack.finish().await;
    }
}

#[tokio::test]
async fn sockets_are_opened_by_pages_that_are_let_in() {
    let stack = Stack::start_with(&LISTED).await;
    let url = format!("ws://{}/realtime", stack.client_addr);
    let open = async |origin: &str| Socket::try_open(&url, &[("origin", origin)]).await;
    open(&format!("http://{}", stack.client_addr)).await.unwrap();
    open("https://game.example").await.unwrap();
    for origin in ["https://evil.example", "null"] {
        assert_eq!(open(origin).await.err(), Some((403, "FORBIDDEN".to_owned())), "{origin}");
    }
    let two =
        Socket::try_open(&url, &[("origin", "https://game.example"), ("origin", "https://evil.example")]);
    assert_eq!(two.await.err().map(|(status, _)| status), Some(403));
    stack.finish().await;
}

#[tokio::test]
async fn the_development_mode_lets_pages_of_this_machine_in() {
    let stack = Stack::start().await;
    let page = from(&stack, "http://localhost:5173").await;
    assert_eq!(page.header("access-control-allow-origin"), "http://localhost:5173");
    from(&stack, "https://evil.example").await.assert_problem(403, "FORBIDDEN");
    stack.finish().await;
}

#[tokio::test]
async fn no_page_reaches_the_internal_listener() {
    let stack = Stack::start().await;
    let body = json!({"serverId": "s", "host": "10.0.0.1", "port": 1, "landType": "demo"});
    let request = stack.internal_request("POST", "/v1/provisioning/servers/register").json(&body);
    let answer = stack.send(request.header("origin", "http://127.0.0.1:3080")).await;
    assert_eq!((answer.status, &answer.body["error"]["code"]), (403, &json!("FORBIDDEN")));
    stack.finish().await;
}
