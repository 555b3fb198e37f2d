//! Real programs: started, killed, started again, stopped.

mod installation;
mod refusals;

use proto::provisioning::v1::ServerState;
use serde_json::json;
use tests::{Socket, eventually};

use self::installation::Installation;
use crate::dev::Dev;

#[tokio::test]
async fn a_match_and_then_the_end_of_each_program() {
    let all = Installation::start().await;
    let mut socket = all.client.socket("/realtime").await;
    socket.send(&json!({ "action": "enqueue", "queueKey": "demo", "members": ["ann"] })).await;
    let pushed = socket.next_of("match.assigned").await;
    let mut game = Socket::play(&pushed["data"]["assignment"], "ann").await;
    game.send(&json!({ "action": "Play" })).await;
    while game.next_of("state").await["score"] != 1 {}

    all.agent.stop().await;
    // It said goodbye: a server that only fell silent would be shown as lost.
    all.servers.state("game-1", None).await;
    game.send(&json!({ "action": "Play" })).await;
    while game.next_of("state").await["score"] != 2 {}

    all.game_server.stop().await;
    assert_eq!(game.closed().await.0, 1001);
    all.gateway.stop().await;
    let (code, reason) = socket.closed().await;
    assert_eq!((code, reason.contains("connect again")), (1001, true), "{reason}");
    all.control_plane.stop().await;
}

#[tokio::test]
async fn an_agent_is_killed_and_comes_back() {
    let mut all = Installation::start().await;
    let first = all.client.enqueue("demo", &["ann"]).await;
    let mut game = Socket::play(&all.client.assignment(&first).await, "ann").await;
    game.next_of("state").await;

    all.agent.signal("KILL");
    all.servers.state("game-1", Some(ServerState::Lost)).await;
    let ticket = all.client.enqueue("demo", &["bob"]).await;
    assert_eq!(all.client.status(&ticket).await["status"], "queued", "nobody is sent to a lost server");
    game.send(&json!({ "action": "Play" })).await;
    while game.next_of("state").await["score"] != 1 {}

    all.restart_agent();
    let assignment = all.client.assignment(&ticket).await;
    assert_eq!(assignment["serverId"], "game-1");
    Socket::play(&assignment, "bob").await.next_of("state").await;
    all.servers.state("game-1", Some(ServerState::Ready)).await;
    // The land that outlived the agent is known again.
    eventually("ann's land to be reported", async || {
        let servers = all.servers.list().await?;
        let lands = &servers.first()?.lands;
        lands.iter().any(|land| land.player_ids == ["ann"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_falls_silent_is_lost_until_it_is_heard_again() {
    let all = Installation::start().await;
    all.agent.signal("STOP");
    all.servers.state("game-1", Some(ServerState::Lost)).await;
    let ticket = all.client.enqueue("demo", &["ann"]).await;
    assert_eq!(all.client.status(&ticket).await["status"], "queued");
    all.agent.signal("CONT");
    Socket::play(&all.client.assignment(&ticket).await, "ann").await.next_of("state").await;
}

#[tokio::test]
async fn the_control_plane_is_killed_and_comes_back() {
    let mut all = Installation::start().await;
    let mut old_socket = all.client.socket("/realtime").await;
    let ticket = all.client.enqueue("demo", &["ann"]).await;
    // Each time that it is read it has a new token.
    let first = all.client.assignment(&ticket).await;
    let (second, third) = (all.client.assignment(&ticket).await, all.client.assignment(&ticket).await);
    let mut game = Socket::play(&first, "ann").await;
    game.next_of("state").await;

    all.control_plane.signal("KILL");
    all.control_plane.ended().await;
    let health = async |wanted| (all.client.get("/health").await.0 == wanted).then_some(());
    eventually("the gateway to notice", async || health(503).await).await;
    // Who plays goes on; who wants in has to wait, for nobody knows whether their token was used.
    game.send(&json!({ "action": "Play" })).await;
    game.next_of("state").await;
    assert_eq!(Socket::play(&second, "ann").await.closed().await.0, 1013);

    all.restart_control_plane().await;
    eventually("the gateway to be well", async || (all.client.get("/health").await.0 == 200).then_some(()))
        .await;
    all.servers.ready(1).await;
    old_socket.send(&json!({ "action": "enqueue", "queueKey": "demo:2", "members": ["bob"] })).await;
    all.client.enqueue("demo:2", &["cyd"]).await;
    let pushed = old_socket.next_of("match.assigned").await;
    Socket::play(&pushed["data"]["assignment"], "bob").await.next_of("state").await;
    // Its keys are on disk, and what was redeemed: a token of its former life is still good, and one that was used isn't.
    assert_eq!(Socket::play(&first, "ann").await.closed().await.0, 4401);
    Socket::play(&third, "ann").await.next_of("state").await;
}

#[tokio::test]
async fn muster_dev_says_what_runs_where_and_stops_cleanly() {
    let mut dev = Dev::start().await;
    let output = dev.program.output();
    assert!(output.contains("Muster is ready.") && output.contains("ALLOW_CLIENT_PLAYER_ID"), "{output}");
    assert_eq!(output.matches("Warning: ").count(), 1, "{output}");

    let client = dev.client();
    assert_eq!(client.get("/health").await, (200, json!({ "ok": true })));
    let (status, page) = client.get("/").await;
    assert_eq!((status, page.as_str().is_some_and(|page| page.contains("Find match"))), (200, true));
    let mut servers = Vec::new();
    for player in ["ann", "bob"] {
        let ticket = client.enqueue("hero-defense", &[player]).await;
        let assignment = client.assignment(&ticket).await;
        Socket::play(&assignment, player).await.next_of("state").await;
        servers.push(assignment["serverId"].clone());
    }
    assert_ne!(servers[0], servers[1], "both game servers are used");

    let mut socket = client.socket("/realtime").await;
    dev.program.signal("INT");
    assert_eq!(socket.closed().await.0, 1001);
    assert_eq!(dev.program.ended().await.code(), Some(0), "{:?}", dev.program.log());
    assert!(dev.program.output().ends_with("stopped"), "{}", dev.program.output());
}
