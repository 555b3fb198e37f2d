//! The scenarios of tests/scenarios, each against a stack that fits it.

use muster::{
    demo_server::{Config, DemoServer, Mode},
    gateway::Gateway,
    scenario,
};
use proto::matchmaking::v1::{ReloadQueuesRequest, matchmaking_client::MatchmakingClient};
use tests::{Stack, repository};
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;

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

/// A scenario of a rule set, first over sockets and then over REST.
async fn play_rule(file: &str) {
    let queues = repository().join("tests/scenarios/rules/queues.toml");
    let stack = Stack::builder().queues_of(queues).start().await;
    for via in ["websocket", "rest"] {
        play(file, &stack.gateway_url(), &[("via".to_owned(), via.to_owned())]).await;
    }
}

macro_rules! rule_scenarios {
    ($($test:ident: $file:literal,)+) => {
        $(
            #[tokio::test]
            async fn $test() {
                play_rule($file).await;
            }
        )+
    };
}

rule_scenarios! {
    absolute_sort: "rule-absolute-sort.json",
    batch_distance: "rule-batch-distance.json",
    block_list: "rule-block-list.json",
    collection: "rule-collection.json",
    comparison: "rule-comparison.json",
    compound: "rule-compound.json",
    distance: "rule-distance.json",
    distance_sort: "rule-distance-sort.json",
    expansions: "rule-expansions.json",
    latency: "rule-latency.json",
    roles: "rule-roles.json",
    teams: "rule-teams.json",
    weight: "rule-weight.json",
    win_probability: "rule-win-probability.json",
}

#[test]
fn every_file_has_its_test() {
    let source = include_str!("scenarios.rs");
    for file in std::fs::read_dir(repository().join("tests/scenarios")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let is_played = source.contains(&format!("\"{name}\""));
        assert!(is_played || file.file_type().unwrap().is_dir(), "no test plays {name}");
    }
}

#[tokio::test]
async fn every_rule_set_is_played_and_surprises_nobody() {
    let scenarios = repository().join("tests/scenarios");
    let listed = std::fs::read_to_string(scenarios.join("rules/queues.toml")).unwrap();
    for file in std::fs::read_dir(scenarios.join("rules")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if let Some(rule) = name.strip_suffix(".json") {
            assert!(listed.contains(&format!("\"{name}\"")), "no queue has {name}");
            assert!(scenarios.join(format!("rule-{rule}.json")).exists(), "nobody plays {name}");
        }
    }
    let stack = Stack::builder().queues_of(scenarios.join("rules/queues.toml")).start().await;
    let channel = Endpoint::from_shared(stack.control_plane_url()).unwrap().connect().await.unwrap();
    let mut calls = MatchmakingClient::new(channel);
    let read_again = calls.reload_queues(ReloadQueuesRequest {}).await.unwrap().into_inner();
    assert_eq!((read_again.errors.len(), read_again.changes.len()), (0, 0), "{read_again:?}");
    assert_eq!(read_again.warnings, Vec::<String>::new());
}
