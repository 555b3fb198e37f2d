//! The client API over HTTP, and what it says to everything that it can't take.

use std::{sync::atomic::Ordering, time::Duration};

use proto::{
    error::{Reason, Refusal},
    matchmaking::v1 as mm,
};
use reqwest::header;
use serde_json::{Value, json};

use crate::support::{PATIENCE, Stack};

const ENQUEUE: &str = "/v1/matchmaking/enqueue";

#[tokio::test]
async fn a_ticket_from_its_enqueue_to_its_assignment() {
    let stack = Stack::start().await;
    let body = json!({
        "queueKey": "demo:2", "groupId": "party-7", "groupSize": 2, "region": "eu",
        "players": [{"playerId": "alice", "attributes": {"skill": 3}, "latencies": {"eu": 20}}, {"playerId": "bob"}],
        "constraints": {"map": "harbour"}
    });
    let answer = stack.post(ENQUEUE, &body).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    let id = answer.body["ticketId"].as_str().unwrap().to_owned();
    assert_eq!(answer.body, json!({"ticketId": id, "status": "queued"}));
    let sent = stack.control_plane.state.tickets.lock().request(&id);
    assert_eq!((sent.region.as_str(), sent.constraints_json.as_str()), ("eu", "{\"map\":\"harbour\"}"));
    assert_eq!(sent.players[0].latencies["eu"], 20);

    stack.control_plane.place(&id, 4, Some(9000));
    let queued = stack.status(&id).await.body;
    assert_eq!(
        queued,
        json!({
            "ticketId": id, "status": "queued", "queueKey": "demo:2", "groupId": "party-7", "members": ["alice", "bob"],
            "enqueuedAt": "2025-07-18T09:30:00.000Z", "expiresAt": "2025-07-18T09:40:00.000Z",
            "position": 4, "estimatedWaitMs": 9000, "estimatedWaitLowMs": 4500, "estimatedWaitHighMs": 18000
        })
    );

    stack.control_plane.assign(&id);
    let assigned = stack.status(&id).await.body;
    assert_eq!(
        assigned["assignment"],
        json!({
            "assignmentId": "assignment-1", "matchToken": "token-of-alice",
            "connectUrl": "ws://play.example:7001/game/demo?landId=demo:land-1", "landId": "demo:land-1",
            "serverId": "server-1", "expiresAt": "2025-07-18T09:35:00.000Z", "matchId": "match-1",
            "teams": [{"name": "red", "players": ["alice", "bob"]}],
            "playerTokens": {"alice": "token-of-alice", "bob": "token-of-bob"}
        })
    );
    assert_eq!(stack.cancel(&id).await.body, json!({"cancelled": false, "status": "assigned"}));
    stack.finish().await;
}

#[tokio::test]
async fn a_ticket_that_waits_is_explained_to_who_asks() {
    let stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    let explained = async || {
        let answer = stack.get(&format!("/v1/matchmaking/status/{id}?explain=true")).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        answer.body
    };
    *stack.control_plane.state.explanation.lock() = Some(mm::Explanation {
        summary: "Too few fit.".to_owned(),
        rules: "rule set `ranked`".to_owned(),
        held_up_by: String::new(),
        outlook: Some(mm::Outlook {
            candidates: 5_000,
            looked_at: 2_000,
            fitting: 1,
            fitting_players: 2,
            exclusions: vec![mm::Exclusion {
                what: "FairSkill".to_owned(),
                is_rule: true,
                tickets: 1_999,
                nearest_by: Some(40.5),
            }],
            nearest_miss: Some(mm::Miss { what: "FairSkill".to_owned(), by: 40.5 }),
            players_needed: 6,
            players_missing: 3,
            next_expansion_at_unix_ms: 1_752_831_020_000,
            ..mm::Outlook::default()
        }),
    });
    assert_eq!(
        explained().await["explanation"],
        json!({
            "summary": "Too few fit.", "rules": "rule set `ranked`", "candidates": 5000, "lookedAt": 2000, "fitting": 1,
            "fittingPlayers": 2, "exclusions": [{"what": "FairSkill", "isRule": true, "tickets": 1999, "nearestBy": 40.5}],
            "nearestMiss": {"what": "FairSkill", "by": 40.5}, "playersNeeded": 6, "playersMissing": 3,
            "nextExpansionAt": "2025-07-18T09:30:20.000Z"
        })
    );
    assert!(stack.status(&id).await.body.get("explanation").is_none(), "nobody asked");

    let held_up = mm::Explanation {
        summary: "Matches wait.".to_owned(),
        rules: "group of 2".to_owned(),
        held_up_by: "no server is free".to_owned(),
        outlook: None,
    };
    *stack.control_plane.state.explanation.lock() = Some(held_up);
    let told = json!({"summary": "Matches wait.", "rules": "group of 2", "heldUpBy": "no server is free"});
    assert_eq!(explained().await["explanation"], told, "what is not known is not made up");

    stack.control_plane.assign(&id);
    let assigned = explained().await;
    assert!(assigned["status"] == "assigned" && assigned.get("explanation").is_none(), "{assigned}");
    stack.finish().await;
}

