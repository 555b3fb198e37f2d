//! Lands that services ask for directly: once per id, within the call's deadline, one or many at a time.

mod again;
mod wishes;

use std::time::Duration;

use control_plane::Config;
use proto::{
    error::{Reason, Refusal},
    provisioning::v1::{self as pb, allocate_outcome::Outcome, connect_response::Message as Down},
};
use tonic::{Request, Response, Status};

use crate::{
    agent::{Agent, hello},
    stack::{Stack, config, refusal},
};

/// An allocation of a land of the type `demo` for two players.
pub(crate) fn request(id: &str) -> pb::AllocateRequest {
    pb::AllocateRequest {
        allocation_id: id.to_owned(),
        queue_key: "demo:2".to_owned(),
        group_id: "g".to_owned(),
        group_size: 2,
        ..Default::default()
    }
}

pub(crate) fn batch(requests: Vec<pb::AllocateRequest>) -> pb::AllocateBatchRequest {
    pb::AllocateBatchRequest { requests }
}

fn fields<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> Vec<String> {
    let Refusal { reason, fields, .. } = refusal(answer);
    assert_eq!(reason, Reason::InvalidRequest);
    fields.into_iter().map(|field| field.field).collect()
}

#[tokio::test]
async fn nothing_of_a_batch_is_done_before_all_of_it_is_sound() {
    let stack = Stack::start().await;
    let mut server = Agent::start(&stack, hello("s-1")).await;
    stack.servers_are(|servers| servers.len() == 1).await;
    let mut labels = std::collections::HashMap::new();
    labels.insert("x".repeat(200), String::new());
    let selector = pb::ServerSelector { labels, ..Default::default() };
    let odd = pb::AllocateRequest {
        group_size: 0,
        selectors: vec![selector, pb::ServerSelector { r#use: 7, ..Default::default() }],
        policy: 9,
        prefer_server_id: "\n".to_owned(),
        ..request("a")
    };
    let known = fields(stack.provisioning().allocate_batch(batch(vec![request("a"), odd])).await);
    let expected = [
        "requests[1].allocation_id".to_owned(),
        "requests[1].prefer_server_id".to_owned(),
        "requests[1].group_size".to_owned(),
        "requests[1].policy".to_owned(),
        format!("requests[1].selectors[0].labels.{}", "x".repeat(32)),
        "requests[1].selectors[1].use".to_owned(),
    ];
    assert_eq!(known, expected);
    for wrong in [Vec::new(), (0..101).map(|n| request(&n.to_string())).collect()] {
        assert_eq!(fields(stack.provisioning().allocate_batch(batch(wrong)).await), ["requests"]);
    }
    assert!(server.is_left_alone().await, "nothing was asked for");
    stack.stop().await;
}

#[tokio::test]
async fn each_allocation_of_a_batch_stands_for_itself() {
    let stack = Stack::start().await;
    // Two lands fit, and one of what is asked for isn't hosted anywhere.
    let server = Agent::start(&stack, hello("s-1")).await.make_all_lands();
    stack.servers_are(|servers| servers.len() == 1).await;
    let elsewhere = pb::AllocateRequest { land_type: "chess".to_owned(), ..request("b") };
    let asked = batch(vec![request("a"), elsewhere, request("c")]);
    let answered = stack.provisioning().allocate_batch(asked.clone()).await.unwrap().into_inner();
    let [Some(Outcome::Allocated(a)), Some(Outcome::Refused(b)), Some(Outcome::Allocated(c))] =
        &*answered.outcomes.iter().map(|outcome| outcome.outcome.clone()).collect::<Vec<_>>()
    else {
        panic!("{answered:?}")
    };
    assert_ne!(a.land_id, c.land_id);
    assert_eq!((&*b.reason, b.retry_after_ms), ("NO_SERVER_AVAILABLE", 1_000));
    assert!(b.message.contains("chess"), "{b:?}");

    let again = stack.provisioning().allocate_batch(asked).await.unwrap().into_inner();
    assert_eq!(again, answered, "it can be repeated");
    let alone = stack.provisioning().allocate(request("c")).await.unwrap().into_inner();
    assert_eq!(alone, *c, "also one by one");
    let other = pb::AllocateRequest { group_id: "h".to_owned(), ..request("a") };
    let answered = stack.provisioning().allocate_batch(batch(vec![other])).await.unwrap().into_inner();
    let Some(Outcome::Refused(refused)) = &answered.outcomes[0].outcome else { panic!("{answered:?}") };
    assert_eq!((&*refused.reason, refused.retry_after_ms), ("INVALID_REQUEST", 0));
    assert_eq!(stack.servers().await[0].lands_used, 2);
    stack.stop().await;
    server.abort();
}

#[tokio::test]
async fn a_batch_is_made_side_by_side() {
    const ALL: u32 = 100;
    let stack = Stack::start().await;
    let mut server = Agent::start(&stack, pb::Hello { capacity: ALL, ..hello("s-1") }).await;
    stack.servers_are(|servers| servers.len() == 1).await;
    let asked = batch((0..ALL).map(|n| request(&n.to_string())).collect());
    let mut client = stack.provisioning();
    let answered = tokio::spawn(async move { client.allocate_batch(asked).await.unwrap().into_inner() });
    // Several are asked for before the first is answered.
    let orders = [server.order().await, server.order().await, server.order().await];
    for order in orders {
        server.answer(&order, pb::land_answer::Outcome::Ready(pb::LandReady {})).await;
    }
    let making = server.make_all_lands();
    let outcomes = answered.await.unwrap().outcomes;
    let made = |outcome: &pb::AllocateOutcome| matches!(outcome.outcome, Some(Outcome::Allocated(_)));
    assert!(outcomes.len() == 100 && outcomes.iter().all(made));
    stack.stop().await;
    making.abort();
}

#[tokio::test]
async fn at_the_deadline_of_a_call_nothing_stays_reserved() {
    let config = Config { land_answer_timeout: Duration::from_secs(60), ..config() };
    let stack = Stack::with(config, &[]).await;
    let mut silent = Agent::start(&stack, hello("s-1")).await;
    stack.servers_are(|servers| servers.len() == 1).await;
    let within = |message| {
        let mut request = Request::new(message);
        request.set_timeout(Duration::from_secs(2));
        request
    };
    let refused = refusal(stack.provisioning().allocate(within(request("a"))).await);
    assert_eq!(refused.reason, Reason::DeadlineExceeded);
    // Ours, not the transport's: it came in time.
    assert!(refused.message.contains("nothing is left reserved"), "{}", refused.message);
    let order = silent.order().await;
    let Some(Down::ReleaseLand(release)) = silent.command().await else { panic!("it was not given back") };
    assert_eq!(release.land_id, order.land_id);
    stack.servers_are(|servers| servers[0].lands_used == 0).await;

    let mut asked = Request::new(batch(vec![request("a"), request("b")]));
    asked.set_timeout(Duration::from_secs(2));
    let answered = stack.provisioning().allocate_batch(asked).await.unwrap().into_inner();
    for outcome in answered.outcomes {
        let Some(Outcome::Refused(refused)) = outcome.outcome else { panic!("{outcome:?}") };
        assert_eq!(refused.reason, "DEADLINE_EXCEEDED");
    }
    stack.servers_are(|servers| servers[0].lands_used == 0).await;
    let willing = silent.make_all_lands();
    stack.provisioning().allocate(request("a")).await.unwrap();
    stack.stop().await;
    willing.abort();
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_reserved() {
    let stack = Stack::start().await;
    let mut silent = Agent::start(&stack, hello("s-1")).await;
    stack.servers_are(|servers| servers.len() == 1).await;
    let mut client = stack.provisioning();
    let call = tokio::spawn(async move { client.allocate(request("a")).await });
    let order = silent.order().await;
    call.abort();
    let Some(Down::ReleaseLand(release)) = silent.command().await else { panic!("it was not given back") };
    assert_eq!(release.land_id, order.land_id);
    stack.servers_are(|servers| servers[0].lands_used == 0).await;
    stack.stop().await;
}
