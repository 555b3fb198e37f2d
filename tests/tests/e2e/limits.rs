//! Bad input against the real control plane: each answer has its status, code and field, and says the way out.

use serde_json::{Value, json};
use tests::{Client, Stack};
use tokio_tungstenite::tungstenite::Message;

const ENQUEUE: &str = "/v1/matchmaking/enqueue";

/// A body that is refused with `INVALID_REQUEST`, the field that is named, and a part of what is said about it.
type Fault = (Value, &'static str, &'static str);

/// What is wrong with an enqueue, wherever it comes from.
fn faults() -> Vec<Fault> {
    let many: Vec<String> = (0..101).map(|number| format!("p{number}")).collect();
    let long = "x".repeat(129);
    let with = |field: &str, value: Value| {
        let mut body = json!({ "queueKey": "demo:3", "members": ["ann", "bob"] });
        body[field] = value;
        body
    };
    let player = |player: Value| json!({ "queueKey": "demo:3", "players": [{ "playerId": "ann" }, player] });
    vec![
        // Missing and empty.
        (json!({ "members": ["ann"] }), "queueKey", "is missing"),
        (json!({ "queueKey": "demo" }), "members", "name the players in `members`, or in `players`"),
        (with("queueKey", json!("")), "queueKey", "must not be empty"),
        (with("members", json!([])), "members", "at least one player"),
        (with("members", json!(["ann", ""])), "members[1]", "must not be empty"),
        (with("groupId", json!("")), "groupId", "leave it out or give it a value"),
        (player(json!({})), "players[1].playerId", "is missing"),
        // Of the wrong type.
        (with("queueKey", json!(7)), "queueKey", "must be a text, not a number"),
        (with("members", json!("ann")), "members", "must be a list, not a text"),
        (with("members", json!(["ann", 7])), "members[1]", "must be a player's id as text"),
        (with("groupSize", json!("2")), "groupSize", "must be a whole number, not a text"),
        (with("groupSize", json!(1.5)), "groupSize", "must be a whole number from 0"),
        (with("region", json!(["eu"])), "region", "must be a text, not a list"),
        (with("constraints", json!([1])), "constraints", "must be an object, not a list"),
        (player(json!("bob")), "players[1]", "must be an object, not a text"),
        (
            player(json!({ "playerId": "bob", "attributes": { "skill": true } })),
            "players[1].attributes.skill",
            "must be a number, a text, a list of texts or an object of numbers",
        ),
        (
            player(json!({ "playerId": "bob", "latencies": { "eu": -1 } })),
            "players[1].latencies.eu",
            "must be a number of milliseconds, zero or more",
        ),
        (
            player(json!({ "playerId": "bob", "latencies": { "eu": 60_001 } })),
            "players[1].latencies.eu",
            "must be 0 to 60000 milliseconds",
        ),
        // Unknown.
        (with("queue_key", json!("demo")), "queue_key", "unknown"),
        (player(json!({ "playerId": "bob", "skill": 3 })), "players[1].skill", "unknown"),
        (with("players", json!([{ "playerId": "cyd" }])), "players", "use one of the two"),
        // Too many, too long, twice, garbled.
        (with("members", json!(["ann", "ann"])), "members[1]", "name every player once"),
        (with("members", json!(many)), "members", "has 101 players; at most 100"),
        (with("members", json!(["ann", long])), "members[1]", "has 129 bytes; at most 128"),
        (with("members", json!(["ann", "é".repeat(65)])), "members[1]", "has 130 bytes; at most 128"),
        (with("members", json!(["ann", "b\nb"])), "members[1]", "contains control characters"),
        (with("queueKey", json!(long)), "queueKey", "has 129 bytes; at most 128"),
        (with("queueKey", json!("a\u{0}b")), "queueKey", "contains control characters"),
        (with("groupId", json!(long)), "groupId", "has 129 bytes; at most 128"),
        (with("groupId", json!("a\u{7f}")), "groupId", "contains control characters"),
        (with("region", json!("a\u{1b}[31m")), "region", "contains control characters"),
        (with("groupSize", json!(3)), "groupSize", "leave it out or make them equal"),
        (with("members", json!(["a", "b", "c", "d"])), "members", "takes parties of at most 3"),
    ]
}

fn names_the_way_out(answer: &Value, field: &str, part: &str) {
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("no `errors` in {answer}"));
    let named = errors.iter().find(|error| error["field"] == field);
    let named = named.unwrap_or_else(|| panic!("`{field}` is not named in {answer}"));
    assert!(named["message"].as_str().unwrap().contains(part), "`{part}` is not said in {answer}");
}

fn is_a_problem(answer: &(u16, Value), status: u16, code: &str) {
    let (answered, problem) = answer;
    assert_eq!((*answered, &problem["code"], &problem["status"]), (status, &json!(code), &json!(status)));
    let kind = format!("/problems/{}", code.to_lowercase().replace('_', "-"));
    assert_eq!((&problem["type"], &problem["retryable"]), (&json!(kind), &json!(false)), "{problem}");
    for field in ["title", "detail"] {
        assert!(problem[field].as_str().is_some_and(|text| text.len() > 5), "{field}: {problem}");
    }
}