#[tokio::test]
async fn a_cancel_can_be_repeated() {
    let stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    for _ in 0..2 {
        let answer = stack.cancel(&id).await;
        assert_eq!((answer.status, answer.body), (200, json!({"cancelled": true})));
    }
    assert_eq!(stack.status(&id).await.body["status"], "cancelled");
    stack.finish().await;
}

#[tokio::test]
async fn what_is_no_json_of_the_right_shape_is_refused_before_it_goes_upstream() {
    let stack = Stack::start().await;
    let refuse = async |body: &str| {
        let request = stack.request("POST", ENQUEUE).header("content-type", "application/json");
        let answer = stack.send(request.body(body.to_owned())).await;
        answer.assert_problem(400, "INVALID_REQUEST");
        answer
    };
    let broken = refuse("{\"queueKey\": \"q\",\n \"members\": [\"a\"").await;
    assert!(broken.body["detail"].as_str().unwrap().contains("line 2 column 16"), "{broken:#?}");
    refuse("").await;
    assert_eq!(refuse("[]").await.bad_fields(), ["body"]);
    assert_eq!(refuse("{}").await.bad_fields(), ["queueKey", "members"]);
    let wrong =
        refuse("{\"queueKey\": 7, \"members\": [\"a\", 5], \"groupSize\": \"2\", \"color\": 1}").await;
    assert_eq!(wrong.bad_fields(), ["queueKey", "members[1]", "groupSize", "color"]);
    assert_eq!(
        refuse("{\"queueKey\": \"q\", \"members\": [\"a\"], \"groupId\": \"\"}").await.bad_fields(),
        ["groupId"]
    );

    let request = stack.request("POST", ENQUEUE).header("content-type", "text/plain");
    let answer = stack.send(request.body("{}")).await;
    answer.assert_problem(400, "INVALID_REQUEST");
    assert_eq!(stack.control_plane.state.enqueues.load(Ordering::SeqCst), 0);
    stack.finish().await;
}

