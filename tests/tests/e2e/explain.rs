//! Why a ticket waits, and where it stands, as players are told over REST and over a socket.

use std::{fs, path::Path, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Stack, eventually};
use tokio::time::{Instant, timeout};

/// A queue for two who are close in skill.
fn queues(dir: &Path) -> std::path::PathBuf {
    let rules = json!({
        "name": "ranked", "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "skill", "type": "number" }],
        "teams": [{ "name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2 }],
        "rules": [{ "name": "Fair", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 50 }],
        "expansions": [{ "target": "rules[Fair].maxDistance", "steps": [{ "waitTimeSeconds": 600, "value": 60 }] }],
    });
    fs::write(dir.join("ranked.json"), rules.to_string()).unwrap();
    let file = dir.join("muster.toml");
    fs::write(&file, "[queues.'demo:ranked']\nrule_set = 'ranked.json'\n").unwrap();
    file
}

async fn enqueue(client: &Client, player: &str, skill: u32) -> String {
    let players = json!([{ "playerId": player, "attributes": { "skill": skill } }]);
    let body = json!({ "queueKey": "demo:ranked", "players": players });
    let (status, answer) = client.post("/v1/matchmaking/enqueue", &body).await;
    assert_eq!(status, 201, "{answer}");
    answer["ticketId"].as_str().unwrap().to_owned()
}

async fn explained(client: &Client, ticket: &str) -> Value {
    let path = format!("/v1/matchmaking/status/{ticket}?explain=true");
    let (status, answer) = client.call(Method::GET, &path, None).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn players_learn_why_they_wait() {
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::builder().queues_of(queues(dir.path())).start().await;
    let client = stack.client();
    let ann = enqueue(&client, "ann", 0).await;
    enqueue(&client, "bob", 120).await;
    let told = eventually("the other one", async || {
        let told = explained(&client, &ann).await["explanation"].take();
        (told["candidates"] == 1).then_some(told)
    })
    .await;
    assert_eq!(told["rules"], "rule set `ranked`");
    let exclusion = json!({ "what": "Fair", "isRule": true, "tickets": 1, "nearestBy": 70.0 });
    assert_eq!(told["exclusions"], json!([exclusion]));
    assert_eq!((&told["playersNeeded"], &told["playersMissing"]), (&json!(2), &json!(1)));
    assert!(told["nextExpansionAt"].is_string(), "{told}");
    for other in ["bob", "120"] {
        assert!(!told.to_string().contains(other), "nobody learns who the others are: {told}");
    }
    let body = json!({ "queueKey": "demo:ranked", "members": ["nobody"] });
    let (status, refused) = client.post("/v1/matchmaking/enqueue", &body).await;
    assert_eq!((status, &refused["code"]), (400, &json!("INVALID_REQUEST")), "{refused}");
    let message = refused["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("skill") && refused["errors"][0]["field"] == "members", "{refused}");
}

#[tokio::test]
async fn places_are_pushed_when_they_change_and_not_too_often() {
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::builder().queues_of(queues(dir.path())).start().await;
    let client = stack.client();
    let first = enqueue(&client, "first", 5_000).await;
    let ticket = enqueue(&client, "waits", 9_000).await;
    let mut socket = client.socket(&format!("/realtime?ticketId={ticket}")).await;
    let mut update = async || {
        let message = timeout(tests::PATIENCE, socket.next()).await.unwrap();
        assert_eq!(message["type"], "queue.update", "{message}");
        (message["data"].clone(), Instant::now())
    };
    let (place, at) = update().await;
    assert_eq!((&place["position"], place.get("estimatedWaitMs")), (&json!(2), None));
    // Two things change at different times; one message has both, and not before its time.
    client.cancel(&first).await;
    let pair = [enqueue(&client, "ann", 0).await, enqueue(&client, "bob", 5).await];
    for one in &pair {
        client.assignment(one).await;
    }
    let (mut place, mut later) = update().await;
    assert!(later.duration_since(at) > Duration::from_millis(4_900), "{:?}", later.duration_since(at));
    if place.get("estimatedWaitMs").is_none() {
        // It was told of its position alone, just before the queue's owner said how long matches take.
        let before = later;
        (place, later) = update().await;
        assert!(later.duration_since(before) > Duration::from_millis(4_900));
    }
    assert_eq!(place["position"], 1);
    let wait = |name: &str| place[name].as_u64().unwrap();
    let (low, high) = (wait("estimatedWaitLowMs"), wait("estimatedWaitHighMs"));
    assert!((low..=high).contains(&wait("estimatedWaitMs")), "{place}");
}
