//! Lands, from the control plane's command to their end.

use proto::provisioning::v1::{Drain, connect_response::Message as Down};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{control_plane::ControlPlane, fixture::Agent};

#[tokio::test]
async fn a_land_is_asked_for_made_played_and_ended() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::registered(&control_plane, &[]).await;
    let mut watch = agent.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    let expected = json!({
        "type": "land.allocate", "landId": "arena:1", "landType": "arena", "matchId": "m-1", "queueKey": "arena:2",
        "players": ["ann", "bob"], "teams": [{"name": "red", "players": ["ann", "bob"]}],
        "constraints": {"g": {"map": "lava"}}, "answerWithinMs": 60_000,
    });
    assert_eq!(watch.next().await.unwrap(), expected);
    let land = |state: &str, players: Value| json!([{"landId": "arena:1", "landType": "arena", "state": state, "players": players}]);
    assert_eq!(agent.status().await["lands"], land("allocating", json!([])));

    for _ in 0..2 {
        let answer = agent.ok(Method::POST, "/v1/lands/arena:1/ready", None).await;
        assert_eq!(answer, json!({"landId": "arena:1", "state": "ready"}));
    }
    assert_eq!(control_plane.answer("c-1").await, None);
    let players = json!({"players": ["ann", "bob"]});
    agent.ok(Method::PUT, "/v1/lands/arena:1/players", Some(players)).await;
    assert_eq!(agent.status().await["lands"], land("ready", json!(["ann", "bob"])));
    let reported = control_plane
        .heartbeat("the players", |heartbeat| heartbeat.lands.iter().any(|land| !land.player_ids.is_empty()))
        .await;
    assert_eq!(reported.lands[0].player_ids, ["ann", "bob"]);

    assert_eq!(agent.ok(Method::DELETE, "/v1/lands/arena:1", None).await, json!({"ended": true}));
    assert_eq!(agent.ok(Method::DELETE, "/v1/lands/arena:1", None).await, json!({"ended": false}));
    control_plane
        .heartbeat("the end", |heartbeat| {
            heartbeat.sequence > reported.sequence && heartbeat.lands.is_empty()
        })
        .await;
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_game_server_may_refuse_and_may_be_silent() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::registered(&control_plane, &[]).await;
    let mut watch = agent.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    watch.next().await.unwrap();
    let reason = json!({"reason": "the map is missing"});
    agent.ok(Method::POST, "/v1/lands/arena:1/refuse", Some(reason)).await;
    assert_eq!(control_plane.answer("c-1").await.as_deref(), Some("the map is missing"));

    control_plane.allocate("c-2", "arena:2", 50).await;
    assert_eq!(watch.next().await.unwrap()["type"], "land.allocate");
    let reason = control_plane.answer("c-2").await.unwrap();
    assert!(reason.contains("did not answer in time"), "{reason}");
    let released = watch.next().await.unwrap();
    assert_eq!((&released["type"], &released["landId"]), (&json!("land.release"), &json!("arena:2")));
    let late = agent.call(Method::POST, "/v1/lands/arena:2/ready", None).await;
    assert_eq!(late.status(), StatusCode::NOT_FOUND);
    assert_eq!(late.json::<Value>().await.unwrap()["code"], "LAND_NOT_FOUND");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_released_land_is_told_and_gone() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::registered(&control_plane, &[]).await;
    let mut watch = agent.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    watch.next().await.unwrap();
    agent.ok(Method::POST, "/v1/lands/arena:1/ready", None).await;
    let listed = control_plane.heartbeat("the land", |heartbeat| !heartbeat.lands.is_empty()).await;
    control_plane.release("arena:1", "nobody came").await;
    let expected = json!({"type": "land.release", "landId": "arena:1", "reason": "nobody came"});
    assert_eq!(watch.next().await.unwrap(), expected);
    control_plane
        .heartbeat("its end", |heartbeat| heartbeat.sequence > listed.sequence && heartbeat.lands.is_empty())
        .await;
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn either_side_may_drain() {
    for by_game_server in [true, false] {
        let control_plane = ControlPlane::start().await;
        let agent = Agent::registered(&control_plane, &[]).await;
        let mut watch = agent.watch().await;
        if by_game_server {
            let status = agent.ok(Method::POST, "/v1/drain", None).await;
            assert_eq!(status["state"], "draining");
        } else {
            let reason = "update".to_owned();
            control_plane.say(Down::Drain(Drain { reason, deadline_ms: 0 })).await;
        }
        assert_eq!(watch.next().await.unwrap()["type"], "drain");
        agent.state("draining").await;
        control_plane.heartbeat("the drain", |heartbeat| heartbeat.draining).await;
        control_plane.allocate("c-1", "arena:1", 60_000).await;
        let reason = control_plane.answer("c-1").await.unwrap();
        assert!(reason.contains("no new lands"), "{reason}");
        agent.stop().await.unwrap();
    }
}

#[tokio::test]
async fn auto_mode_answers_by_itself() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &["--lands", "auto", "--capacity", "1"]).await;
    agent.state("registered").await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    assert_eq!(control_plane.answer("c-1").await, None);
    control_plane
        .heartbeat("the land", |heartbeat| heartbeat.lands.iter().any(|land| land.land_id == "arena:1"))
        .await;
    control_plane.allocate("c-2", "arena:2", 60_000).await;
    assert!(control_plane.answer("c-2").await.unwrap().contains("full"));
    agent.stop().await.unwrap();
}
