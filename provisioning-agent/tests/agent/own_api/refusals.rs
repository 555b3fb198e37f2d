//! What can't be taken is refused with a reason, and by field.

use serde_json::json;

use super::{Kind, registered, start, through_both_doors};

through_both_doors!(
    what_can_not_be_taken_is_named,
    a_land_that_is_ready_can_not_be_refused,
    what_is_too_large_is_not_read
);

async fn what_can_not_be_taken_is_named(kind: Kind) {
    let (control_plane, door) = registered(kind, &[]).await;
    let mut told = door.watch().await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    told.next().await.unwrap();
    let long = "x".repeat(129);
    let (long_token, long_reason) = ("x".repeat(8 * 1024 + 1), "x".repeat(513));
    let many: Vec<_> = (0..1001).map(|n| n.to_string()).collect();
    let players = |players: &[&str]| json!({"landId": "arena:1", "players": players});
    let cases = [
        ("players", players(&["ann", "ann"]), "players[1]"),
        ("join", players(&["ann", ""]), "players[1]"),
        ("leave", players(&["a\nb"]), "players[0]"),
        ("join", json!({"landId": "arena:1", "players": many}), "players"),
        ("join", json!({"landId": long, "players": []}), "landId"),
        ("land_ready", json!({"landId": long}), "landId"),
        ("refuse", json!({"landId": "arena:1", "reason": long_reason}), "reason"),
        ("fail", json!({"landId": "arena:1", "reason": "a\u{7}"}), "reason"),
        ("ready", json!({"lands": [{"landId": ""}]}), "lands[0].landId"),
        ("capacity", json!({}), "lands"),
        ("capacity", json!({"lands": 100_001}), "lands"),
        ("capacity", json!({"lands": 1, "players": 100_000_001}), "players"),
        ("verify", json!({"token": "", "landId": "arena:1"}), "token"),
        ("verify", json!({"token": long_token, "landId": "arena:1"}), "token"),
        ("verify", json!({"token": "t", "landId": ""}), "landId"),
        ("redeem", json!({"token": "", "landId": "arena:1"}), "token"),
        ("redeem", json!({"token": "t", "landId": "arena:1", "redemptionId": "a\nb"}), "redemptionId"),
    ];
    for (call, body, field) in cases {
        let what = format!("{call} {field}");
        let refusal = door.refused(call, body).await;
        assert_eq!((refusal.code.as_str(), refusal.field.as_str()), ("INVALID_REQUEST", field), "{what}");
        assert!(!refusal.retryable && !refusal.message.is_empty(), "{refusal:?}");
    }
    for call in ["land_ready", "fail", "join", "leave", "players"] {
        let body = match call {
            "land_ready" => json!({"landId": "arena:9"}),
            "fail" => json!({"landId": "arena:9", "reason": "x"}),
            _ => json!({"landId": "arena:9", "players": []}),
        };
        assert_eq!(door.refused(call, body).await.code, "LAND_NOT_FOUND", "{call}");
    }
    let status = door.ok("status", json!({})).await;
    assert_eq!(status["lands"][0]["state"], "allocating", "nothing of it had an effect");
    assert_eq!((&status["capacity"], &status["lands"][0]["players"]), (&json!(100), &json!([])));
    door.stop().await;
}

async fn a_land_that_is_ready_can_not_be_refused(kind: Kind) {
    let (_control_plane, door) = start(kind, &[]).await;
    door.ok("ready", json!({"lands": [{"landId": "arena:1"}]})).await;
    let refusal = door.refused("refuse", json!({"landId": "arena:1", "reason": "no"})).await;
    assert_eq!(refusal.code, "LAND_ALREADY_READY");
    door.stop().await;
}

async fn what_is_too_large_is_not_read(kind: Kind) {
    let (_control_plane, door) = start(kind, &[]).await;
    let body = json!({"landId": "arena:1", "players": ["x".repeat(65 * 1024)]});
    match kind {
        Kind::Http => assert_eq!(door.refused("join", body).await.code, "PAYLOAD_TOO_LARGE"),
        // tonic says so by itself, with this code.
        Kind::Grpc => assert_eq!(door.grpc_status("join", body).await.code(), tonic::Code::OutOfRange),
    }
    door.stop().await;
}
