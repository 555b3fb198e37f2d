//! The SDK by HTTP, as game servers use it that have no gRPC.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    control_plane::ControlPlane,
    fixture::{Agent, SOON},
};

/// The pictures of `GET /watch/gameserver`.
struct Pictures {
    response: Response,
    unread: String,
}

impl Pictures {
    async fn of(agent: &Agent) -> Self {
        let response = agent.call(Method::GET, "/watch/gameserver", None).await;
        Self { response, unread: String::new() }
    }

    async fn until(&mut self, state: &str) -> Value {
        let seen = async {
            loop {
                while let Some((line, rest)) = self.unread.split_once('\n') {
                    let picture: Value = serde_json::from_str(line).unwrap();
                    self.unread = rest.to_owned();
                    if picture["result"]["status"]["state"] == state {
                        return picture["result"].clone();
                    }
                }
                let chunk = self.response.chunk().await.unwrap().unwrap();
                self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        timeout(SOON, seen).await.unwrap_or_else(|_| panic!("waited in vain for {state}"))
    }
}

impl Agent {
    async fn post(&self, path: &str, body: Value) -> Value {
        self.ok(Method::POST, path, Some(body)).await
    }

    async fn refused(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let response = self.call(method, path, Some(body)).await;
        (response.status(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn a_whole_life_by_http() {
    let control_plane = ControlPlane::start().await;
    let flags =
        ["--capacity", "2", "--sdk-counter", "rounds=10", "--sdk-list", "maps=2", "--label", "tier=gold"];
    let agent = Agent::start(control_plane.addr, &flags).await;
    assert_eq!(agent.grpc_addr, None, "beside an HTTP port of its own choice");
    let mut pictures = Pictures::of(&agent).await;
    pictures.until("Scheduled").await;
    assert_eq!(agent.post("/health", json!({})).await, json!({}));
    assert_eq!(agent.post("/ready", json!({})).await, json!({}));
    let ready = pictures.until("Ready").await;
    assert_eq!(ready["object_meta"]["name"], "game-1");
    assert_eq!(ready["object_meta"]["labels"]["tier"], "gold");
    assert!(ready["object_meta"]["creation_timestamp"].is_string(), "64-bit numbers are texts");
    agent.state("registered").await;
    assert_eq!(agent.status().await["health"], "well");

    control_plane.allocate("c-1", "arena:1", 60_000).await;
    assert_eq!(control_plane.answer("c-1").await, None);
    let allocated = pictures.until("Allocated").await;
    assert_eq!(allocated["object_meta"]["annotations"]["muster.dev/land-id"], "arena:1");
    let lands = allocated["object_meta"]["annotations"]["muster.dev/lands"].as_str().unwrap();
    let lands: Value = serde_json::from_str(lands).unwrap();
    assert_eq!(lands[0]["teams"], json!([{"name": "red", "players": ["ann", "bob"]}]));
    assert_eq!(lands[0]["constraints"], json!({"g": {"map": "lava"}}));
    assert_eq!(allocated["status"]["counters"]["rooms"], json!({"count": "1", "capacity": "2"}));

    let players = agent.post("/v1beta1/lists/players:addValue", json!({"value": "ann"})).await;
    assert_eq!(players, json!({"name": "players", "capacity": "1000", "values": ["ann"]}));
    let reported = control_plane
        .heartbeat("the player", |heartbeat| heartbeat.lands.iter().any(|land| !land.player_ids.is_empty()))
        .await;
    assert_eq!(reported.lands[0].player_ids, ["ann"]);
    agent.post("/v1beta1/lists/players:removeValue", json!({"value": "ann"})).await;

    let key = |key: &str| Some(json!({"key": key, "value": "x"}));
    agent.ok(Method::PUT, "/metadata/label", key("mode")).await;
    agent.ok(Method::PUT, "/metadata/annotation", key("seed")).await;
    let picture = agent.ok(Method::GET, "/gameserver", None).await;
    assert_eq!(picture["object_meta"]["labels"]["agones.dev/sdk-mode"], "x");
    assert_eq!(picture["object_meta"]["annotations"]["agones.dev/sdk-seed"], "x");

    agent.post("/reserve", json!({"seconds": "1"})).await;
    pictures.until("Reserved").await;
    pictures.until("Allocated").await;
    agent.post("/ready", json!({})).await;
    pictures.until("Ready").await;
    agent.post("/allocate", json!({})).await;
    pictures.until("Allocated").await;
    control_plane
        .heartbeat("a land of its own", |heartbeat| {
            heartbeat.lands.iter().any(|land| land.land_id != "arena:1" && land.land_id.starts_with("arena:"))
        })
        .await;
    agent.post("/shutdown", json!({})).await;
    pictures.until("Shutdown").await;
    assert_eq!(agent.ok(Method::GET, "/health", None).await, json!({"ok": true}), "the agent itself goes on");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn counters_and_lists_by_http() {
    let control_plane = ControlPlane::start().await;
    let agent =
        Agent::start(control_plane.addr, &["--sdk-counter", "rounds=10", "--sdk-list", "maps=2"]).await;
    let (rounds, maps) = ("/v1beta1/counters/rounds", "/v1beta1/lists/maps");
    assert_eq!(
        agent.ok(Method::GET, rounds, None).await,
        json!({"name": "rounds", "count": "0", "capacity": "10"})
    );
    for (change, count, capacity) in [
        (json!({"count": "5", "capacity": "11"}), "5", "11"),
        (json!({"countDiff": "-2"}), "3", "11"),
        (json!({"countDiff": 4}), "7", "11"),
    ] {
        let changed = agent.ok(Method::PATCH, rounds, Some(change)).await;
        assert_eq!(changed, json!({"name": "rounds", "count": count, "capacity": capacity}));
    }
    let list =
        |capacity: &str, values: Value| json!({"name": "maps", "capacity": capacity, "values": values});
    let change = json!({"capacity": "3", "values": ["lava", "ice"]});
    assert_eq!(agent.ok(Method::PATCH, maps, Some(change)).await, list("3", json!(["lava", "ice"])));
    assert_eq!(
        agent.ok(Method::PATCH, maps, Some(json!({"values": ["sand"]}))).await,
        list("3", json!(["sand"]))
    );
    let masked = format!("{maps}?updateMask=capacity");
    let change = json!({"capacity": "4", "values": ["ignored"]});
    assert_eq!(agent.ok(Method::PATCH, &masked, Some(change)).await, list("4", json!(["sand"])));
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn what_can_not_be_done_says_so() {
    let control_plane = ControlPlane::start().await;
    let agent =
        Agent::start(control_plane.addr, &["--sdk-counter", "rounds=1", "--sdk-list", "maps=1"]).await;
    agent.post("/v1beta1/lists/maps:addValue", json!({"value": "lava"})).await;
    let cases = [
        (Method::GET, "/v1beta1/counters/none", json!({}), 404, 5),
        (Method::PATCH, "/v1beta1/counters/rounds", json!({"countDiff": "2"}), 400, 11),
        (Method::PATCH, "/v1beta1/counters/rounds", json!({"count": "x"}), 400, 3),
        (Method::PATCH, "/v1beta1/counters/rounds", json!({}), 400, 3),
        (Method::PATCH, "/v1beta1/counters/rooms", json!({"capacity": "100001"}), 400, 11),
        (Method::POST, "/v1beta1/lists/maps:addValue", json!({"value": "lava"}), 409, 6),
        (Method::POST, "/v1beta1/lists/maps:addValue", json!({"value": "ice"}), 400, 11),
        (Method::POST, "/v1beta1/lists/maps:forget", json!({"value": "ice"}), 404, 5),
        (Method::PATCH, "/v1beta1/lists/maps?update_mask=size", json!({}), 400, 3),
        (Method::POST, "/reserve", json!({"seconds": "-5"}), 400, 3),
        (Method::POST, "/reserve", json!(["5"]), 400, 3),
        (Method::PUT, "/metadata/label", json!({"value": "x"}), 400, 3),
    ];
    for (method, path, body, status, code) in cases {
        let (answered, problem) = agent.refused(method, path, body.clone()).await;
        assert_eq!((answered.as_u16(), &problem["code"]), (status, &json!(code)), "{path} {body}: {problem}");
        assert!(!problem["message"].as_str().unwrap().is_empty());
    }
    let browser = agent.http.post(agent.url("/ready")).header("origin", "http://evil.example").send().await;
    assert_eq!(browser.unwrap().status(), StatusCode::FORBIDDEN, "the same guard as before all local calls");
    let (status, _) = agent.refused(Method::GET, "/ready", json!({})).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    agent.stop().await.unwrap();
}
