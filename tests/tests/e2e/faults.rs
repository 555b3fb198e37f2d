//! What happens when a part goes away, is silent, or comes back.

use std::time::Duration;

use control_plane::State;
use proto::provisioning::v1::ServerState;
use reqwest::Method;
use serde_json::json;
use tests::{PATIENCE, Stack, eventually};

#[tokio::test]
async fn the_control_plane_goes_and_comes_back() {
    let mut stack = Stack::builder().start().await;
    let client = stack.client();
    assert_eq!(client.get("/health").await, (200, json!({ "ok": true })));
    let mut socket = client.socket("/realtime").await;

    stack.stop_control_plane().await;
    eventually("the gateway to notice", async || (client.get("/health").await.0 == 503).then_some(())).await;
    let (status, problem) =
        client.post("/v1/matchmaking/enqueue", &json!({ "queueKey": "demo", "members": ["ann"] })).await;
    assert_eq!((status, &problem["code"], &problem["retryable"]), (503, &json!("UNAVAILABLE"), &json!(true)));
    assert!(!problem.to_string().contains("127.0.0.1"), "no inner address reaches a client: {problem}");
    socket.send(&json!({ "action": "enqueue", "queueKey": "demo", "members": ["ann"] })).await;
    assert_eq!(socket.next_of("error").await["code"], "UNAVAILABLE");

    stack.start_control_plane().await;
    stack.servers_ready(1).await;
    eventually("the gateway to be well", async || (client.get("/health").await.0 == 200).then_some(())).await;
    // The same socket goes on.
    socket.send(&json!({ "action": "enqueue", "queueKey": "demo", "members": ["ann"] })).await;
    let assigned = tokio::time::timeout(PATIENCE, socket.next_of("match.assigned")).await.unwrap();
    assert!(assigned["data"]["assignment"]["matchToken"].is_string());
}

/// The state is in memory here: a ticket does not outlive its control plane, and its client is told.
#[tokio::test]
async fn tickets_outlive_the_control_plane() {
    let mut stack = Stack::builder().control_plane(|config| config.state = State::Embedded).start().await;
    let client = stack.client();
    let mut ann = client.socket("/realtime").await;
    ann.send(&json!({ "action": "enqueue", "queueKey": "demo:2", "members": ["ann"] })).await;
    let ticket = ann.next_of("enqueued").await["data"]["ticketId"].clone();
    let enqueued_at = client.status(ticket.as_str().unwrap()).await["enqueuedAt"].clone();

    stack.stop_control_plane().await;
    stack.start_control_plane().await;
    stack.servers_ready(1).await;
    assert_eq!(client.status(ticket.as_str().unwrap()).await["enqueuedAt"], enqueued_at, "it kept its age");
    client.enqueue("demo:2", &["bob"]).await;
    assert_eq!(ann.next_of("match.assigned").await["data"]["ticketId"], ticket);
}

#[tokio::test]
async fn without_a_store_old_sockets_learn_that_their_tickets_are_gone() {
    let mut stack = Stack::builder().control_plane(|config| config.state = State::Memory).start().await;
    let client = stack.client();
    let mut ann = client.socket("/realtime").await;
    ann.send(&json!({ "action": "enqueue", "queueKey": "demo:2", "members": ["ann"] })).await;
    let old = ann.next_of("enqueued").await["data"]["ticketId"].clone();
    let bobs = client.enqueue("demo:3", &["bob"]).await;
    let mut bob = client.socket(&format!("/realtime?ticketId={bobs}")).await;
    bob.next_of("queue.update").await;

    stack.stop_control_plane().await;
    stack.start_control_plane().await;
    stack.servers_ready(1).await;
    let lost = ann.next_of("error").await;
    assert_eq!((&lost["code"], &lost["ticketId"]), (&json!("TICKET_NOT_FOUND"), &old), "{lost}");
    let (code, reason) = bob.closed().await;
    assert_eq!((code, reason.contains("enqueue again")), (4404, true), "{reason}");

    ann.send(&json!({ "action": "enqueue", "queueKey": "demo:2", "members": ["ann"] })).await;
    let new = ann.next_of("enqueued").await["data"]["ticketId"].clone();
    client.enqueue("demo:2", &["bob"]).await;
    assert_eq!(ann.next_of("match.assigned").await["data"]["ticketId"], new);
}

