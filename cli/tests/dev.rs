//! `muster dev` on ports of its own, and the tools against it.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::time::Duration;

use muster::{
    dev::{Config, Stack},
    gateway::Gateway,
    load,
    scenario::{self, Scenario, StepResult},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

struct Running {
    gateway: String,
    stop: DropGuard,
    ended: JoinHandle<anyhow::Result<()>>,
    keys: TempDir,
}

/// All ports any free one, and a key of its own.
fn config(keys: &TempDir) -> Config {
    let any = "127.0.0.1:0";
    let both = "127.0.0.1:0,127.0.0.1:0";
    let mut config: Config = runtime::config::defaults(&[
        "--gateway-addr",
        any,
        "--internal-addr",
        any,
        "--control-plane-addr",
        any,
        "--server-addrs",
        both,
        "--agent-addrs",
        both,
    ]);
    config.keys = keys.path().join("keys");
    config.state_dir = keys.path().join("state");
    config
}

async fn start() -> Running {
    let keys = tempfile::tempdir().unwrap();
    let stack = Stack::bind(config(&keys)).await.unwrap();
    let gateway = format!("http://{}", stack.gateway_addr());
    let stop = CancellationToken::new();
    let (tell, ready) = oneshot::channel();
    let ended = tokio::spawn(stack.run(stop.clone(), || tell.send(()).unwrap()));
    timeout(Duration::from_secs(20), ready).await.unwrap().unwrap();
    Running { gateway, stop: stop.drop_guard(), ended, keys }
}

impl Running {
    async fn stop(self) {
        drop(self.stop);
        timeout(Duration::from_secs(20), self.ended).await.unwrap().unwrap().unwrap();
        drop(self.keys);
    }
}

async fn play(running: &Running, text: &str) -> (bool, Vec<StepResult>) {
    let file = running.keys.path().join("scenario.json");
    std::fs::write(&file, text).unwrap();
    let scenario = Scenario::read(&file, &[]).unwrap();
    let gateway = Gateway::new(&running.gateway).unwrap();
    let mut results = Vec::new();
    let stop = CancellationToken::new();
    let passed = scenario::play(&scenario, &gateway, &stop, |result| results.push(result.clone())).await;
    (passed.unwrap(), results)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_at_the_root_and_everything_stops_cleanly() {
    let running = start().await;
    let page = reqwest::get(&running.gateway).await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let text = page.text().await.unwrap();
    for id in ["name", "queue", "find", "cancel", "status", "land", "score", "players", "play"] {
        assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn players_of_a_load_are_assigned_by_both_ways() {
    let running = start().await;
    let flags = ["--players", "30", "--rate", "200", "--party", "1,2", "--transport", "both"];
    let mut config: load::Config = runtime::config::defaults(&flags);
    config.gateway.clone_from(&running.gateway);
    let report = load::measure(&config, CancellationToken::new()).await.unwrap();
    assert_eq!(report.players_without_assignment(), 0, "{report}");
    let json = report.to_json();
    assert_eq!((&json["assignedPlayers"], &json["tickets"]), (&json!(30), &json!(20)));
    for way in ["websocket", "rest"] {
        let steps = &json["latencyMs"][way];
        let (answered, assigned) = (&steps["enqueueAnswer"], &steps["enqueueToAssigned"]);
        assert_eq!((&answered["count"], &assigned["count"]), (&json!(10), &json!(10)), "{json}");
        assert!(assigned["max"].as_f64() >= answered["p50"].as_f64(), "{json}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn players_who_find_nobody_are_counted_and_their_tickets_taken_back() {
    let running = start().await;
    let flags = ["--players", "2", "--queue", "demo:3", "--timeout", "200ms", "--transport", "both"];
    let mut config: load::Config = runtime::config::defaults(&flags);
    config.gateway.clone_from(&running.gateway);
    let report = load::measure(&config, CancellationToken::new()).await.unwrap();
    assert_eq!(report.players_without_assignment(), 2);
    assert_eq!(report.to_json()["errors"], json!({"TIMEOUT": 2}));
    // Had they stayed, this player would be matched with them.
    let (passed, results) = play(
        &running,
        r#"{"name": "n", "steps": [
            {"enqueue": {"as": "a", "queueKey": "demo:3", "members": ["a"]}},
            {"wait": {"for": "assigned", "of": "a", "within": "500ms"}}
        ]}"#,
    )
    .await;
    assert!(!passed && results.len() == 2, "{results:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_ends_at_the_first_step_that_fails_and_says_how() {
    let running = start().await;
    let (passed, results) = play(
        &running,
        r#"{"name": "n", "steps": [
            {"enqueue": {"as": "a", "via": "rest", "queueKey": "demo", "members": ["a"], "expect": {"/status": "queued"}}},
            {"enqueue": {"as": "x", "via": "rest", "queueKey": "demo", "members": ["b", "b"],
                "expect": {"/code": "INVALID_REQUEST", "/http": 400}}},
            {"enqueue": {"as": "x", "queueKey": "", "members": ["b"], "expect": {"/code": "INVALID_REQUEST"}}},
            {"wait": {"for": "assigned", "of": "a"}},
            {"action": {"cancel": "a", "expect": {"/cancelled": false, "/status": "assigned"}}},
            {"connect": {"as": "a", "ticket": "a"}},
            {"action": {"by": "a", "send": {"action": "Play"}, "times": 2}},
            {"wait": {"for": "state", "of": "a", "at": "/score", "equals": 2}},
            {"assert": {"on": "land", "of": "a", "at": "/score", "equals": 3}},
            {"log": "never"}
        ]}"#,
    )
    .await;
    let last = results.last().unwrap();
    assert!(!passed && last.number == 9, "{results:?}");
    let failure = last.outcome.as_ref().unwrap_err();
    assert_eq!((failure.expected.as_str(), failure.got.as_str()), ("3", "2 for a"));
    let (passed, results) =
        play(&running, r#"{"name": "n", "steps": [{"wait": {"for": "assigned", "of": "nobody"}}]}"#).await;
    assert!(!passed && results[0].to_string().contains("a ticket called nobody"), "{results:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_port_in_use_names_the_flag_of_dev() {
    let keys = tempfile::tempdir().unwrap();
    let holder = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = holder.local_addr().unwrap();
    let mut config = config(&keys);
    config.agent_addrs[1] = taken;
    let error = Stack::bind(config).await.err().unwrap().to_string();
    assert!(error.contains("--agent-addrs") && error.contains(&taken.to_string()), "{error}");
}

#[tokio::test]
async fn each_server_needs_an_agent() {
    let keys = tempfile::tempdir().unwrap();
    let mut config = config(&keys);
    config.agent_addrs.pop();
    let error = Stack::bind(config).await.err().unwrap().to_string();
    assert_eq!(error, "agent_addrs: names 1 addresses for 2 game servers; give each server an agent");
}
