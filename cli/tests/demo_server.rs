//! The demo game server over real sockets: in direct mode, and beside a stand-in of the agent.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

mod demo_server {
    pub(crate) mod agent;
    pub(crate) mod player;
}

use std::{net::SocketAddr, time::Duration};

use demo_server::{agent::FakeAgent, player::Player};
use muster::demo_server::{Config, DemoServer, Mode, Redeem};
use reqwest::StatusCode;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

struct Running {
    addr: SocketAddr,
    stop: DropGuard,
    ended: JoinHandle<anyhow::Result<()>>,
}

async fn start(change: impl FnOnce(&mut Config)) -> Running {
    let mut config: Config = runtime::config::defaults(&["--addr", "127.0.0.1:0"]);
    change(&mut config);
    let server = DemoServer::bind(config).await.unwrap();
    let stop = CancellationToken::new();
    Running {
        addr: server.addr().unwrap(),
        ended: tokio::spawn(server.run(stop.clone())),
        stop: stop.drop_guard(),
    }
}

async fn start_direct() -> Running {
    start(|config| config.mode = Mode::Direct).await
}

async fn start_with(agent: &FakeAgent) -> Running {
    let url = agent.url();
    start(|config| {
        config.agent = url;
        config.empty_grace = Duration::from_millis(50);
    })
    .await
}

impl Running {
    async fn join(&self, query: &str) -> Player {
        Player::connect(&format!("ws://{}/game/hero-defense?{query}", self.addr)).await
    }

    /// Enters a land that the agent announced.
    async fn enter(&self, land: &str, token: &str) -> Player {
        self.join(&format!("landId={land}&token={token}")).await
    }
}