#[tokio::test]
async fn a_server_that_never_answers_is_passed_over() {
    let stack = Stack::builder()
        .control_plane(|config| config.land_answer_timeout = Duration::from_millis(300))
        .start()
        .await;
    let silent = stack.agent("silent").await;
    let mut commands = silent.ready().await;
    stack.servers_ready(2).await;
    let client = stack.client();
    // The servers are asked in turn, so one of these is the silent one's first.
    for player in ["ann", "bob"] {
        let ticket = client.enqueue("demo", &[player]).await;
        assert_eq!(client.assignment(&ticket).await["serverId"], "server-1");
    }
    let asked = commands.next().await;
    assert_eq!(asked["type"], "land.allocate");
    let released = commands.next().await;
    assert_eq!((&released["type"], &released["landId"]), (&json!("land.release"), &asked["landId"]));
}

#[tokio::test]
async fn a_server_that_dies_before_its_land_is_ready_loses_nothing() {
    let stack = Stack::builder()
        .servers(0)
        .control_plane(|config| config.land_answer_timeout = Duration::from_secs(60))
        .start()
        .await;
    let client = stack.client();
    let first = stack.agent("first").await;
    let mut commands = first.ready().await;
    let ticket = client.enqueue("demo:2", &["ann", "bob"]).await;
    let mut socket = client.socket(&format!("/realtime?ticketId={ticket}")).await;
    let asked = commands.next().await;
    assert_eq!(asked["players"], json!(["ann", "bob"]));
    let before = client.status(&ticket).await;
    first.crash().await;
    stack.server_state("first", Some(ServerState::Lost)).await;

    // Whoever comes later stands behind.
    client.enqueue("demo:2", &["cyd", "dan"]).await;
    let waiting = client.status(&ticket).await;
    assert_eq!((&waiting["status"], &waiting["enqueuedAt"]), (&json!("queued"), &before["enqueuedAt"]));
    let second = stack.agent("second").await;
    let mut commands = second.ready().await;
    let asked_again = commands.next().await;
    assert_eq!(asked_again["players"], asked["players"]);
    second.land_ready(&asked_again).await;
    let assignment = &socket.next_of("match.assigned").await["data"]["assignment"];
    assert_eq!((&assignment["serverId"], &assignment["landId"]), (&json!("second"), &asked_again["landId"]));
}

