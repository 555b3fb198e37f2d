//! Several control planes: the agent is connected to one, and moves on when that goes.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    control_plane::ControlPlane,
    fixture::{Agent, eventually},
};

/// The list that `--control-plane` takes beside the first.
fn and(other: &ControlPlane) -> [String; 2] {
    ["--control-plane".to_owned(), format!("http://{}", other.addr)]
}

/// Whether the agent's only stream is with the first.
async fn is_with(first: &ControlPlane, second: &ControlPlane) -> bool {
    eventually("a stream", async || (first.streams() + second.streams() == 1).then_some(())).await;
    first.streams() == 1
}

#[tokio::test]
async fn when_its_control_plane_goes_it_is_registered_with_the_other_and_stays_there() {
    let (first, second) = (ControlPlane::start().await, ControlPlane::start().await);
    let other = and(&second);
    let agent = Agent::start(first.addr, &other.each_ref().map(String::as_str)).await;
    let body = json!({"lands": [{"landId": "arena:1", "players": ["ann"]}]});
    agent.ok(Method::POST, "/v1/ready", Some(body)).await;
    agent.state("registered").await;
    let (holder, other) = if is_with(&first, &second).await { (first, second) } else { (second, first) };

    let gone = holder.go_down().await;
    assert_eq!(other.hello(1).await.lands[0].land_id, "arena:1", "all that lives is told to the other");
    agent.state("registered").await;

    let back = ControlPlane::come_back(gone).await;
    other.heartbeat("life goes on", |heartbeat| heartbeat.sequence >= 5).await;
    assert_eq!(
        (back.streams(), other.streams()),
        (1, 1),
        "one that is good is not left for one that is back"
    );

    other.go_down().await;
    back.hello(2).await;
    agent.state("registered").await;
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn addresses_that_are_no_good_are_passed_over() {
    let (dead, _) = ControlPlane::start().await.go_down().await;
    // Connections to it are made, and nobody ever reads from them.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let living = ControlPlane::start().await;
    let others = format!("http://{},http://{}", mute.local_addr().unwrap(), living.addr);
    // Wherever each of them begins, all arrive.
    join_all((0..6).map(async |_| {
        let agent = Agent::start(dead, &["--control-plane", &others, "--lands", "auto"]).await;
        agent.state("registered").await;
        let keys = agent.call(Method::GET, "/v1/jwks", None).await;
        assert_eq!(keys.status(), StatusCode::OK, "and so do the keys");
        agent.stop().await.unwrap();
    }))
    .await;
    assert_eq!(living.streams(), 6);
}

#[tokio::test]
async fn a_queue_worker_behind_the_same_name_is_passed_over() {
    let (worker, living) = (ControlPlane::worker().await, ControlPlane::start().await);
    let other = and(&living);
    join_all((0..6).map(async |_| {
        let flags = [&other.each_ref().map(String::as_str)[..], &["--lands", "auto"]].concat();
        let agent = Agent::start(worker.addr, &flags).await;
        agent.state("registered").await;
        agent.stop().await.unwrap();
    }))
    .await;
    assert_eq!((worker.streams(), living.streams()), (0, 6), "no stream is opened where none is taken");
}

#[tokio::test]
async fn keys_come_from_whoever_is_there() {
    let (first, second) = (ControlPlane::start().await, ControlPlane::start().await);
    *second.shared.jwks.lock() = r#"{"keys":[{"kid":"first"},{"kid":"second"}]}"#.to_owned();
    let other = and(&second);
    let agent = Agent::start(first.addr, &other.each_ref().map(String::as_str)).await;
    agent.ok(Method::GET, "/v1/jwks", None).await;
    first.go_down().await;
    let keys = agent.ok(Method::GET, "/v1/jwks?kid=second", None).await;
    assert_eq!(keys["keys"][1]["kid"], "second");
    agent.stop().await.unwrap();
}
