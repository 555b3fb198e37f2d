//! A land from its order to its end.

use proto::provisioning::v1::{SeatsFreed, connect_response::Message as Down};
use serde_json::json;

use super::{Kind, registered, through_both_doors};

through_both_doors!(
    a_land_lives,
    a_land_is_refused,
    a_land_breaks_before_it_is_ready_and_after,
    a_newer_watch_takes_over_and_the_older_is_told,
    freed_seats_are_told_again_to_who_was_away,
    a_release_that_nobody_heard_is_told_to_who_listens_next,
    lands_outlive_their_agent,
);

async fn a_land_lives(kind: Kind) {
    let (control_plane, door) = registered(kind, &[]).await;
    let mut told = door.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    let expected = json!({
        "type": "land.allocate", "landId": "arena:1", "landType": "arena", "matchId": "m-1", "queueKey": "arena:2",
        "players": ["ann", "bob"], "teams": [{"name": "red", "players": ["ann", "bob"]}],
        "constraints": {"g": {"map": "lava"}}, "answerWithinMs": 60_000,
    });
    assert_eq!(told.next().await.unwrap(), expected);
    for _ in 0..2 {
        let ready = door.ok("land_ready", json!({"landId": "arena:1"})).await;
        assert_eq!(ready, json!({"landId": "arena:1", "state": "ready"}));
    }
    assert_eq!(control_plane.answer("c-1").await, None);
    let named = |players: &[&str]| json!({"landId": "arena:1", "players": players});
    for (call, players, count) in [
        ("join", &["ann"][..], 1),
        ("join", &["ann", "bob", "cat"], 3),
        ("leave", &["ann", "stranger"], 2),
        ("players", &["dan"], 1),
        ("join", &[], 1),
    ] {
        let answer = door.ok(call, named(players)).await;
        assert_eq!(answer, json!({"landId": "arena:1", "players": count}), "{call} {players:?}");
    }
    let status = door.ok("status", json!({})).await;
    let land = json!({"landId": "arena:1", "landType": "arena", "state": "ready", "players": ["dan"]});
    assert_eq!((&status["lands"][0], &status["state"]), (&land, &json!("registered")));
    let dan =
        control_plane.heartbeat("dan", |beat| beat.lands.iter().any(|land| land.player_ids == ["dan"])).await;
    assert_eq!(door.ok("end", json!({"landId": "arena:1"})).await, json!({"ended": true}));
    assert_eq!(door.ok("end", json!({"landId": "arena:1"})).await, json!({"ended": false}));
    control_plane.heartbeat("its end", |beat| beat.sequence > dan.sequence && beat.lands.is_empty()).await;
    door.stop().await;
    assert!(told.next().await.is_none());
}

async fn a_land_is_refused(kind: Kind) {
    let (control_plane, door) = registered(kind, &[]).await;
    let mut told = door.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    told.next().await.unwrap();
    let why = json!({"landId": "arena:1", "reason": "the map is missing"});
    let refused = door.ok("refuse", why.clone()).await;
    assert_eq!(refused, json!({"landId": "arena:1", "state": "refused"}));
    assert_eq!(control_plane.answer("c-1").await.as_deref(), Some("the map is missing"));
    assert_eq!(door.refused("refuse", why).await.code, "LAND_NOT_FOUND");
    door.stop().await;
}

async fn a_land_breaks_before_it_is_ready_and_after(kind: Kind) {
    let (control_plane, door) = registered(kind, &[]).await;
    let mut told = door.watch().await;
    let why = |land: &str| json!({"landId": land, "reason": "the physics broke"});
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    told.next().await.unwrap();
    assert_eq!(door.ok("fail", why("arena:1")).await, json!({"landId": "arena:1", "state": "refused"}));
    assert_eq!(control_plane.answer("c-1").await.as_deref(), Some("the physics broke"));

    control_plane.allocate("c-2", "arena:2", 60_000).await;
    told.next().await.unwrap();
    door.ok("land_ready", json!({"landId": "arena:2"})).await;
    assert_eq!(control_plane.answer("c-2").await, None);
    let listed = control_plane.heartbeat("the land", |beat| beat.lands.len() == 1).await;
    assert_eq!(door.ok("fail", why("arena:2")).await, json!({"landId": "arena:2", "state": "failed"}));
    control_plane.refused_afterwards("c-2", "the physics broke").await;
    control_plane
        .heartbeat("its place is free", |beat| beat.sequence > listed.sequence && beat.lands.is_empty())
        .await;
    door.stop().await;
}

async fn a_newer_watch_takes_over_and_the_older_is_told(kind: Kind) {
    let (control_plane, door) = registered(kind, &[]).await;
    let mut older = door.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    assert_eq!(older.next().await.unwrap()["landId"], "arena:1");
    let mut newer = door.watch().await;
    assert_eq!(newer.next().await.unwrap()["landId"], "arena:1", "what isn't answered is asked again");
    assert_eq!(older.next().await.unwrap(), json!({"type": "replaced"}));
    assert!(older.next().await.is_none());
    door.stop().await;
}

async fn freed_seats_are_told_again_to_who_was_away(kind: Kind) {
    let (control_plane, door) = registered(kind, &[]).await;
    let mut told = door.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    told.next().await.unwrap();
    door.ok("land_ready", json!({"landId": "arena:1"})).await;
    let player_ids = vec!["bob".to_owned()];
    control_plane.say(Down::SeatsFreed(SeatsFreed { land_id: "arena:1".to_owned(), player_ids })).await;
    let freed = json!({"type": "seats.freed", "landId": "arena:1", "players": ["bob"]});
    assert_eq!(told.next().await.unwrap(), freed);
    drop(told);
    assert_eq!(door.watch().await.next().await.unwrap(), freed);
    door.stop().await;
}

async fn a_release_that_nobody_heard_is_told_to_who_listens_next(kind: Kind) {
    let (control_plane, door) = super::start(kind, &[]).await;
    let lands = ["arena:1", "arena:2"].map(|id| json!({"landId": id, "players": []}));
    door.ok("ready", json!({ "lands": lands })).await;
    door.agent.state("registered").await;
    control_plane.release("arena:1", "nobody came").await;
    control_plane.release("arena:2", "nobody came").await;
    control_plane.heartbeat("the end of both", |beat| beat.lands.is_empty()).await;
    door.ok("end", json!({"landId": "arena:2"})).await;
    let mut told = door.watch().await;
    let released = json!({"type": "land.release", "landId": "arena:1", "reason": "nobody came"});
    assert_eq!(told.next().await.unwrap(), released);
    control_plane.allocate("c-3", "arena:3", 60_000).await;
    assert_eq!(told.next().await.unwrap()["landId"], "arena:3", "the server had ended the other itself");
    let mut newer = door.watch().await;
    assert_eq!(newer.next().await.unwrap()["landId"], "arena:3", "it is told once");
    door.stop().await;
}

async fn lands_outlive_their_agent(kind: Kind) {
    let (control_plane, door) = super::start(kind, &["--capacity", "1"]).await;
    let land = |id: &str| json!({"landId": id, "players": ["ann"]});
    let refusal = door.refused("ready", json!({"lands": [land("arena:1"), land("arena:2")]})).await;
    assert_eq!((refusal.code.as_str(), refusal.field.as_str()), ("INVALID_REQUEST", "lands[1].landId"));
    let status = door.ok("ready", json!({"lands": [land("arena:1")]})).await;
    assert_eq!(status["lands"][0]["players"], json!(["ann"]));
    assert_eq!(control_plane.hello(1).await.lands[0].land_id, "arena:1");
    door.stop().await;
}