#[tokio::test]
async fn a_server_that_crashes_gets_no_more_matches_and_the_others_do() {
    let mut stack = Stack::builder().servers(2).start().await;
    let client = stack.client();
    stack.crash_server(0).await;
    stack.server_state("server-1", Some(ServerState::Lost)).await;
    for player in ["ann", "bob", "cyd"] {
        let ticket = client.enqueue("demo", &[player]).await;
        assert_eq!(client.assignment(&ticket).await["serverId"], "server-2");
    }
    stack.stop_server(0).await;
    stack.server_state("server-2", None).await;
    let ticket = client.enqueue("demo", &["dan"]).await;
    assert_eq!(client.status(&ticket).await["status"], "queued");
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped_and_resumes_by_its_ticket() {
    let stack =
        Stack::builder().gateway(|config| config.send_timeout = Duration::from_millis(500)).start().await;
    let client = stack.client();
    let mut deaf = client.socket("/realtime").await;
    deaf.send(&json!({ "action": "enqueue", "queueKey": "demo:2", "members": ["ann"] })).await;
    let ticket = deaf.next_of("enqueued").await["data"]["ticketId"].clone();
    // What has long answers, none of which is read.
    let unknown: String = (0..40).map(|number| format!(",\"x{number}\":0")).collect();
    deaf.stuff(&format!("{{\"action\":\"enqueue\"{unknown}}}")).await;
    eventually("the deaf one is dropped", async || (stack.gateway_probe().sockets() == 0).then_some(()))
        .await;

    assert_eq!(client.status(ticket.as_str().unwrap()).await["status"], "queued", "its ticket is not");
    client.enqueue("demo:2", &["bob"]).await;
    let mut resumed = client.socket(&format!("/realtime?ticketId={}", ticket.as_str().unwrap())).await;
    assert_eq!(resumed.next_of("match.assigned").await["data"]["ticketId"], ticket);
}

#[tokio::test]
async fn a_draining_gateway_tells_its_sockets_and_finishes_its_requests() {
    let mut stack = Stack::builder().start().await;
    let client = stack.client();
    let ticket = client.enqueue("demo:2", &["ann"]).await;
    let mut following = client.socket(&format!("/realtime?ticketId={ticket}")).await;
    let mut idle = client.socket("/realtime").await;
    let polling = tokio::spawn({
        let (client, path) = (client.clone(), format!("/v1/matchmaking/status/{ticket}?wait=20"));
        async move { client.get(&path).await }
    });
    let probe = stack.gateway_probe().clone();
    let all_wait = async || (probe.sockets() == 2 && probe.subscriptions() == 2).then_some(());
    eventually("the sockets and the request to wait", all_wait).await;

    stack.drain_gateway();
    for socket in [&mut following, &mut idle] {
        let (code, reason) = socket.closed().await;
        assert_eq!((code, reason.contains("connect again")), (1001, true), "{reason}");
    }
    let (status, answer) = polling.await.unwrap();
    assert_eq!((status, &answer["status"]), (200, &json!("queued")), "{answer}");
    stack.stop_gateway().await;
    let refused = client.request(Method::GET, "/health").send().await.unwrap_err();
    assert!(refused.is_connect(), "{refused}");
}

#[tokio::test]
async fn a_server_without_an_agent_registers_is_matched_and_goes() {
    let stack = Stack::builder().servers(0).start().await;
    let (client, internal) = (stack.client(), stack.internal());
    let waiting = client.enqueue("arena", &["ann"]).await;
    assert_eq!(client.status(&waiting).await["status"], "queued", "there is no server yet");

    let register = json!({
        "serverId": "old-hand", "host": "10.0.0.5", "port": 7001, "landType": "arena",
        "connectHost": "play.example", "connectPort": 443
    });
    let path = "/v1/provisioning/servers/register";
    let (status, answer) = internal.post(path, &register).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    let pace = &answer["result"];
    assert_eq!((&pace["heartbeatIntervalMs"], &pace["expiryMs"]), (&json!(30_000), &json!(90_000)));
    let assignment = client.assignment(&waiting).await;
    let url = format!("wss://play.example/game/arena?landId={}", assignment["landId"].as_str().unwrap());
    assert_eq!((&assignment["serverId"], &assignment["connectUrl"]), (&json!("old-hand"), &json!(url)));
    // Registering is the heartbeat: it changes nothing else.
    assert_eq!(internal.post(path, &register).await.0, 200);

    let gone = internal.call(Method::DELETE, "/v1/provisioning/servers/old-hand", None).await;
    assert_eq!(gone, (200, json!({ "success": true, "result": { "removed": true } })));
    let again = internal.call(Method::DELETE, "/v1/provisioning/servers/old-hand", None).await;
    assert_eq!(again, (200, json!({ "success": true, "result": { "removed": false } })));
    let next = client.enqueue("arena", &["bob"]).await;
    assert_eq!(client.status(&next).await["status"], "queued", "nobody hosts it any more");

    let (status, answer) = internal.post(path, &json!({ "serverId": "x", "host": "h", "port": 0 })).await;
    let message = answer["error"]["message"].as_str().unwrap();
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("INVALID_REQUEST")), "{answer}");
    assert!(message.contains("port: ") && message.contains("landType: is missing"), "{message}");
}
