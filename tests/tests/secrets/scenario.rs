//! What happens: players come by every way, play, and are sent away; services, operators and game servers do their work; and
//! everybody tries what they may not.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use control_plane::access::NewKey;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Socket, eventually};

use crate::{
    installation::{Installation, State},
    search::{Secrets, Written},
};

/// Where no server can be, so that tickets stay.
const NOWHERE: &str = "nowhere:9";

/// A text that is nobody's key, and yet nobody else's business.
pub(crate) fn mistaken() -> String {
    NewKey::make().secret().to_owned()
}

/// Who comes as a player.
pub(crate) struct Known {
    pub(crate) id: String,
    token: String,
    pub(crate) client: Client,
}

impl Known {
    /// Of an answer that proves who they are.
    pub(crate) fn of(gateway: &Client, answer: &Value, secrets: &mut Secrets) -> Self {
        let text = |field: &str| answer[field].as_str().unwrap().to_owned();
        let token = text("token");
        secrets.token(format!("the identity of {}", text("playerId")), &token);
        Self { id: text("playerId"), client: gateway.bearing(&token), token }
    }

    async fn guest(all: &mut Installation) -> Self {
        let (status, answer) = all.client.post("/v1/identity/guest", &Value::Null).await;
        assert_eq!(status, 201, "{answer}");
        Self::of(&all.client, &answer, &mut all.secrets)
    }

    /// As it should be, but for one letter of the signature.
    fn forged(&self, secrets: &mut Secrets) -> String {
        let (rest, last) = self.token.split_at(self.token.len() - 100);
        let other = if last.starts_with('A') { "B" } else { "A" };
        let forged = format!("{rest}{other}{}", &last[1..]);
        secrets.token("a forged identity", &forged);
        forged
    }
}

pub(crate) async fn play(state: State, format: &str) {
    let mut all = Installation::start(state, format).await;
    let mut written = Written::default();
    let (ann, bob) = (Known::guest(&mut all).await, Known::guest(&mut all).await);
    let cyd = exchanged(&mut all).await;
    play_together(&mut all, &ann, &bob, &cyd).await;
    doors_stay_shut(&mut all, &ann, &bob, &mut written).await;
    sockets_stay_shut(&mut all, &ann, &bob).await;
    behind_the_gateway(&mut all, &mut written).await;
    operators(&mut all, &mut written).await;
    all.refuse_to_start(&mut written).await;
    all.end(written).await;
}

/// A player of an identity provider, by its token and by ours for it.
async fn exchanged(all: &mut Installation) -> Known {
    let token = all.provider.token("cyd");
    all.secrets.token("the provider's token", &token);
    let (status, answer) = all.client.post("/v1/identity/exchange", &json!({ "token": token })).await;
    assert_eq!((status, &answer["playerId"]), (200, &json!("idp-cyd")), "{answer}");
    let ticket = all.client.bearing(&token).enqueue(NOWHERE, &["idp-cyd"]).await;
    assert_eq!(all.client.bearing(&token).cancel(&ticket).await["cancelled"], true);
    Known::of(&all.client, &answer, &mut all.secrets)
}

