//! Callers who don't mean well, or are larger than expected.

use std::time::Duration;

use crate::agent::{Agent, hello};
use crate::stack::{PATIENCE, Stack, config, refusal, request};
use control_plane::Config;
use proto::{
    error::Reason,
    matchmaking::v1::{self as mm, attribute_value::Kind, watch_request::Action, watch_response::Event},
    provisioning::v1 as pb,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

#[tokio::test]
async fn a_request_that_is_all_wrong_is_answered_in_a_page() {
    let stack = Stack::start().await;
    let mut bad = request("demo:100", &[]);
    let attribute = |n: usize| {
        let value = mm::AttributeValue { kind: Some(Kind::String("x".repeat(300))) };
        (format!("{n}{}", "\u{7}\u{1F4A9}".repeat(300)), value)
    };
    let player = |n: usize| mm::Player {
        player_id: format!("\u{7}{n}"),
        attributes: (0..10).map(attribute).collect(),
        latencies: [("\n".repeat(1_000), 60_001)].into(),
        ..Default::default()
    };
    bad.players = (0..100).map(player).collect();
    let refused = stack.refused(bad).await;
    assert_eq!(refused.reason, Reason::InvalidRequest, "not what a transport makes of an answer too long");
    assert_eq!(refused.fields[0].field, "players[0].player_id");
    let size: usize = refused.fields.iter().map(|field| field.field.len() + field.message.len()).sum();
    assert!((10..100).contains(&refused.fields.len()) && size < 8 * 1024, "{size} bytes");
    assert!(refused.fields.iter().all(|field| !field.field.chars().any(char::is_control)));
    stack.stop().await;
}

#[tokio::test]
async fn a_queue_whose_land_type_nobody_can_host_is_refused() {
    let stack = Stack::start().await;
    for queue in [":3v3".to_owned(), format!("{}:3v3", "x".repeat(92))] {
        let refused = stack.refused(request(&queue, &["a"])).await;
        assert_eq!((refused.reason, refused.fields[0].field.as_str()), (Reason::InvalidRequest, "queue_key"));
    }
    // The longest that is allowed goes all the way: its land's id is one too.
    let longest = "x".repeat(91);
    let mut server =
        Agent::start(&stack, pb::Hello { land_types: vec![longest.clone()], capacity: 1, ..hello("s-1") })
            .await;
    let id = stack.enqueue(&longest, &["a"]).await;
    let land = server.make_land().await.land_id;
    stack.assignment(&id).await;
    server.beat(&[&land]).await;
    stack
        .servers_are(|servers| servers[0].lands.len() == 1 && servers[0].state() == pb::ServerState::Ready)
        .await;
    let too_long = pb::Hello { land_types: vec!["x".repeat(92)], ..hello("s-2") };
    let refused = refusal(Agent::try_start(&stack, too_long).await.map(|_| ()));
    assert_eq!(refused.fields[0].field, "hello.land_types[0]");
    stack.stop().await;
}

#[tokio::test]
async fn a_subscription_to_a_megabyte_is_refused_in_short() {
    let stack = Stack::start().await;
    let (subscribe, requests) = mpsc::channel(16);
    let mut news = stack.matchmaking().watch(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let action = Action::Subscribe("\u{e9}".repeat(500_000));
    subscribe.send(mm::WatchRequest { action: Some(action) }).await.unwrap();
    let answer = tokio::time::timeout(PATIENCE, news.message()).await.unwrap().unwrap().unwrap();
    assert!(answer.ticket_id.len() <= 128 && answer.ticket_id.starts_with('\u{e9}'));
    assert!(matches!(answer.event, Some(Event::Refused(refused)) if refused.reason == "INVALID_REQUEST"));
    stack.stop().await;
}

#[tokio::test]
async fn a_server_may_hold_as_many_lands_as_it_may_have_capacity() {
    let stack = Stack::start().await;
    let land = |n| pb::Land {
        land_id: format!("demo:{n:0>40}"),
        player_ids: vec![format!("{n:0>40}")],
        ..Default::default()
    };
    let full = pb::Hello { capacity: 100_000, lands: (0..100_000).map(land).collect(), ..hello("s-1") };
    let _server = Agent::start(&stack, full).await;
    let mut listing = stack.provisioning().max_decoding_message_size(64 * 1024 * 1024);
    let servers = listing.list_servers(pb::ListServersRequest::default()).await.unwrap().into_inner().servers;
    assert_eq!((servers[0].lands_used, servers[0].players), (100_000, 100_000));
    stack.stop().await;
}

#[tokio::test]
async fn a_stream_that_says_nothing_does_not_hold_up_the_end() {
    let config = Config { shutdown_timeout: Duration::from_secs(1), ..config() };
    let stack = Stack::with(config, &[]).await;
    let (_silent, requests) = mpsc::channel::<pb::ConnectRequest>(1);
    let _stream = stack.provisioning().connect(ReceiverStream::new(requests)).await.unwrap();
    stack.stop().await;
}
