//! What the local API says to what it can't take, and to whom it doesn't speak.

use provisioning_agent::ProvisioningAgent;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    control_plane::ControlPlane,
    fixture::{Agent, config},
};

#[tokio::test]
async fn bad_input_is_named() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::registered(&control_plane, &[]).await;
    let mut watch = agent.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    watch.next().await.unwrap();
    let long = "x".repeat(129);
    let players = "/v1/lands/arena:1/players";
    let refuse = "/v1/lands/arena:1/refuse";
    let many = json!({"players": vec!["x"; 1001]}).to_string();
    let long_player = json!({"players": ["ann", long]}).to_string();
    let long_reason = json!({"reason": "x".repeat(513)}).to_string();
    let large = format!("{{\"players\":[\"{}\"]}}", "x".repeat(64 * 1024));
    let long_land = format!("/v1/lands/{long}/ready");
    // Method, path, body, status, code, field.
    let cases: &[(Method, &str, &str, u16, &str, &str)] = &[
        (Method::PUT, players, "{", 400, "INVALID_REQUEST", "body"),
        (Method::PUT, players, "", 400, "INVALID_REQUEST", "body"),
        (Method::PUT, players, "[]x", 400, "INVALID_REQUEST", "body"),
        (Method::PUT, players, "{\"players\":[]} {}", 400, "INVALID_REQUEST", "body"),
        (Method::PUT, players, "[[\"ann\"]]", 400, "INVALID_REQUEST", "body"),
        (Method::PUT, players, "{}", 400, "INVALID_REQUEST", "players"),
        (Method::PUT, players, r#"{"players":"ann"}"#, 400, "INVALID_REQUEST", "players"),
        (Method::PUT, players, r#"{"players":[1]}"#, 400, "INVALID_REQUEST", "players[0]"),
        (Method::PUT, players, r#"{"players":[],"score":1}"#, 400, "INVALID_REQUEST", "score"),
        (Method::PUT, players, r#"{"players":["ann",""]}"#, 400, "INVALID_REQUEST", "players[1]"),
        (Method::PUT, players, r#"{"players":["a\nb"]}"#, 400, "INVALID_REQUEST", "players[0]"),
        (Method::PUT, players, r#"{"players":["ann","ann"]}"#, 400, "INVALID_REQUEST", "players[1]"),
        (Method::PUT, players, &long_player, 400, "INVALID_REQUEST", "players[1]"),
        (Method::PUT, players, &many, 400, "INVALID_REQUEST", "players"),
        (Method::PUT, players, &large, 413, "PAYLOAD_TOO_LARGE", ""),
        (Method::POST, refuse, "{}", 400, "INVALID_REQUEST", "reason"),
        (Method::POST, refuse, &long_reason, 400, "INVALID_REQUEST", "reason"),
        (Method::POST, "/v1/ready", r#"{"now":true}"#, 400, "INVALID_REQUEST", "now"),
        (Method::POST, "/v1/drain", r#"{"soon":1}"#, 400, "INVALID_REQUEST", "soon"),
        (Method::POST, &long_land, "", 400, "INVALID_REQUEST", "landId"),
        (Method::POST, "/v1/lands/%ff/ready", "", 400, "INVALID_REQUEST", "landId"),
        (Method::POST, "/v1/lands/arena:9/ready", "", 404, "LAND_NOT_FOUND", ""),
        (Method::PUT, "/v1/lands/arena:9/players", r#"{"players":[]}"#, 404, "LAND_NOT_FOUND", ""),
        (Method::GET, "/v1/jwks?kid=", "", 400, "INVALID_REQUEST", "kid"),
        (Method::GET, "/v1/jwks?key=a", "", 400, "INVALID_REQUEST", "query"),
        (Method::GET, "/v2/status", "", 404, "NOT_FOUND", ""),
        (Method::POST, "/v1/status", "", 405, "METHOD_NOT_ALLOWED", ""),
    ];
    for (method, path, body, status, code, field) in cases {
        let request = agent.http.request(method.clone(), agent.url(path));
        let response = request.body((*body).to_owned()).send().await.unwrap();
        let what = format!("{method} {path} {}", &body[..body.len().min(40)]);
        assert_eq!(response.status().as_u16(), *status, "{what}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{what}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)), "{what}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}");
        assert_eq!(problem["errors"][0]["field"].as_str().unwrap_or_default(), *field, "{problem}");
    }
    let status = agent.status().await;
    assert_eq!(status["lands"][0]["state"], "allocating", "nothing of it had an effect");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_land_that_is_ready_can_not_be_refused() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &[]).await;
    let body = json!({"lands": [{"landId": "arena:1", "players": ["ann"]}]});
    agent.ok(Method::POST, "/v1/ready", Some(body)).await;
    assert_eq!(control_plane.hello(1).await.lands[0].player_ids, ["ann"]);
    let reason = json!({"reason": "no"});
    let response = agent.call(Method::POST, "/v1/lands/arena:1/refuse", Some(reason)).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "LAND_ALREADY_READY");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn browsers_are_kept_out() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &[]).await;
    let cases = [
        (header::ORIGIN, "https://evil.example", 403),
        (header::ORIGIN, "null", 403),
        (header::HOST, "evil.example:9358", 403),
        (header::HOST, "localhost:9358", 200),
        (header::HOST, "[::1]:9358", 200),
    ];
    for (name, value, status) in cases {
        let request = agent.http.post(agent.url("/v1/drain")).header(&name, value);
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{name}: {value}");
        if status == 403 {
            let problem: Value = response.json().await.unwrap();
            assert_eq!(problem["code"], "FORBIDDEN");
            assert_eq!(agent.status().await["state"], "starting", "and nothing happened");
        }
    }
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn settings_are_judged_before_a_port_opens() {
    let addr = "127.0.0.1:1".parse().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["--http-addr", "192.0.2.1:0"], "http_addr: 192.0.2.1:0 is reachable"),
        (&["--server-id", ""], "server_id: is empty"),
        (&["--control-plane", "ftp://cp"], "control_plane: `ftp://cp` does not begin"),
        (&["--control-plane", "http://cp/path"], "control_plane: `http://cp/path` has something"),
        (&["--control-plane", "not a url"], "control_plane: `not a url`"),
    ];
    for (flags, expected) in cases {
        let mut config = config(addr, &[]);
        match flags[0] {
            "--http-addr" => config.http_addr = flags[1].parse().unwrap(),
            "--server-id" => config.server_id = Some(flags[1].to_owned()),
            _ => config.control_plane = vec![flags[1].to_owned()],
        }
        let error = ProvisioningAgent::bind(config).await.err().unwrap();
        assert!(error.is::<runtime::config::Invalid>() && error.to_string().starts_with(expected), "{error}");
    }
}