/// A party of two and one alone are matched, by REST and by sockets of each kind, and play; a token lets nobody in twice.
async fn play_together(all: &mut Installation, ann: &Known, bob: &Known, cyd: &Known) {
    let body =
        json!({ "queueKey": "demo:3", "members": [ann.id, bob.id], "memberTokens": { &bob.id: bob.token } });
    let (status, enqueued) = ann.client.post("/v1/matchmaking/enqueue", &body).await;
    assert_eq!(status, 201, "{enqueued}");
    let ticket = enqueued["ticketId"].as_str().unwrap();
    let realtime = all.client.socket_url("/realtime");
    let protocols = format!("muster.v1, bearer.{}", bob.token);
    let follow = format!("{realtime}?ticketId={ticket}");
    let mut by_protocol = Socket::open_with(&follow, [("sec-websocket-protocol", protocols)]).await;
    let mut by_header = ann.client.socket(&format!("/realtime?ticketId={ticket}")).await;
    let mut by_message = Socket::open(&realtime).await;
    by_message.send(&json!({ "action": "authenticate", "token": cyd.token })).await;
    by_message.next_of("authenticated").await;
    by_message.send(&json!({ "action": "enqueue", "queueKey": "demo:3", "members": [cyd.id] })).await;
    let mut assignments = vec![ann.client.assignment(ticket).await, bob.client.assignment(ticket).await];
    for socket in [&mut by_protocol, &mut by_header, &mut by_message] {
        assignments.push(socket.next_of("match.assigned").await["data"]["assignment"].clone());
    }
    for assignment in &assignments {
        all.secrets.token("a match token", assignment["matchToken"].as_str().unwrap());
        for (player, token) in assignment["playerTokens"].as_object().unwrap() {
            all.secrets.token(format!("{player}'s match token"), token.as_str().unwrap());
        }
    }
    let mut game = Socket::play(&assignments[0], &ann.id).await;
    game.next_of("state").await;
    assert_eq!(Socket::play(&assignments[0], &ann.id).await.closed().await.0, 4401, "it was used");
    let forged = format!("{}xxxxxxxx", assignments[1]["matchToken"].as_str().unwrap());
    assert_eq!(Socket::play_with(&assignments[1], &forged).await.closed().await.0, 4401);
    assert_eq!(Socket::play_with(&assignments[1], &ann.token).await.closed().await.0, 4401, "an identity");

    // The agent's API, as another game server would use it.
    let token = assignments[2]["playerTokens"][&bob.id].as_str().unwrap();
    let land = assignments[2]["landId"].as_str().unwrap();
    let http = reqwest::Client::new();
    let mut statuses = Vec::new();
    for (call, token, id) in [
        ("verify", token, None),
        ("redeem", token, Some("one")),
        ("redeem", token, Some("two")),
        ("redeem", &forged, None),
    ] {
        let mut body = json!({ "token": token, "landId": land });
        if let Some(id) = id {
            body["redemptionId"] = json!(id);
        }
        let answer = http.post(format!("{}/v1/tokens/{call}", all.agent)).json(&body).send().await.unwrap();
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 409, 403]);
}

