//! Registering, staying registered, coming back, going.

use proto::{
    error::{FieldError, Reason, Refusal},
    provisioning::v1::{
        Health, Superseded, connect_request::Message as Up, connect_response::Message as Down,
    },
};
use reqwest::Method;
use serde_json::json;

use crate::{
    control_plane::{ControlPlane, Mood},
    fixture::{Agent, Wire, eventually},
};

#[tokio::test]
async fn a_server_is_registered_when_its_game_server_is_ready() {
    let control_plane = ControlPlane::start().await;
    let flags = [
        "--region",
        "eu",
        "--label",
        "tier=gold",
        "--connect-host",
        "play.example.com",
        "--connect-port",
        "443",
        "--game-version",
        "1.2",
        "--land-type",
        "duel",
        "--capacity",
        "7",
    ];
    let agent = Agent::start(control_plane.addr, &flags).await;
    assert_eq!(agent.ok(Method::GET, "/health", None).await, json!({"ok": true}));
    let status = agent.status().await;
    assert_eq!((&status["state"], &status["serverId"]), (&json!("starting"), &json!("game-1")));
    assert_eq!(control_plane.streams(), 0);

    agent.ok(Method::POST, "/v1/ready", None).await;
    agent.ok(Method::POST, "/v1/ready", Some(json!({}))).await;
    let hello = control_plane.hello(1).await;
    agent.state("registered").await;
    assert_eq!((hello.server_id.as_str(), hello.host.as_str(), hello.port), ("game-1", "127.0.0.1", 7001));
    assert_eq!(hello.land_types, ["arena", "duel"]);
    assert_eq!((hello.region.as_str(), hello.capacity, hello.version.as_str()), ("eu", 7, "1.2"));
    assert_eq!((hello.connect_host.as_str(), hello.connect_port), ("play.example.com", 443));
    assert_eq!((hello.connect_scheme.as_str(), &hello.labels["tier"][..]), ("", "gold"));
    assert_eq!(
        agent.status().await["instanceId"],
        hello.instance_id.as_str(),
        "the one that it registered with"
    );
    let third = control_plane.heartbeat("the third heartbeat", |heartbeat| heartbeat.sequence == 3).await;
    assert_eq!((third.health(), third.draining), (Health::Healthy, false));
    let sequences = control_plane.all().into_iter().filter_map(|message| match message {
        Up::Heartbeat(heartbeat) => Some(heartbeat.sequence),
        _ => None,
    });
    let sequences: Vec<_> = sequences.collect();
    assert!(sequences.windows(2).all(|pair| pair[0] < pair[1]), "{sequences:?}");
    assert_eq!(control_plane.streams(), 1, "saying ready twice registers once");

    agent.stop().await.unwrap();
    let last = control_plane.all().pop();
    assert!(matches!(last, Some(Up::Goodbye(_))), "{last:?}");
}

#[tokio::test]
async fn a_lost_control_plane_is_found_again_with_all_that_lives() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::registered(&control_plane, &[]).await;
    let mut watch = agent.watch().await;
    for (command, land) in [("c-1", "arena:1"), ("c-2", "arena:2")] {
        control_plane.allocate(command, land, 60_000).await;
        assert_eq!(watch.next().await.unwrap()["landId"], land);
    }
    agent.ok(Method::POST, "/v1/lands/arena:1/ready", None).await;
    agent.ok(Method::PUT, "/v1/lands/arena:1/players", Some(json!({"players": ["ann"]}))).await;
    assert_eq!(control_plane.answer("c-1").await, None);

    let gone = control_plane.go_down().await;
    agent.state("connecting").await;
    let released = watch.next().await.unwrap();
    assert_eq!((&released["type"], &released["landId"]), (&json!("land.release"), &json!("arena:2")));
    let control_plane = ControlPlane::come_back(gone).await;
    let again = control_plane.hello(2).await;
    agent.state("registered").await;
    assert_eq!(again.instance_id, control_plane.hello(1).await.instance_id);
    assert_eq!(again.lands.len(), 1);
    assert_eq!(
        (again.lands[0].land_id.as_str(), again.lands[0].player_ids.as_slice()),
        ("arena:1", &["ann".to_owned()][..])
    );
    control_plane.allocate("c-3", "arena:1", 1_000).await;
    assert_eq!(control_plane.answer("c-3").await, None, "a land that lives is ready again");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_control_plane_that_comes_late_is_waited_for() {
    let (addr, shared) = ControlPlane::start().await.go_down().await;
    let agent = Agent::start(addr, &[]).await;
    agent.ok(Method::POST, "/v1/ready", None).await;
    agent.state("connecting").await;
    let control_plane = ControlPlane::come_back((addr, shared)).await;
    control_plane.hello(1).await;
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_silent_control_plane_is_left_for_another_try() {
    let control_plane = ControlPlane::start().await;
    *control_plane.shared.mood.lock() = Mood::Silent;
    let agent = Agent::start(control_plane.addr, &["--lands", "auto"]).await;
    eventually("the first stream", async || (control_plane.streams() == 1).then_some(())).await;
    *control_plane.shared.mood.lock() = Mood::Welcome;
    agent.state("registered").await;
    assert_eq!(control_plane.streams(), 2);
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_control_plane_that_vanishes_without_a_word_is_noticed() {
    let control_plane = ControlPlane::start().await;
    let wire = Wire::to(control_plane.addr).await;
    let agent = Agent::start(wire.addr, &["--lands", "auto"]).await;
    agent.state("registered").await;
    // The connection stays, and nothing comes through it.
    wire.cut.cancel();
    agent.state("connecting").await;
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_control_plane_that_is_gone() {
    let (addr, _) = ControlPlane::start().await.go_down().await;
    let agent = Agent::start(addr, &["--lands", "auto"]).await;
    agent.state("connecting").await;
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_newer_instance_ends_the_older() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::registered(&control_plane, &[]).await;
    let mut watch = agent.watch().await;
    let superseded = Superseded { by_instance_id: "newer".to_owned() };
    control_plane.say(Down::Superseded(superseded)).await;
    assert_eq!(watch.next().await.unwrap()["type"], "drain");
    assert_eq!(watch.next().await, None);
    let error = agent.end().await.unwrap_err().to_string();
    assert!(error.contains("newer instance holds this server id (instance newer)"), "{error}");

    let refusal = Refusal::new(Reason::ServerSuperseded, "a newer instance holds game-1");
    *control_plane.shared.mood.lock() = Mood::Refuse(refusal);
    let late = Agent::start(control_plane.addr, &["--lands", "auto"]).await;
    let error = late.end().await.unwrap_err().to_string();
    assert!(error.contains("newer instance holds this server id"), "{error}");
}

#[tokio::test]
async fn a_refused_registration_says_what_to_change() {
    let control_plane = ControlPlane::start().await;
    let refusal = Refusal::invalid(vec![FieldError::new("land_types[0]", "is no known land type")]);
    *control_plane.shared.mood.lock() = Mood::Refuse(refusal);
    let agent = Agent::start(control_plane.addr, &["--lands", "auto"]).await;
    let error = agent.end().await.unwrap_err().to_string();
    assert!(error.contains("land_types[0]: is no known land type"), "{error}");
}