#[tokio::test]
async fn what_the_control_plane_refuses_is_named_as_the_client_wrote_it() {
    let stack = Stack::start().await;
    let refuse = async |body: Value| {
        let answer = stack.post(ENQUEUE, &body).await;
        answer.assert_problem(400, "INVALID_REQUEST");
        answer.bad_fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let many: Vec<String> = (0..101).map(|n| format!("p{n}")).collect();
    assert_eq!(refuse(json!({"queueKey": "", "members": ["a"]})).await, ["queueKey"]);
    assert_eq!(refuse(json!({"queueKey": "q", "members": []})).await, ["members"]);
    assert_eq!(refuse(json!({"queueKey": "q", "members": many})).await, ["members"]);
    assert_eq!(refuse(json!({"queueKey": "q", "members": ["a", "b", "a"]})).await, ["members[2]"]);
    assert_eq!(refuse(json!({"queueKey": "q", "members": ["a", ""]})).await, ["members[1]"]);
    assert_eq!(refuse(json!({"queueKey": "q", "members": ["x".repeat(129)]})).await, ["members[0]"]);
    assert_eq!(
        refuse(json!({"queueKey": "q\u{1}", "members": ["a\u{7}"]})).await,
        ["queueKey", "members[0]"]
    );
    assert_eq!(refuse(json!({"queueKey": "q", "members": ["a"], "groupSize": 2})).await, ["groupSize"]);
    let players = json!({"queueKey": "q", "players": [{"playerId": "a"}, {"playerId": "a"}]});
    assert_eq!(refuse(players).await, ["players[1].playerId"]);
    stack.finish().await;
}

#[tokio::test]
async fn the_same_group_is_the_same_ticket_and_other_content_a_conflict() {
    let stack = Stack::start().await;
    let body =
        json!({"queueKey": "q", "groupId": "g", "members": ["a", "b"], "constraints": {"x": 1, "y": 2}});
    let first = stack.post(ENQUEUE, &body).await;
    let spaced = "{\"constraints\" : {\"y\": 2, \"x\": 1}, \"queueKey\": \"q\", \"groupId\": \"g\", \"members\": [\"a\", \"b\"]}";
    let request = stack.request("POST", ENQUEUE).header("content-type", "application/json");
    let again = stack.send(request.body(spaced)).await;
    assert_eq!((again.status, &again.body), (201, &first.body), "the same content, written differently");

    let other = stack.post(ENQUEUE, &json!({"queueKey": "q", "groupId": "g", "members": ["a"]})).await;
    other.assert_problem(409, "GROUP_ALREADY_QUEUED");
    assert_eq!(other.body["ticketId"], first.body["ticketId"]);

    let player = stack.post(ENQUEUE, &json!({"queueKey": "q", "members": ["c", "b"]})).await;
    player.assert_problem(409, "PLAYER_ALREADY_QUEUED");
    assert_eq!(player.body["playerId"], "b");
    stack.finish().await;
}

#[tokio::test]
async fn a_body_over_64_kib_is_refused_and_one_below_is_read() {
    let stack = Stack::start().await;
    let body = |size: usize| {
        let empty = json!({"queueKey": "", "members": ["a"]}).to_string().len();
        json!({"queueKey": "q".repeat(size - empty), "members": ["a"]})
    };
    let largest = stack.post(ENQUEUE, &body(64 * 1024)).await;
    largest.assert_problem(400, "INVALID_REQUEST");
    assert_eq!(largest.bad_fields(), ["queueKey"], "it was read");
    for size in [64 * 1024 + 1, 1024 * 1024] {
        stack.post(ENQUEUE, &body(size)).await.assert_problem(413, "PAYLOAD_TOO_LARGE");
    }
    stack.finish().await;
}

#[tokio::test]
async fn unknown_tickets_paths_and_methods_are_problems() {
    let stack = Stack::start().await;
    stack.status("no-such-ticket").await.assert_problem(404, "TICKET_NOT_FOUND");
    stack.cancel("no-such-ticket").await.assert_problem(404, "TICKET_NOT_FOUND");
    let missing = stack.post("/v1/matchmaking/cancel", &json!({"ticket": "x"})).await;
    missing.assert_problem(400, "INVALID_REQUEST");
    assert_eq!(missing.bad_fields(), ["ticketId", "ticket"]);
    stack.get("/v1/matchmaking").await.assert_problem(404, "ROUTE_NOT_FOUND");
    stack.get("/v1/matchmaking/status/%ff").await.assert_problem(400, "INVALID_REQUEST");
    let method = stack.get(ENQUEUE).await;
    method.assert_problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(method.header("allow"), "POST");
    stack.get("/realtime").await.assert_problem(400, "INVALID_REQUEST");
    let wait = stack.get("/v1/matchmaking/status/x?wait=21").await;
    wait.assert_problem(400, "INVALID_REQUEST");
    assert_eq!(wait.bad_fields(), ["wait"]);
    stack.finish().await;
}

#[tokio::test]
async fn a_problems_type_explains_its_code() {
    let stack = Stack::start().await;
    let kind = stack.status("no-such-ticket").await.body["type"].as_str().unwrap().to_owned();
    let page = stack.request("GET", &kind).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("TICKET_NOT_FOUND"));
    stack.get("/problems/nothing").await.assert_problem(404, "ROUTE_NOT_FOUND");
    stack.finish().await;
}

#[tokio::test]
async fn without_mode_a_every_enqueue_is_refused_and_says_why() {
    let stack = Stack::start_with(&[]).await;
    let answer = stack.post(ENQUEUE, &json!({"queueKey": "q", "members": ["a"]})).await;
    answer.assert_problem(401, "UNAUTHENTICATED");
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"muster\"");
    let text = answer.body["detail"].as_str().unwrap();
    assert!(text.contains("ALLOW_CLIENT_PLAYER_ID=true") && text.contains("development"), "{text}");
    let mut socket = stack.socket().await;
    socket.send(&json!({"action": "enqueue", "queueKey": "q", "members": ["a"]})).await;
    assert_eq!(socket.expect("error").await["code"], "UNAUTHENTICATED");
    assert_eq!(socket.closed().await.0, 4401);
    assert_eq!(stack.control_plane.state.enqueues.load(Ordering::SeqCst), 0);
    stack.finish().await;
}

#[tokio::test]
async fn a_request_id_is_taken_over_passed_on_and_made_where_it_is_missing() {
    let stack = Stack::start().await;
    let request = stack.request("GET", "/v1/matchmaking/status/x").header("x-request-id", "mine-1");
    assert_eq!(stack.send(request).await.header("x-request-id"), "mine-1");
    let brought = stack.control_plane.state.metadata.lock().last().cloned().unwrap();
    assert_eq!(brought.0, "mine-1");
    assert!(!brought.1.is_empty(), "the deadline is passed on");
    let request = stack.request("GET", "/nowhere").header("x-request-id", "a b");
    let made = stack.send(request).await.header("x-request-id").to_owned();
    assert_eq!(made.len(), 36, "{made}");
    stack.finish().await;
}