/// The same body with fields in another order and other spaces, as another client would write it.
fn rewritten(body: &Value) -> String {
    let fields = body.as_object().unwrap().iter().rev();
    let fields: Vec<String> = fields.map(|(name, value)| format!(" \"{name}\" :  {value} ")).collect();
    format!("\n{{{}}}\n", fields.join(","))
}

async fn is_a_problem_of(client: &Client, path: &str, body: &Value, status: u16, code: &str) -> Value {
    let answer = client.post(path, body).await;
    is_a_problem(&answer, status, code);
    answer.1
}

#[tokio::test]
async fn over_rest() {
    let stack = Stack::builder().servers(0).start().await;
    let client = stack.client();
    for (body, field, part) in faults() {
        let answer = client.post(ENQUEUE, &body).await;
        assert_eq!(answer.0, 400, "{body}: {}", answer.1);
        is_a_problem(&answer, 400, "INVALID_REQUEST");
        names_the_way_out(&answer.1, field, part);
    }
    for (body, part) in [
        ("{\"queueKey\": \"demo\", ", "not JSON"),
        ("{'queueKey': 'demo'}", "line 1 column 2"),
        ("", "send a JSON object"),
        ("\u{0}\u{1}", "not JSON"),
        ("[]", "must be an object, not a list"),
        ("7", "must be an object, not a number"),
    ] {
        let answer = client.post_text(ENQUEUE, body).await;
        is_a_problem(&answer, 400, "INVALID_REQUEST");
        assert!(answer.1["detail"].as_str().unwrap().contains(part), "{body}: {}", answer.1);
    }
    let large = json!({ "queueKey": "demo", "members": ["ann"], "groupId": "x".repeat(65 * 1024) });
    let problem = is_a_problem_of(&client, ENQUEUE, &large, 413, "PAYLOAD_TOO_LARGE").await;
    assert!(problem["detail"].as_str().unwrap().contains("65536 bytes"), "{problem}");

    let unknown = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55";
    for path in
        [format!("/v1/matchmaking/status/{unknown}"), format!("/v1/matchmaking/status/{unknown}?wait=20")]
    {
        is_a_problem(&client.get(&path).await, 404, "TICKET_NOT_FOUND");
    }
    let cancel = "/v1/matchmaking/cancel";
    is_a_problem_of(&client, cancel, &json!({ "ticketId": unknown }), 404, "TICKET_NOT_FOUND").await;
    for (body, field, part) in [
        (json!({}), "ticketId", "is missing"),
        (json!({ "ticketId": 7 }), "ticketId", "must be a text"),
        (json!({ "ticketId": "x".repeat(129) }), "ticketId", "at most 128"),
        (json!({ "ticketId": unknown, "ticket": 1 }), "ticket", "unknown"),
    ] {
        let problem = is_a_problem_of(&client, cancel, &body, 400, "INVALID_REQUEST").await;
        names_the_way_out(&problem, field, part);
    }
    for query in ["wait=21", "wait=soon", "wait=1&wait=2"] {
        let answer = client.get(&format!("/v1/matchmaking/status/{unknown}?{query}")).await;
        is_a_problem(&answer, 400, "INVALID_REQUEST");
        names_the_way_out(&answer.1, "wait", "0 to 20");
    }
    is_a_problem(&client.get("/v1/matchmaking/enqueue").await, 405, "METHOD_NOT_ALLOWED");
    is_a_problem(&client.get("/v2/matchmaking").await, 404, "ROUTE_NOT_FOUND");
}

