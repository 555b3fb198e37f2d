//! The scenarios of tests/scenarios, each against a stack that fits it.

use muster::{
    demo_server::{Config, DemoServer, Mode},
    gateway::Gateway,
    scenario,
};
use tests::{Stack, repository};
use tokio_util::sync::CancellationToken;

async fn play(file: &str, gateway: &str, variables: &[(String, String)]) {
    let path = repository().join("tests/scenarios").join(file);
    let scenario = scenario::Scenario::read(&path, variables).unwrap();
    let gateway = Gateway::new(gateway).unwrap();
    let (stop, mut told) = (CancellationToken::new(), Vec::new());
    let passed =
        scenario::play(&scenario, &gateway, &stop, |step| told.push(step.to_string())).await.unwrap();
    assert!(passed, "{file}:\n{}", told.join("\n"));
}

async fn play_on(stack: &Stack, file: &str) {
    play(file, &stack.gateway_url(), &[]).await;
}

#[tokio::test]
async fn one_player() {
    play_on(&Stack::builder().start().await, "one-player.json").await;
}

#[tokio::test]
async fn a_party_of_two() {
    play_on(&Stack::builder().start().await, "party-of-two.json").await;
}

#[tokio::test]
async fn a_party_of_three() {
    play_on(&Stack::builder().start().await, "party-of-three.json").await;
}

#[tokio::test]
async fn six_solos_fill_a_3v3() {
    play_on(&Stack::builder().servers(2).start().await, "six-solos-3v3.json").await;
}

#[tokio::test]
async fn two_servers_in_turn() {
    play_on(&Stack::builder().servers(2).start().await, "two-servers.json").await;
}

#[tokio::test]
async fn direct_mode_needs_nothing_but_the_game_server() {
    let config = Config { mode: Mode::Direct, ..runtime::config::defaults(&["--addr", "127.0.0.1:0"]) };
    let server = DemoServer::bind(config).await.unwrap();
    let url = format!("ws://{}", server.addr().unwrap());
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone()));
    let nobody = "http://127.0.0.1:1";
    play("direct-mode.json", nobody, &[("direct".to_owned(), url)]).await;
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[test]
fn every_file_has_its_test() {
    let source = include_str!("scenarios.rs");
    for file in std::fs::read_dir(repository().join("tests/scenarios")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(source.contains(&format!("\"{name}\"")), "no test plays {name}");
    }
}