/// Requests with something wrong, each with a secret in it.
async fn doors_stay_shut(all: &mut Installation, ann: &Known, bob: &Known, written: &mut Written) {
    let forged = bob.forged(&mut all.secrets);
    let wrong = mistaken();
    all.secrets.text("what is no key", &wrong);
    let body =
        |tokens: Value| json!({ "queueKey": NOWHERE, "members": [ann.id, bob.id], "memberTokens": tokens });
    let enqueue = "/v1/matchmaking/enqueue";
    let exchange = "/v1/identity/exchange";
    let mut expect = async |expected: u16, client: &Client, path: &str, body: Option<Value>| {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let (status, answer) = client.call(method, path, body.as_ref()).await;
        assert_eq!(status, expected, "{path}: {answer}");
        written.add(format!("the answer {status} of {path}"), answer.to_string());
    };
    let nobody = &all.client;
    let status = "/v1/matchmaking/status/01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55";
    expect(401, &nobody.bearing(&forged), status, None).await;
    expect(401, &nobody.bearing(&wrong), status, None).await;
    expect(403, &ann.client, enqueue, Some(body(json!({ &bob.id: forged })))).await;
    expect(403, &ann.client, enqueue, Some(body(json!({ &bob.id: wrong })))).await;
    // In the wrong place, or of the wrong kind.
    expect(400, &ann.client, enqueue, Some(body(json!({ &bob.id: { "token": wrong } })))).await;
    expect(400, &ann.client, enqueue, Some(body(json!([wrong])))).await;
    expect(400, &ann.client, enqueue, Some(body(json!(wrong)))).await;
    expect(401, nobody, exchange, Some(json!({ "token": forged }))).await;
    expect(401, nobody, exchange, Some(json!({ "token": wrong }))).await;
    expect(400, nobody, exchange, Some(json!({ "tokens": wrong }))).await;
    expect(400, nobody, exchange, Some(json!({ "token": [wrong] }))).await;
    expect(401, nobody, &format!("{status}?token={wrong}"), None).await;
    expect(401, nobody, &format!("{status}?access_token={}", ann.token), None).await;
    expect(404, nobody, &format!("/v1/nothing?token={wrong}"), None).await;
    for text in [format!(r#"{{"token": "{wrong}"#), format!(r#"{{"token": {wrong}}}"#)] {
        let (status, answer) = nobody.post_text(exchange, text).await;
        assert_eq!(status, 400, "{answer}");
        written.add("the answer to broken JSON", answer.to_string());
    }
    for (scheme, credentials) in
        [("Basic", STANDARD.encode(format!("ann:{wrong}"))), ("Digest", wrong.clone())]
    {
        let asked =
            nobody.request(Method::GET, status).header("authorization", format!("{scheme} {credentials}"));
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        written.add(format!("the answer to {scheme}"), answer.text().await.unwrap());
    }
    let cookie =
        nobody.request(Method::GET, status).header("cookie", format!("token={wrong}")).send().await.unwrap();
    assert_eq!(cookie.status(), 401);
}

/// The same on sockets.
async fn sockets_stay_shut(all: &mut Installation, ann: &Known, bob: &Known) {
    let wrong = mistaken();
    all.secrets.text("what is no token", &wrong);
    let forged = ann.forged(&mut all.secrets);
    let realtime = all.client.socket_url("/realtime");
    for bad in [&forged, &wrong] {
        assert_eq!(all.client.bearing(bad).socket("/realtime").await.closed().await.0, 4401);
        let protocols = format!("muster.v1, bearer.{bad}");
        let mut socket = Socket::open_with(&realtime, [("sec-websocket-protocol", protocols)]).await;
        assert_eq!(socket.closed().await.0, 4401);
        let mut socket = Socket::open(&realtime).await;
        socket.send(&json!({ "action": "authenticate", "token": bad })).await;
        assert_eq!(socket.closed().await.0, 4401);
        let mut socket = Socket::open(&format!("{realtime}?token={bad}")).await;
        socket.send(&json!({ "action": "heartbeat", "token": bad })).await;
        assert_eq!(socket.closed().await.0, 4401);
    }
    let mut open = ann.client.socket("/realtime").await;
    for message in [
        json!({ "action": "authenticate", "token": { "is": wrong } }),
        json!({ "action": "authenticate", "tokens": wrong }),
        json!({ "action": wrong }),
        json!({ "action": "enqueue", "queueKey": NOWHERE, "members": [ann.id, bob.id], "memberTokens": { &bob.id: forged } }),
        json!({ "action": "enqueue", "queueKey": NOWHERE, "members": [ann.id], "memberTokens": wrong }),
    ] {
        open.send(&message).await;
        let said = open.next_of("error").await.to_string();
        assert!(!said.contains(&wrong) && !said.contains(&forged), "{said}");
    }
}

/// Backends and game servers without an agent, at the internal listener.
async fn behind_the_gateway(all: &mut Installation, written: &mut Written) {
    let wrong = mistaken();
    all.secrets.text("what is no backend's key", &wrong);
    let ca = all.path("ca.pem");
    let enqueue = json!({ "queueKey": NOWHERE, "members": ["dan"] });
    let register = json!({ "serverId": "game-9", "host": "127.0.0.1", "port": 1, "landType": "other" });
    for (expected, path, key, body) in [
        (201, "/v1/matchmaking/enqueue", all.backend.secret(), &enqueue),
        (401, "/v1/matchmaking/enqueue", &wrong, &enqueue),
        (401, "/v1/provisioning/servers/register", &wrong, &register),
        (403, "/v1/provisioning/servers/register", all.operator.secret(), &register),
    ] {
        let (status, answer) = all.internal.post(&ca, None, path, Some(key), body).await.unwrap();
        assert_eq!(status, expected, "{answer}");
        written.add(format!("the answer {status} of {path}, inside"), answer);
    }
}

/// `muster`, with a key that is good and one that isn't, and keys that change.
async fn operators(all: &mut Installation, written: &mut Written) {
    let wrong = mistaken();
    all.secrets.text("what is no operator's key", &wrong);
    let good = all.operator.secret();
    for arguments in [&["servers", "list"][..], &["keys", "rotate"], &["keys", "list"], &["queues", "reload"]]
    {
        assert!(all.muster(arguments, good, false, written) || arguments[0] == "queues", "{arguments:?}");
        assert!(!all.muster(arguments, &wrong, true, written), "{arguments:?}");
        // Help shows what the environment sets.
        assert!(all.muster(&[arguments, &["--help"]].concat(), good, false, written), "{arguments:?}");
    }
    // A key where its hash belongs: the file is refused, and the words of the refusal are not its words.
    let access = all.path("access");
    let before = std::fs::read_to_string(&access).unwrap();
    std::fs::write(
        &access,
        format!("{before}extra operator {wrong}\nmore operator sha256:{}\n", &wrong[7..60]),
    )
    .unwrap();
    let refused = async || all.control_plane_complains_about("access_file").then_some(());
    eventually("the access file to be refused", refused).await;
    std::fs::write(&access, before).unwrap();
}