#[tokio::test]
async fn over_a_socket() {
    let stack = Stack::builder().servers(0).start().await;
    let client = stack.client();
    let mut socket = client.socket("/realtime").await;
    for (mut body, field, part) in faults() {
        body["action"] = json!("enqueue");
        socket.send(&body).await;
        let error = socket.next().await;
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("error"), &json!("INVALID_REQUEST")),
            "{body}: {error}"
        );
        names_the_way_out(&error, field, part);
    }
    for (message, part) in [
        (Message::text("hello"), "not JSON"),
        (Message::text(""), "send a JSON object"),
        (Message::text("[1]"), "{\"action\":\"heartbeat\"}"),
        (Message::text("{\"action\":\"dance\"}"), "enqueue, cancel, heartbeat"),
        (Message::text("{\"action\":7}"), "{\"action\":\"heartbeat\"}"),
        (Message::text("{\"action\":\"cancel\"}"), "no ticket that waits"),
        (Message::text("{\"action\":\"cancel\",\"ticketId\":7}"), "must be a text"),
        (Message::binary(vec![1, 2, 3]), "send JSON as text"),
    ] {
        socket.send_raw(message.clone()).await;
        let error = socket.next().await;
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("error"), &json!("INVALID_REQUEST")),
            "{message}"
        );
        assert!(error["message"].as_str().unwrap().contains(part), "{message}: {error}");
    }
    let unknown = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55";
    socket.send(&json!({ "action": "cancel", "ticketId": unknown })).await;
    let error = socket.next().await;
    assert_eq!(
        (&error["code"], &error["ticketId"]),
        (&json!("TICKET_NOT_FOUND"), &json!(unknown)),
        "{error}"
    );
    socket.send(&json!({ "action": "heartbeat" })).await;
    assert_eq!(socket.next().await["type"], "heartbeat", "the socket is as good as new");

    socket.send_raw(Message::text("x".repeat(17 * 1024))).await;
    let (code, reason) = socket.closed().await;
    assert_eq!((code, reason.contains("16 KiB")), (1009, true), "{reason}");
    for (query, code, part) in [
        (format!("ticketId={unknown}"), 4404, "enqueue again"),
        ("ticketId=".to_owned(), 4400, "the id that the enqueue answered"),
        (format!("ticketId={unknown}&ticketId={unknown}"), 4400, "given once"),
        (format!("ticketId={}", "x".repeat(129)), 4400, "the id that the enqueue answered"),
    ] {
        let closed = client.socket(&format!("/realtime?{query}")).await.closed().await;
        assert_eq!((closed.0, closed.1.contains(part)), (code, true), "{query}: {closed:?}");
    }
    let answer = client.get("/realtime").await;
    is_a_problem(&answer, 400, "INVALID_REQUEST");
    assert!(answer.1["detail"].as_str().unwrap().contains("WebSocket client"), "{}", answer.1);
}

#[tokio::test]
async fn the_same_group_twice_and_a_player_in_two_groups() {
    let stack = Stack::builder().servers(0).start().await;
    let client = stack.client();
    let group = json!({ "queueKey": "demo:3", "groupId": "g", "members": ["ann", "bob"], "constraints": { "map": 1 } });
    let (status, first) = client.post(ENQUEUE, &group).await;
    assert_eq!(status, 201, "{first}");
    // The same content is the same ticket, over REST and over a socket, however it is written.
    assert_eq!(client.post_text(ENQUEUE, rewritten(&group)).await, (201, first.clone()));
    let mut socket = client.socket("/realtime").await;
    let mut asked = group.clone();
    asked["action"] = json!("enqueue");
    socket.send(&asked).await;
    assert_eq!(socket.next_of("enqueued").await["data"], first);

    for (field, value) in [
        ("members", json!(["ann", "cyd"])),
        ("members", json!(["ann"])),
        ("region", json!("eu")),
        ("constraints", json!({ "map": 2 })),
    ] {
        let mut other = group.clone();
        other[field] = value;
        let problem = is_a_problem_of(&client, ENQUEUE, &other, 409, "GROUP_ALREADY_QUEUED").await;
        assert_eq!(problem["ticketId"], first["ticketId"], "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("cancel that ticket first"), "{problem}");
        other["action"] = json!("enqueue");
        socket.send(&other).await;
        let error = socket.next_of("error").await;
        assert_eq!(
            (&error["code"], &error["ticketId"]),
            (&json!("GROUP_ALREADY_QUEUED"), &first["ticketId"])
        );
    }

    let mut second = json!({ "queueKey": "demo:3", "groupId": "h", "members": ["bob", "cyd"] });
    let problem = is_a_problem_of(&client, ENQUEUE, &second, 409, "PLAYER_ALREADY_QUEUED").await;
    assert_eq!(problem["playerId"], "bob", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("cancel that one first"), "{problem}");
    second["action"] = json!("enqueue");
    socket.send(&second).await;
    let error = socket.next_of("error").await;
    assert_eq!(
        (&error["code"], &error["playerId"]),
        (&json!("PLAYER_ALREADY_QUEUED"), &json!("bob")),
        "{error}"
    );

    // The way out that was named works.
    client.cancel(first["ticketId"].as_str().unwrap()).await;
    socket.send(&second).await;
    socket.next_of("enqueued").await;
}

#[tokio::test]
async fn a_gateway_that_trusts_nobody_lets_nobody_enqueue_and_says_why() {
    let stack =
        Stack::builder().servers(0).gateway(|config| config.allow_client_player_id = false).start().await;
    let client = stack.client();
    let body = json!({ "queueKey": "demo", "members": ["ann"] });
    let problem = is_a_problem_of(&client, ENQUEUE, &body, 401, "UNAUTHENTICATED").await;
    assert!(problem["detail"].as_str().unwrap().contains("Authorization"), "{problem}");
    let mut socket = client.socket("/realtime").await;
    socket.send(&json!({ "action": "enqueue", "queueKey": "demo", "members": ["ann"] })).await;
    let error = socket.next_of("error").await;
    assert_eq!(error["code"], "UNAUTHENTICATED");
    assert!(error["message"].as_str().unwrap().contains("authenticate"), "{error}");
}
