//! Mode B through the whole stack: players who prove who they are, from their first request to the game server.

use serde_json::{Value, json};
use tests::{Client, Socket, Stack};

/// A player of the stack's own making.
struct Guest {
    id: String,
    token: String,
    client: Client,
}

impl Guest {
    async fn of(gateway: &Client) -> Self {
        let (status, made) = gateway.post("/v1/identity/guest", &Value::Null).await;
        assert_eq!(status, 201, "{made}");
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        let token = text("token");
        Self { id: text("playerId"), client: gateway.bearing(&token), token }
    }
}

async fn mode_b() -> Stack {
    let guests = |config: &mut edge_gateway::Config| {
        config.allow_client_player_id = false;
        config.identity.guest_identity = true;
    };
    Stack::builder().gateway(guests).start().await
}

#[tokio::test]
async fn a_party_of_known_players_plays_and_a_stranger_sees_nothing_of_it() {
    let stack = mode_b().await;
    let gateway = stack.client();
    let (ann, bob, eve) = (Guest::of(&gateway).await, Guest::of(&gateway).await, Guest::of(&gateway).await);
    let unknown = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55";
    let body = json!({ "queueKey": "demo:4", "groupId": "the-best", "members": [ann.id, bob.id] });
    let (status, refused) = ann.client.post("/v1/matchmaking/enqueue", &body).await;
    assert_eq!((status, &refused["code"]), (403, &json!("FORBIDDEN")), "{refused}");
    let mut agreed = body.clone();
    agreed["memberTokens"] = json!({ &bob.id: bob.token });
    let (status, enqueued) = ann.client.post("/v1/matchmaking/enqueue", &agreed).await;
    assert_eq!(status, 201, "{enqueued}");
    let ticket = enqueued["ticketId"].as_str().unwrap();

    // A stranger meets a ticket that isn't there, whatever they try.
    for query in ["", "?explain=true", "?wait=1"] {
        let path = |ticket: &str| format!("/v1/matchmaking/status/{ticket}{query}");
        let known = eve.client.get(&path(ticket)).await;
        assert_eq!((known.0, &known), (404, &eve.client.get(&path(unknown)).await));
    }
    let cancel = |ticket: &str| json!({ "ticketId": ticket });
    let known = eve.client.post("/v1/matchmaking/cancel", &cancel(ticket)).await;
    assert_eq!((known.0, &known), (404, &eve.client.post("/v1/matchmaking/cancel", &cancel(unknown)).await));
    let socket =
        async |ticket: &str| eve.client.socket(&format!("/realtime?ticketId={ticket}")).await.closed().await;
    assert_eq!((socket(ticket).await.0, socket(ticket).await), (4404, socket(unknown).await));
    let taken = json!({ "queueKey": "demo:4", "groupId": "the-best", "members": [eve.id] });
    let (status, taken) = eve.client.post("/v1/matchmaking/enqueue", &taken).await;
    assert_eq!((status, taken.get("ticketId")), (409, None), "{taken}");
    let (status, nobody) = gateway.get(&format!("/v1/matchmaking/status/{ticket}")).await;
    assert_eq!((status, &nobody["code"]), (401, &json!("UNAUTHENTICATED")));

    // Its members have it, both of them.
    let mut bobs = bob.client.socket(&format!("/realtime?ticketId={ticket}")).await;
    assert_eq!(ann.client.status(ticket).await["status"], "queued");
    let (cy, dan) = (Guest::of(&gateway).await, Guest::of(&gateway).await);
    for player in [&cy, &dan] {
        player.client.enqueue("demo:4", &[&player.id]).await;
    }
    let pushed = bobs.next_of("match.assigned").await;
    Socket::play(&pushed["data"]["assignment"], &bob.id).await.next_of("state").await;
    let assignment = ann.client.assignment(ticket).await;
    Socket::play(&assignment, &ann.id).await.next_of("state").await;
}

#[tokio::test]
async fn a_match_token_is_no_identity_and_an_identity_no_match_token() {
    let stack = mode_b().await;
    let gateway = stack.client();
    let ann = Guest::of(&gateway).await;
    let ticket = ann.client.enqueue("demo", &[&ann.id]).await;
    let assignment = ann.client.assignment(&ticket).await;
    let match_token = assignment["matchToken"].as_str().unwrap();
    let path = format!("/v1/matchmaking/status/{ticket}");
    let (status, refused) = gateway.bearing(match_token).get(&path).await;
    assert_eq!((status, &refused["code"]), (401, &json!("UNAUTHENTICATED")), "{refused}");
    let (code, reason) = Socket::play_with(&assignment, &ann.token).await.closed().await;
    assert_eq!(code, 4401, "{reason}");
}

#[tokio::test]
async fn who_brings_a_token_is_held_to_it_in_mode_a_too() {
    let stack = Stack::builder().gateway(|config| config.identity.guest_identity = true).start().await;
    let gateway = stack.client();
    let ann = Guest::of(&gateway).await;
    let ticket = gateway.enqueue("demo:2", &["bob"]).await;
    let (status, _) = ann.client.get(&format!("/v1/matchmaking/status/{ticket}")).await;
    assert_eq!(status, 404, "it is bob's");
    let (status, _) = gateway.bearing("a.b.c").get(&format!("/v1/matchmaking/status/{ticket}")).await;
    assert_eq!(status, 401, "a bad token is not the same as none");
    assert_eq!(gateway.cancel(&ticket).await, json!({ "cancelled": true }));
}
