//! Draining servers: no new lands, progress, an end.

use control_plane::Role;
use proto::{
    error::Reason,
    matchmaking::v1::TicketStatus,
    provisioning::v1::{self as pb, ServerState, connect_response::Message as Down},
};

use crate::{
    agent::{Agent, hello},
    replicas::Shared,
    stack::{Stack, refusal},
};

fn drain(server: &str, deadline_ms: u64) -> pb::DrainServerRequest {
    pb::DrainServerRequest { server_id: server.to_owned(), reason: "a new version".to_owned(), deadline_ms }
}

async fn told_to_drain(agent: &mut Agent) -> pb::Drain {
    loop {
        match agent.command().await {
            Some(Down::Drain(drain)) => return drain,
            Some(_) => {}
            None => panic!("the stream ended before it was told to drain"),
        }
    }
}

#[tokio::test]
async fn a_server_that_drains_gets_no_lands_and_ends_those_that_are_left_at_the_deadline() {
    let stack = Stack::start().await;
    let mut old = Agent::start(&stack, hello("s-1")).await;
    let first = stack.enqueue("demo", &["a"]).await;
    let land = old.make_land().await.land_id;
    stack.assignment(&first).await;
    old.beat(&[&land]).await;

    let mut client = stack.provisioning();
    let server = client.drain_server(drain("s-1", 1_500)).await.unwrap().into_inner().server.unwrap();
    assert_eq!((server.state(), server.lands_used), (ServerState::Draining, 1));
    assert!(server.drain_deadline_unix_ms > 0);
    let told = told_to_drain(&mut old).await;
    assert_eq!(told.reason, "a new version");
    assert!((1..=1_500).contains(&told.deadline_ms), "{told:?}");
    // A later deadline changes nothing.
    let later = client.drain_server(drain("s-1", 60_000)).await.unwrap().into_inner().server.unwrap();
    assert_eq!(later.drain_deadline_unix_ms, server.drain_deadline_unix_ms);

    let second = stack.enqueue("demo", &["b"]).await;
    let release = loop {
        match old.command().await {
            Some(Down::ReleaseLand(release)) => break release,
            Some(Down::Drain(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(release.land_id, land);
    assert_eq!(stack.ticket(&second).await.status(), TicketStatus::Queued);
    stack.servers_are(|servers| servers[0].lands_used == 0).await;
    let mut new = Agent::start(&stack, hello("s-2")).await;
    new.make_land().await;
    assert_eq!(stack.assignment(&second).await.server_id, "s-2");
    stack.stop().await;
}

#[tokio::test]
async fn what_cannot_be_drained_is_named() {
    let stack = Stack::start().await;
    let refused = refusal(stack.provisioning().drain_server(drain("nobody", 0)).await);
    assert_eq!(refused.reason, Reason::ServerNotFound);
    assert_eq!(refused.metadata["serverId"], "nobody");
    let wrong = pb::DrainServerRequest { reason: "x".repeat(513), ..drain("", 8 * 24 * 3600 * 1000) };
    let refused = refusal(stack.provisioning().drain_server(wrong).await);
    let fields: Vec<_> = refused.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["server_id", "reason", "deadline_ms"]);
    stack.stop().await;
}

#[tokio::test]
async fn any_replica_drains_a_server() {
    let shared = Shared::new();
    let (one, two) = (shared.replica(Role::All).await, shared.replica(Role::Api).await);
    let mut agent = Agent::start(&one, hello("s-1")).await;
    // By the notice of the other replica, or before it by the hold.
    let server = two.provisioning().drain_server(drain("s-1", 0)).await.unwrap().into_inner().server.unwrap();
    assert_eq!((&*server.server_id, server.state()), ("s-1", ServerState::Draining));
    assert_eq!(told_to_drain(&mut agent).await.deadline_ms, 0);
    for replica in [&one, &two] {
        replica
            .servers_are(|servers| servers.len() == 1 && servers[0].state() == ServerState::Draining)
            .await;
    }
    let refused = refusal(two.provisioning().drain_server(drain("nobody", 0)).await);
    assert_eq!(refused.reason, Reason::ServerNotFound);
    one.stop().await;
    two.stop().await;
}
