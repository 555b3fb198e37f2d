//! Mode B: who a caller is, how they prove it, and that nobody learns of anybody else's tickets.

mod backends;
mod members;
mod providers;
mod rates;
mod sessions;
mod sockets;
mod tokens;

use runtime::endpoints::system_resolver;
use serde_json::{Value, json};

use crate::support::{Answer, Stack, control_plane::ControlPlane, provider::Provider, signer::Signer};

const ENQUEUE: &str = "/v1/matchmaking/enqueue";

/// A gateway in Mode B before a control plane that signs identity tokens.
pub(crate) async fn start(flags: &[&str]) -> Stack {
    start_as(flags, None).await
}

/// The same, with an identity provider.
async fn start_as(flags: &[&str], provider: Option<&Provider>) -> Stack {
    let control_plane = ControlPlane::start().await;
    *control_plane.state.signer.lock() = Some(Signer::new("k1"));
    let url = control_plane.url();
    let sections = provider.map(Provider::sections).unwrap_or_default();
    let flags = [&["--control-plane", &url], flags].concat();
    Stack::start_as(control_plane, &flags, sections, system_resolver()).await
}

/// An identity token of ours.
fn token(stack: &Stack, player: &str) -> String {
    stack.control_plane.state.signer.lock().as_ref().unwrap().identity(player)
}

async fn call(stack: &Stack, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let mut request = stack.request(method, path).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(body);
    }
    stack.send(request).await
}

async fn status_as(stack: &Stack, token: &str, ticket: &str) -> Answer {
    call(stack, token, "GET", &format!("/v1/matchmaking/status/{ticket}"), None).await
}

async fn cancel_as(stack: &Stack, token: &str, ticket: &str) -> Answer {
    call(stack, token, "POST", "/v1/matchmaking/cancel", Some(&json!({"ticketId": ticket}))).await
}

/// Enqueues the player whose token it is.
async fn enqueue_as(stack: &Stack, token: &str, player: &str) -> String {
    let body = json!({"queueKey": "demo:2", "members": [player]});
    let answer = call(stack, token, "POST", ENQUEUE, Some(&body)).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    answer.body["ticketId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_guest_from_the_first_request_to_the_assignment() {
    let stack = start(&["--guest-identity"]).await;
    let guest = stack.send(stack.request("POST", "/v1/identity/guest")).await;
    assert_eq!(guest.status, 201, "{guest:#?}");
    assert_eq!(guest.body["expiresAt"], "2025-07-18T09:35:00.000Z");
    let text = |field: &str| guest.body[field].as_str().unwrap().to_owned();
    let (player, token) = (text("playerId"), text("token"));
    assert!(player.starts_with("guest-"), "{player}");

    let ticket = enqueue_as(&stack, &token, &player).await;
    assert_eq!(status_as(&stack, &token, &ticket).await.body["status"], "queued");
    stack.control_plane.assign(&ticket);
    let assigned = status_as(&stack, &token, &ticket).await;
    assert_eq!(assigned.body["assignment"]["matchToken"], format!("token-of-{player}"));
    assert_eq!(*stack.control_plane.state.enqueued_for.lock(), [Some(player)]);

    let other = stack.send(stack.request("POST", "/v1/identity/guest")).await;
    assert_ne!(other.body["playerId"], guest.body["playerId"]);
    stack.finish().await;
}

#[tokio::test]
async fn without_a_word_from_the_operator_there_are_no_guests_and_no_exchange() {
    let stack = start(&[]).await;
    stack.send(stack.request("POST", "/v1/identity/guest")).await.assert_problem(403, "FORBIDDEN");
    let answer = stack.post("/v1/identity/exchange", &json!({"token": "a.b.c"})).await;
    answer.assert_problem(403, "FORBIDDEN");
    stack.finish().await;
}

#[tokio::test]
async fn anothers_ticket_is_to_the_byte_one_that_is_not_there() {
    let stack = start(&[]).await;
    let (ann, eve) = (token(&stack, "ann"), token(&stack, "eve"));
    let ticket = enqueue_as(&stack, &ann, "ann").await;
    let unknown = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55";
    for query in ["", "?wait=1", "?explain=true"] {
        let known = status_as(&stack, &eve, &format!("{ticket}{query}")).await;
        known.assert_problem(404, "TICKET_NOT_FOUND");
        let absent = status_as(&stack, &eve, &format!("{unknown}{query}")).await;
        assert_eq!(known.body, absent.body, "{query}");
        let names = |answer: &Answer| {
            let mut names: Vec<_> = answer.headers.keys().map(|name| name.to_string()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&known), names(&absent));
    }
    let (known, absent) = (cancel_as(&stack, &eve, &ticket).await, cancel_as(&stack, &eve, unknown).await);
    known.assert_problem(404, "TICKET_NOT_FOUND");
    assert_eq!(known.body, absent.body);
    assert_eq!(status_as(&stack, &ann, &ticket).await.body["status"], "queued", "it is untouched");
    assert_eq!(cancel_as(&stack, &ann, &ticket).await.body, json!({"cancelled": true}));
    stack.finish().await;
}
