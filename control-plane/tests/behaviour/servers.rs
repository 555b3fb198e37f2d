//! Game servers over gRPC: how they come, are asked, fail, and go.

use std::time::Duration;

use crate::agent::{Agent, hello};
use crate::stack::{Stack, config, refusal};
use control_plane::Config;
use proto::{
    error::Reason,
    matchmaking::v1::TicketStatus,
    provisioning::v1::{
        self as pb, ServerState, connect_request::Message as Up, connect_response::Message as Down,
        land_answer::Outcome,
    },
};

#[tokio::test]
async fn two_servers_are_used_in_turn() {
    let stack = Stack::start().await;
    let servers = [
        Agent::start(&stack, hello("s-1")).await.make_all_lands(),
        Agent::start(&stack, hello("s-2")).await.make_all_lands(),
    ];
    stack.servers_are(|servers| servers.len() == 2).await;
    let mut used = Vec::new();
    for player in ["a", "b", "c", "d"] {
        let id = stack.enqueue("demo", &[player]).await;
        used.push(stack.assignment(&id).await.server_id);
    }
    assert_eq!(used, ["s-1", "s-2", "s-1", "s-2"]);
    stack.stop().await;
    for server in servers {
        server.abort();
    }
}

#[tokio::test]
async fn tickets_wait_for_a_server_and_are_matched_when_one_comes() {
    let stack = Stack::start().await;
    let id = stack.enqueue("demo", &["a"]).await;
    assert_eq!(stack.ticket(&id).await.status(), TicketStatus::Queued);
    let mut server = Agent::start(&stack, hello("s-1")).await;
    server.make_land().await;
    stack.assignment(&id).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_full_server_gets_no_more_until_a_land_ends() {
    let stack = Stack::start().await;
    let mut server = Agent::start(&stack, pb::Hello { capacity: 1, ..hello("s-1") }).await;
    let first = stack.enqueue("demo", &["a"]).await;
    let land = server.make_land().await.land_id;
    stack.assignment(&first).await;
    server.beat(&[&land]).await;
    let second = stack.enqueue("demo", &["b"]).await;
    assert!(server.is_left_alone().await);
    assert_eq!(stack.ticket(&second).await.status(), TicketStatus::Queued);
    server.beat(&[]).await;
    server.make_land().await;
    stack.assignment(&second).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_refusal_moves_on_to_the_next_server() {
    let stack = Stack::start().await;
    let mut unwilling = Agent::start(&stack, hello("s-1")).await;
    let willing = Agent::start(&stack, hello("s-2")).await.make_all_lands();
    stack.servers_are(|servers| servers.len() == 2).await;
    let id = stack.enqueue("demo", &["a"]).await;
    let refused = unwilling.refuse_land("no mood").await;
    let assignment = stack.assignment(&id).await;
    assert_eq!(assignment.server_id, "s-2");
    assert_ne!(assignment.land_id, refused.land_id);
    let servers = stack.servers().await;
    assert_eq!(servers[0].lands_used, 0, "the refused place is free again: {servers:?}");
    stack.stop().await;
    willing.abort();
}

#[tokio::test]
async fn silence_moves_on_and_the_late_land_is_taken_back() {
    let config = Config { land_answer_timeout: Duration::from_millis(300), ..config() };
    let stack = Stack::with(config, &[]).await;
    let mut silent = Agent::start(&stack, hello("s-1")).await;
    let willing = Agent::start(&stack, hello("s-2")).await.make_all_lands();
    stack.servers_are(|servers| servers.len() == 2).await;
    let id = stack.enqueue("demo", &["a"]).await;
    let order = silent.order().await;
    assert_eq!(stack.assignment(&id).await.server_id, "s-2");
    let Some(Down::ReleaseLand(release)) = silent.command().await else {
        panic!("the land was not taken back")
    };
    assert_eq!(release.land_id, order.land_id);
    stack.stop().await;
    willing.abort();
}

#[tokio::test]
async fn a_server_that_dies_before_its_land_is_ready_costs_no_ticket() {
    let stack = Stack::start().await;
    let mut dying = Agent::start(&stack, hello("s-1")).await;
    let id = stack.enqueue("demo", &["a"]).await;
    dying.order().await;
    let enqueued_at = stack.ticket(&id).await.enqueued_at_unix_ms;
    drop(dying);
    stack.servers_are(|servers| servers[0].state() == ServerState::Lost).await;
    assert_eq!(stack.ticket(&id).await.status(), TicketStatus::Queued);

    let mut next = Agent::start(&stack, hello("s-2")).await;
    next.make_land().await;
    assert_eq!(stack.assignment(&id).await.server_id, "s-2");
    assert_eq!(stack.ticket(&id).await.enqueued_at_unix_ms, enqueued_at, "it kept its age");
    stack.stop().await;
}

#[tokio::test]
async fn a_cancel_while_the_server_is_asked_wins_and_the_land_goes_back() {
    let stack = Stack::start().await;
    let mut server = Agent::start(&stack, hello("s-1")).await;
    let id = stack.enqueue("demo", &["a"]).await;
    let order = server.order().await;
    let cancel = proto::matchmaking::v1::CancelRequest { ticket_id: id.clone() };
    assert!(stack.matchmaking().cancel(cancel).await.unwrap().into_inner().cancelled);
    let ready = pb::LandAnswer {
        command_id: order.command_id.clone(),
        outcome: Some(Outcome::Ready(pb::LandReady {})),
    };
    server.send(Up::LandAnswer(ready)).await;
    let Some(Down::ReleaseLand(release)) = server.command().await else {
        panic!("the land was not taken back")
    };
    assert_eq!(release.land_id, order.land_id);
    assert_eq!(stack.ticket(&id).await.status(), TicketStatus::Cancelled);
    stack.stop().await;
}

#[tokio::test]
async fn a_match_whose_server_was_asked_is_finished_at_the_end() {
    let stack = Stack::start().await;
    let mut server = Agent::start(&stack, hello("s-1")).await;
    stack.enqueue("demo", &["a"]).await;
    let order = server.order().await;
    let stopping = tokio::spawn(stack.stop());
    assert!(server.is_left_alone().await, "its answer is still waited for");
    server.answer(&order, Outcome::Ready(pb::LandReady {})).await;
    let last = server.command().await;
    assert!(last.is_none(), "the land is kept, and the stream ends: {last:?}");
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_silent_server_is_lost_and_used_again_when_it_returns() {
    let config = Config { heartbeat_expiry: Duration::from_millis(400), ..config() };
    let stack = Stack::with(config, &[]).await;
    let mut silent = Agent::start(&stack, hello("s-1")).await;
    assert_eq!(silent.welcome.expiry_ms, 400);
    assert!(silent.end().await.is_none(), "the stream of a lost server is closed");
    stack.servers_are(|servers| servers[0].state() == ServerState::Lost).await;

    let back = Agent::start(&stack, hello("s-1")).await.make_all_lands();
    let id = stack.enqueue("demo", &["a"]).await;
    stack.assignment(&id).await;
    stack.stop().await;
    back.abort();
}

#[tokio::test]
async fn a_newer_instance_takes_over_and_an_older_is_refused() {
    let stack = Stack::start().await;
    let mut old = Agent::start(&stack, hello("s-1")).await;
    let _new = Agent::start(&stack, pb::Hello { instance_id: "i-2".to_owned(), ..hello("s-1") }).await;
    let Some(Down::Superseded(by)) = old.command().await else { panic!("the older stream was not told") };
    assert_eq!(by.by_instance_id, "i-2");
    assert!(old.end().await.is_none());
    let refused = Agent::try_start(&stack, hello("s-1")).await.map(|_| ());
    assert_eq!(refusal(refused).reason, Reason::ServerSuperseded);
    stack.stop().await;
}

#[tokio::test]
async fn a_resumed_stream_brings_its_lands_back() {
    let stack = Stack::start().await;
    let land =
        pb::Land { land_id: "demo:1".to_owned(), player_ids: vec!["p".to_owned()], ..Default::default() };
    let _server = Agent::start(&stack, pb::Hello { lands: vec![land], ..hello("s-1") }).await;
    let servers = stack.servers_are(|servers| !servers.is_empty()).await;
    assert_eq!((servers[0].lands_used, servers[0].players), (1, 1));
    assert_eq!(servers[0].lands[0].state(), pb::LandState::Ready);
    stack.stop().await;
}

#[tokio::test]
async fn goodbye_removes_the_server_at_once() {
    let stack = Stack::start().await;
    let server = Agent::start(&stack, hello("s-1")).await;
    stack.servers_are(|servers| servers.len() == 1).await;
    server.send(Up::Goodbye(pb::Goodbye::default())).await;
    stack.servers_are(<[_]>::is_empty).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_hello_with_bad_fields_is_refused_by_name() {
    let stack = Stack::start().await;
    let bad = pb::Hello { port: 0, capacity: 0, connect_scheme: "http".to_owned(), ..hello("") };
    let refused = refusal(Agent::try_start(&stack, bad).await.map(|_| ()));
    let fields: Vec<_> = refused.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["hello.server_id", "hello.port", "hello.connect_scheme", "hello.capacity"]);
    stack.stop().await;
}

#[tokio::test]
async fn a_server_without_an_agent_registers_and_hosts() {
    let stack = Stack::start().await;
    let request = pb::RegisterServerRequest {
        server_id: "plain".to_owned(),
        host: "10.0.0.9".to_owned(),
        port: 7001,
        land_type: "demo".to_owned(),
        connect_host: "play.example".to_owned(),
        connect_port: 443,
        capacity: 1,
        ..Default::default()
    };
    let pace = stack.provisioning().register_server(request.clone()).await.unwrap().into_inner();
    assert_eq!((pace.heartbeat_interval_ms, pace.expiry_ms), (30_000, 90_000));
    let id = stack.enqueue("demo", &["a"]).await;
    let assignment = stack.assignment(&id).await;
    assert!(
        assignment.connect_url.starts_with("wss://play.example/game/demo?landId=demo:"),
        "{assignment:?}"
    );

    let gone = pb::DeregisterServerRequest { server_id: "plain".to_owned() };
    for removed in [true, false] {
        let answer = stack.provisioning().deregister_server(gone.clone()).await.unwrap();
        assert_eq!(answer.into_inner().removed, removed);
    }
    let bad = pb::RegisterServerRequest { host: "http://x".to_owned(), ..request };
    let refused = refusal(stack.provisioning().register_server(bad).await);
    assert_eq!(refused.fields[0].field, "host");
    stack.stop().await;
}

#[tokio::test]
async fn services_allocate_once_per_id_and_release() {
    let stack = Stack::start().await;
    let request = pb::AllocateRequest {
        allocation_id: "a-1".to_owned(),
        queue_key: "demo:2".to_owned(),
        group_id: "g".to_owned(),
        group_size: 2,
        ..Default::default()
    };
    let refused = refusal(stack.provisioning().allocate(request.clone()).await);
    assert_eq!((refused.reason, refused.reason.retryable()), (Reason::NoServerAvailable, true));

    let server = Agent::start(&stack, hello("s-1")).await.make_all_lands();
    stack.servers_are(|servers| servers.len() == 1).await;
    let first = stack.provisioning().allocate(request.clone()).await.unwrap().into_inner();
    let again = stack.provisioning().allocate(request).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(stack.servers().await[0].lands_used, 1);
    let release = pb::ReleaseRequest { land_id: first.land_id };
    for released in [true, false] {
        let answer = stack.provisioning().release(release.clone()).await.unwrap();
        assert_eq!(answer.into_inner().released, released);
    }
    stack.stop().await;
    server.abort();
}