#[tokio::test]
async fn every_refusal_of_the_control_plane_has_its_status() {
    let stack = Stack::start().await;
    let refuse = async |refusal: Refusal| {
        stack.control_plane.state.refusals.lock().push_back(refusal);
        stack.status("x").await
    };
    let full = refuse(Refusal::new(Reason::QueueFull, "full").retry_after(Duration::from_secs(3))).await;
    full.assert_problem(429, "QUEUE_FULL");
    assert_eq!(full.header("retry-after"), "3");
    let limited = refuse(Refusal::new(Reason::RateLimited, "slow down")).await;
    limited.assert_problem(429, "RATE_LIMITED");
    assert_eq!(limited.header("retry-after"), "1");
    refuse(Refusal::new(Reason::QueueNotFound, "no")).await.assert_problem(404, "QUEUE_NOT_FOUND");
    // It is the gateway whom the control plane doesn't let in; the client can do nothing about it, nor needs to know of it.
    for reason in [Reason::Forbidden, Reason::Unauthenticated] {
        let kept = refuse(Refusal::new(reason, "`gateway-7` may not do this")).await;
        kept.assert_problem(500, "INTERNAL");
        assert!(!kept.body.to_string().contains("gateway-7"));
    }
    refuse(Refusal::internal()).await.assert_problem(500, "INTERNAL");
    stack.finish().await;
}

#[tokio::test]
async fn a_wait_ends_with_the_assignment() {
    let stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    let path = format!("/v1/matchmaking/status/{id}?wait=20");
    let (one, other, ()) = tokio::join!(stack.get(&path), stack.get(&path), async {
        stack.control_plane.subscribed(1).await;
        crate::support::eventually("both wait", || stack.probe.subscriptions() == 2).await;
        stack.control_plane.place(&id, 1, None);
        stack.control_plane.assign(&id);
    });
    for answer in [one, other] {
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("assigned")));
        assert_eq!(answer.body["assignment"]["matchToken"], "token-of-alice");
    }
    assert_eq!(stack.get(&path).await.body["status"], "assigned", "at once");
    stack.control_plane.subscribed(0).await;
    stack.finish().await;
}

#[tokio::test]
async fn a_wait_that_is_over_answers_the_truth_and_leaves_nothing() {
    let stack = Stack::start().await;
    let id = stack.enqueue(&["alice"]).await;
    let answer = stack.get(&format!("/v1/matchmaking/status/{id}?wait=1")).await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("queued")));
    stack.control_plane.subscribed(0).await;

    let impatient = stack.request("GET", &format!("/v1/matchmaking/status/{id}?wait=20"));
    let gone = tokio::spawn(impatient.send());
    stack.control_plane.subscribed(1).await;
    gone.abort();
    stack.control_plane.subscribed(0).await;
    stack.finish().await;
}

#[tokio::test]
async fn the_keys_are_read_once_and_may_be_kept() {
    let stack = Stack::start().await;
    let first = stack.get("/.well-known/jwks.json").await;
    let second = stack.get("/.well-known/jwks.json").await;
    assert_eq!(first.body, json!({"keys": [{"kid": "k0"}]}));
    assert_eq!(second.body, first.body);
    assert_eq!(stack.control_plane.state.jwks_reads.load(Ordering::SeqCst), 1);
    let seconds = first.header("cache-control").strip_prefix("public, max-age=").unwrap();
    let seconds: u64 = seconds.parse().unwrap();
    assert!((50..=60).contains(&seconds), "{seconds}");
    stack.finish().await;
}

#[tokio::test]
async fn health_is_ok_while_the_control_plane_serves() {
    let stack = Stack::start().await;
    let answer = stack.get("/health").await;
    assert_eq!((answer.status, answer.body), (200, json!({"ok": true})));
    stack.finish().await;
}

#[tokio::test]
async fn a_panic_is_a_fixed_text() {
    let page = axum::Router::new().route("/boom", axum::routing::get(boom));
    let config =
        runtime::config::defaults(&["--client-addr", "127.0.0.1:0", "--internal-addr", "127.0.0.1:0"]);
    let gateway = edge_gateway::EdgeGateway::bind(config).await.unwrap().with_client_routes(page);
    let url = format!("http://{}/boom", gateway.client_addr());
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(gateway.run(stop.clone()));
    let response = reqwest::Client::new().get(url).timeout(PATIENCE).send().await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert!(response.headers().contains_key("x-request-id"));
    let text = response.text().await.unwrap();
    assert!(text.contains("INTERNAL") && !text.contains("4711"), "{text}");
    stop.cancel();
    running.await.unwrap().unwrap();
}

async fn boom() -> &'static str {
    panic!("the secret is 4711")
}