#[tokio::test]
async fn direct_mode_makes_a_land_for_whoever_comes() {
    let server = start_direct().await;
    let mut alice = server.join("landId=l&player=alice").await;
    assert_eq!(alice.state().await, json!({"type":"state","landId":"l","score":0,"players":["alice"]}));
    let mut bob = server.join("landId=l&player=bob").await;
    bob.say(r#"{"action":"Play"}"#).await;
    for player in [&mut alice, &mut bob] {
        let state = player.state_where(|state| state["score"] == 1).await;
        assert_eq!(state["players"], json!(["alice", "bob"]));
    }
    bob.leave().await;
    alice.state_where(|state| state["players"] == json!(["alice"])).await;
}

#[tokio::test]
async fn without_a_name_or_a_land_one_is_made_up() {
    let server = start_direct().await;
    let state = server.join("").await.state().await;
    assert!(state["landId"].as_str().unwrap().starts_with("hero-defense:"), "{state}");
    assert!(state["players"][0].as_str().unwrap().starts_with("player-"), "{state}");
}

#[tokio::test]
async fn messages_that_mean_nothing_get_an_error_and_the_player_stays() {
    let server = start_direct().await;
    let mut alice = server.join("landId=l&player=alice").await;
    alice.state().await;
    for bad in ["", "no json", "[]", "{}", r#"{"action":"Fly"}"#, r#"{"action":"Play","twice":true}"#] {
        alice.say(bad).await;
        let answer = alice.next().await;
        assert_eq!(answer["type"], "error", "{bad}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(r#"{"action":"Play"}"#), "{answer}");
    }
    alice.say_binary(&[0, 1, 2]).await;
    assert_eq!(alice.next().await["message"], "send text, not binary data");
    alice.say(r#"{"action":"Play"}"#).await;
    assert_eq!(alice.state().await["score"], 1);
}

#[tokio::test]
async fn a_message_over_16_kib_ends_the_connection_and_nobody_elses() {
    let server = start_direct().await;
    let mut alice = server.join("landId=l&player=alice").await;
    let mut bob = server.join("landId=l&player=bob").await;
    alice.say(&"x".repeat(17 * 1024)).await;
    assert_eq!(alice.closed().await.0, 1009);
    bob.state_where(|state| state["players"] == json!(["bob"])).await;
}

#[tokio::test]
async fn more_players_or_lands_than_there_is_room_for_are_told_to_come_back() {
    let server = start(|config| {
        config.mode = Mode::Direct;
        config.max_lands = 1;
        config.max_connections = 2;
    })
    .await;
    let mut alice = server.join("landId=l").await;
    alice.state().await;
    let (code, reason) = server.join("landId=another").await.closed().await;
    assert!(code == 1013 && reason.contains("1 lands"), "{code} {reason}");
    // The one that was sent away gives its place back as soon as its goodbye is over.
    let mut bob = loop {
        let mut bob = server.join("landId=l").await;
        if bob.next_or_close().await.is_ok() {
            break bob;
        }
    };
    let (code, reason) = server.join("landId=l").await.closed().await;
    assert!(code == 1013 && reason.contains("full"), "{code} {reason}");
    bob.say(r#"{"action":"Play"}"#).await;
    alice.state_where(|state| state["score"] == 1).await;
}

#[tokio::test]
async fn who_floods_is_told_to_slow_down() {
    let server = start_direct().await;
    let mut alice = server.join("landId=l").await;
    for _ in 0..200 {
        alice.say(r#"{"action":"Play"}"#).await;
    }
    let error = loop {
        let message = alice.next().await;
        if message["type"] == "error" {
            break message;
        }
    };
    assert!(error["message"].as_str().unwrap().starts_with("slow down"), "{error}");
}

#[tokio::test]
async fn a_stopping_server_says_goodbye_and_ends() {
    let server = start_direct().await;
    let mut alice = server.join("landId=l").await;
    alice.state().await;
    drop(server.stop);
    assert_eq!(alice.closed().await.0, 1001);
    server.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_announced_land_lets_its_players_in_and_the_agent_hears_of_them() {
    let agent = FakeAgent::start().await;
    let server = start_with(&agent).await;
    agent.announce("hero-defense:1", &["alice", "bob"]).await;
    assert_eq!(agent.heard("POST", "/v1/lands/hero-defense:1/ready").await, json!(null));
    let mut alice = server.enter("hero-defense:1", &agent.token("alice", "hero-defense:1")).await;
    let mut bob = server.enter("hero-defense:1", &agent.token("bob", "hero-defense:1")).await;
    bob.state().await;
    bob.say(r#"{"action":"Play"}"#).await;
    alice.state_where(|state| state["score"] == 1).await;
    agent.heard_players("hero-defense:1", &["alice", "bob"]).await;
    bob.leave().await;
    agent.heard_players("hero-defense:1", &["alice"]).await;
    alice.leave().await;
    agent.heard_players("hero-defense:1", &[]).await;
    agent.heard("DELETE", "/v1/lands/hero-defense:1").await;
}

#[tokio::test]
async fn who_has_no_good_token_stays_outside_and_hears_why() {
    let agent = FakeAgent::start().await;
    let server = start_with(&agent).await;
    agent.announce("hero-defense:1", &["alice"]).await;
    agent.heard("POST", "/v1/lands/hero-defense:1/ready").await;
    let land = "hero-defense:1";
    let good = agent.token("alice", land);
    let mut forged = good.clone();
    forged.replace_range(forged.len() - 10.., "AAAAAAAAAA");
    let cases = [
        (land, String::new(), 4401, "empty"),
        (land, "x.y.z".to_owned(), 4401, "no match token"),
        (land, forged, 4401, "signature"),
        (land, agent.expired_token("alice", land), 4401, "expired"),
        (land, agent.token("alice", "hero-defense:2"), 4401, "land"),
        (land, agent.token_for_server("alice", land, "another"), 4401, "server"),
        (land, agent.token("mallory", land), 4403, "not one of this land's players"),
        ("hero-defense:2", agent.token("alice", "hero-defense:2"), 4404, "no such land"),
    ];
    for (land, token, code, reason) in cases {
        let closed = server.enter(land, &token).await.closed().await;
        assert_eq!(closed.0, code, "{closed:?}");
        assert!(closed.1.contains(reason), "{closed:?} should say {reason}");
    }
    let closed = server.join("landId=hero-defense:1").await.closed().await;
    assert!(closed.0 == 4401 && closed.1.contains("missing"), "{closed:?}");
    server.enter(land, &good).await.state().await;
}

#[tokio::test]
async fn a_token_is_used_up_at_the_door_and_only_by_who_comes_in() {
    let agent = FakeAgent::start().await;
    let server = start_with(&agent).await;
    let land = "hero-defense:1";
    agent.announce(land, &["alice"]).await;
    agent.heard("POST", &format!("/v1/lands/{land}/ready")).await;
    let closed = server.enter(land, &agent.token("mallory", land)).await.closed().await;
    assert_eq!((closed.0, agent.redemptions().len()), (4403, 0), "who is sent away keeps the token");

    let token = agent.token("alice", land);
    let mut alice = server.enter(land, &token).await;
    alice.state().await;
    let asked = agent.heard("POST", "/v1/tokens/redeem").await;
    assert_eq!((&asked["token"], &asked["landId"]), (&json!(token), &json!(land)));
    agent.answers_redemptions(&[StatusCode::CONFLICT]);
    let closed = server.enter(land, &token).await.closed().await;
    assert!(closed.0 == 4401 && closed.1.contains("ticket's status"), "{closed:?}");
    let names = agent.redemptions();
    assert!(
        names.len() == 2 && names[0] != names[1],
        "each connection is a redemption of its own: {names:?}"
    );
    alice.say(r#"{"action":"Play"}"#).await;
    alice.state().await;
}

#[tokio::test]
async fn a_redemption_without_an_answer_is_repeated_and_then_policy_decides() {
    let away = [StatusCode::SERVICE_UNAVAILABLE; 3];
    for (policy, lets_in) in [(Redeem::Always, false), (Redeem::WhenReachable, true)] {
        let (agent, server) = with_a_land_for_alice(policy).await;
        agent.answers_redemptions(&away[..2]);
        server.enter(LAND, &agent.token("alice", LAND)).await.state().await;
        agent.answers_redemptions(&away);
        let came = server.enter(LAND, &agent.token("alice", LAND)).await.next_or_close().await;
        assert_eq!(came.is_ok(), lets_in, "{policy:?}: {came:?}");
        assert!(came.is_ok() || came.is_err_and(|(code, _)| code == 1013));
        let names = agent.redemptions();
        assert!(names[..3].iter().all(|name| *name == names[0]), "{names:?}");
        assert!(names[3..].iter().all(|name| *name == names[3] && *name != names[0]), "{names:?}");
        assert_eq!(names.len(), 6);
    }
}

#[tokio::test]
async fn a_server_that_does_not_redeem_asks_nobody() {
    let (agent, server) = with_a_land_for_alice(Redeem::Never).await;
    server.enter(LAND, &agent.token("alice", LAND)).await.state().await;
    assert!(agent.redemptions().is_empty());
}

const LAND: &str = "hero-defense:1";

async fn with_a_land_for_alice(policy: Redeem) -> (FakeAgent, Running) {
    let agent = FakeAgent::start().await;
    let url = agent.url();
    let server = start(|config| (config.agent, config.redeem) = (url, policy)).await;
    agent.announce(LAND, &["alice"]).await;
    agent.heard("POST", &format!("/v1/lands/{LAND}/ready")).await;
    (agent, server)
}

#[tokio::test]
async fn a_key_that_is_new_is_asked_for() {
    let mut agent = FakeAgent::start().await;
    let server = start_with(&agent).await;
    agent.announce("hero-defense:1", &["alice", "bob"]).await;
    agent.heard("POST", "/v1/lands/hero-defense:1/ready").await;
    // Bob stays, so that the land does.
    let mut bob = server.enter("hero-defense:1", &agent.token("bob", "hero-defense:1")).await;
    bob.state().await;
    agent.rotate_keys();
    // Asked for at most once a second: until then the new key is unknown.
    let token = agent.token("alice", "hero-defense:1");
    demo_server::agent::eventually("the new key is known", async || {
        server.enter("hero-defense:1", &token).await.next_or_close().await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_land_that_can_t_be_made_is_refused_with_the_reason() {
    let agent = FakeAgent::start().await;
    let _server = start_with(&agent).await;
    agent.announce("racing:1", &["alice"]).await;
    let refused = agent.heard("POST", "/v1/lands/racing:1/refuse").await;
    assert_eq!(refused, json!({"reason": "this server hosts hero-defense, not racing"}));
}

#[tokio::test]
async fn at_the_end_of_a_drain_its_lands_end() {
    let agent = FakeAgent::start().await;
    let server = start_with(&agent).await;
    agent.announce("hero-defense:1", &["alice"]).await;
    agent.heard("POST", "/v1/lands/hero-defense:1/ready").await;
    agent.send(&json!({"type":"seats.freed","landId":"hero-defense:1","players":["alice"]})).await;
    server.enter("hero-defense:1", &agent.token("alice", "hero-defense:1")).await.state().await;
    agent.send(&json!({"type":"drain","reason":"update","deadlineMs":60_000})).await;
    agent.send(&json!({"type":"shutdown","reason":"the deadline has come"})).await;
    agent.heard("DELETE", "/v1/lands/hero-defense:1").await;
}

#[tokio::test]
async fn draining_refuses_new_lands_and_keeps_those_that_are_there() {
    let agent = FakeAgent::start().await;
    let server = start_with(&agent).await;
    agent.announce("hero-defense:1", &["alice"]).await;
    agent.heard("POST", "/v1/lands/hero-defense:1/ready").await;
    agent.send(&json!({"type":"drain","reason":"update"})).await;
    agent.announce("hero-defense:2", &["bob"]).await;
    let refused = agent.heard("POST", "/v1/lands/hero-defense:2/refuse").await;
    assert_eq!(refused, json!({"reason": "this server is draining"}));
    server.enter("hero-defense:1", &agent.token("alice", "hero-defense:1")).await.state().await;
}

#[tokio::test]
async fn a_released_land_sends_its_players_home() {
    let agent = FakeAgent::start().await;
    let server = start_with(&agent).await;
    agent.announce("hero-defense:1", &["alice"]).await;
    agent.heard("POST", "/v1/lands/hero-defense:1/ready").await;
    let mut alice = server.enter("hero-defense:1", &agent.token("alice", "hero-defense:1")).await;
    alice.state().await;
    agent.send(&json!({"type":"land.release","landId":"hero-defense:1","reason":"over"})).await;
    assert_eq!(alice.closed().await, (1000, "the land has ended".to_owned()));
    agent.heard("DELETE", "/v1/lands/hero-defense:1").await;
}

#[tokio::test]
async fn a_land_that_nobody_joins_ends() {
    let agent = FakeAgent::start().await;
    let url = agent.url();
    let _server = start(|config| {
        config.agent = url;
        config.join_within = Duration::from_millis(50);
    })
    .await;
    agent.announce("hero-defense:1", &["alice"]).await;
    agent.heard("DELETE", "/v1/lands/hero-defense:1").await;
}

#[tokio::test]
async fn after_a_lost_connection_everything_is_told_again_and_players_stay() {
    let agent = FakeAgent::start().await;
    let server = start_with(&agent).await;
    agent.announce("hero-defense:1", &["alice"]).await;
    agent.heard("POST", "/v1/lands/hero-defense:1/ready").await;
    let mut alice = server.enter("hero-defense:1", &agent.token("alice", "hero-defense:1")).await;
    agent.heard_players("hero-defense:1", &["alice"]).await;
    agent.forget_what_was_heard();
    agent.break_off();
    assert_eq!(
        agent.heard("POST", "/v1/ready").await,
        json!({"lands": [{"landId": "hero-defense:1", "players": ["alice"]}]})
    );
    agent.heard_players("hero-defense:1", &["alice"]).await;
    // Announced once more: the same land, answered ready again.
    agent.announce("hero-defense:1", &["alice"]).await;
    agent.heard("POST", "/v1/lands/hero-defense:1/ready").await;
    alice.say(r#"{"action":"Play"}"#).await;
    alice.state_where(|state| state["score"] == 1).await;
}

#[tokio::test]
async fn a_land_whose_players_are_on_their_way_is_told_to_a_new_agent() {
    let agent = FakeAgent::start().await;
    let server = start_with(&agent).await;
    agent.announce("hero-defense:1", &["alice"]).await;
    agent.heard("POST", "/v1/lands/hero-defense:1/ready").await;
    agent.forget_what_was_heard();
    agent.break_off();
    let told = agent.heard("POST", "/v1/ready").await;
    assert_eq!(told, json!({"lands": [{"landId": "hero-defense:1", "players": []}]}));
    server.enter("hero-defense:1", &agent.token("alice", "hero-defense:1")).await;
}

#[tokio::test]
async fn lands_of_an_earlier_run_are_given_back() {
    let agent = FakeAgent::start().await;
    agent.knows_lands(&json!([
        {"landId": "hero-defense:old", "landType": "hero-defense", "state": "ready", "players": []},
        {"landId": "hero-defense:asked", "landType": "hero-defense", "state": "allocating", "players": []},
    ]));
    let _server = start_with(&agent).await;
    agent.heard("DELETE", "/v1/lands/hero-defense:old").await;
    agent.heard("POST", "/v1/ready").await;
    assert!(!agent.has_heard("DELETE", "/v1/lands/hero-defense:asked"));
}
