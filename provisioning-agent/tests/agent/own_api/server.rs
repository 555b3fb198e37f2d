//! The server as a whole: capacity, drain, the end.

use proto::provisioning::v1::{Drain, connect_response::Message as Down};
use serde_json::{Value, json};

use super::{Kind, registered, start, through_both_doors};

through_both_doors!(
    it_is_ready_and_tells_its_state,
    capacity_changes_while_it_runs,
    it_may_drain_by_itself,
    a_drain_with_a_deadline_ends_what_is_left,
    an_agent_that_stops_drains_first,
);

fn drain(reason: &str, deadline_ms: u64) -> Down {
    Down::Drain(Drain { reason: reason.to_owned(), deadline_ms })
}

/// Milliseconds within a second below `most`.
fn about(told: &Value, most: u64) -> bool {
    told["deadlineMs"].as_u64().is_some_and(|ms| ms <= most && ms + 1_000 > most)
}

async fn it_is_ready_and_tells_its_state(kind: Kind) {
    let (control_plane, door) = start(kind, &["--player-capacity", "64", "--capacity", "7"]).await;
    let status = door.ok("status", json!({})).await;
    let expected = json!({
        "serverId": "game-1", "instanceId": status["instanceId"], "state": "starting", "health": "unknown",
        "landTypes": ["arena"], "capacity": 7, "playerCapacity": 64, "lands": [],
    });
    assert_eq!(status, expected);
    for _ in 0..2 {
        door.ok("ready", json!({})).await;
    }
    let hello = control_plane.hello(1).await;
    assert_eq!((hello.capacity, hello.player_capacity), (7, 64));
    assert_eq!(status["instanceId"], hello.instance_id.as_str());
    door.agent.state("registered").await;
    door.stop().await;
}

async fn capacity_changes_while_it_runs(kind: Kind) {
    let (control_plane, door) = registered(kind, &[]).await;
    let unchanged = control_plane.heartbeat("a heartbeat", |_| true).await;
    assert_eq!((unchanged.capacity, unchanged.player_capacity), (None, None));
    let status = door.ok("capacity", json!({"lands": 3, "players": 12})).await;
    assert_eq!((&status["capacity"], &status["playerCapacity"]), (&json!(3), &json!(12)));
    let told = control_plane.heartbeat("it", |beat| beat.capacity == Some(3)).await;
    assert_eq!((told.player_capacity, told.draining), (Some(12), false));
    door.ok("capacity", json!({"players": 0})).await;
    control_plane.heartbeat("that nothing fits", |beat| beat.draining && beat.capacity == Some(3)).await;
    door.stop().await;
}

async fn it_may_drain_by_itself(kind: Kind) {
    let (control_plane, door) = registered(kind, &[]).await;
    let mut told = door.watch().await;
    let status = door.ok("drain", json!({})).await;
    let draining = json!({"reason": "the game server asked for it"});
    assert_eq!((&status["state"], &status["draining"]), (&json!("draining"), &draining));
    let line = told.next().await.unwrap();
    assert_eq!(line, json!({"type": "drain", "reason": "the game server asked for it"}));
    control_plane.heartbeat("the drain", |beat| beat.draining).await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    assert!(control_plane.answer("c-1").await.unwrap().contains("no new lands"));
    door.stop().await;
}

async fn a_drain_with_a_deadline_ends_what_is_left(kind: Kind) {
    let (control_plane, door) = registered(kind, &[]).await;
    let mut told = door.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    told.next().await.unwrap();
    door.ok("land_ready", json!({"landId": "arena:1"})).await;
    control_plane.say(drain("update", 3_600_000)).await;
    let line = told.next().await.unwrap();
    assert!(line["type"] == "drain" && line["reason"] == "update" && about(&line, 3_600_000), "{line}");
    assert!(about(&door.ok("status", json!({})).await["draining"], 3_600_000));
    let mut told = door.watch().await;
    let again = told.next().await.unwrap();
    assert!(again["type"] == "drain" && about(&again, 3_600_000), "{again}");

    control_plane.say(drain("update at once", 50)).await;
    assert_eq!(told.next().await.unwrap()["reason"], "update at once");
    let released = told.next().await.unwrap();
    assert_eq!((&released["type"], &released["landId"]), (&json!("land.release"), &json!("arena:1")));
    assert_eq!(told.next().await.unwrap()["type"], "shutdown");
    let last = control_plane.heartbeat("the end", |beat| beat.draining && beat.lands.is_empty()).await;
    assert!(last.sequence > 0);
    let mut late = door.watch().await;
    assert_eq!(late.next().await.unwrap()["type"], "drain");
    assert_eq!(late.next().await.unwrap()["type"], "shutdown", "who was away hears it, too");
    door.stop().await;
}

async fn an_agent_that_stops_drains_first(kind: Kind) {
    let (control_plane, door) = registered(kind, &["--drain-timeout", "10m"]).await;
    let mut told = door.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    told.next().await.unwrap();
    door.ok("land_ready", json!({"landId": "arena:1"})).await;
    door.agent.stop.cancel();
    let line = told.next().await.unwrap();
    assert!(line["type"] == "drain" && about(&line, 600_000), "{line}");
    let draining = control_plane.heartbeat("the drain", |beat| beat.draining).await;
    assert_eq!(draining.lands.len(), 1, "the land goes on");
    door.ok("end", json!({"landId": "arena:1"})).await;
    assert!(told.next().await.is_none());
    door.agent.end().await.unwrap();
}
