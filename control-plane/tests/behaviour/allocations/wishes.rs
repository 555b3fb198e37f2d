//! Which server a service gets: what it asks for comes before what its queue says.

use control_plane::QueueEntry;
use proto::{
    error::Reason,
    provisioning::v1::{self as pb, AllocationPolicy, ServerUse},
};

use super::request;
use crate::{
    agent::{Agent, hello},
    stack::{Stack, config, refusal},
};

fn server(id: &str, region: &str, label: &str) -> pb::Hello {
    pb::Hello {
        region: region.to_owned(),
        labels: [("map".to_owned(), label.to_owned())].into(),
        version: format!("v-{label}"),
        capacity: 10,
        ..hello(id)
    }
}

fn on(label: &str) -> pb::ServerSelector {
    pb::ServerSelector { labels: [("map".to_owned(), label.to_owned())].into(), ..Default::default() }
}

#[tokio::test]
async fn a_service_gets_the_server_that_it_asks_for() {
    let table = QueueEntry::default();
    let stack = Stack::with(config(), &[("demo:2", table)]).await;
    let mut servers = Vec::new();
    for (id, region, label) in [("a", "eu", "ice"), ("b", "us", "sand"), ("c", "us", "ice")] {
        servers.push(Agent::start(&stack, server(id, region, label)).await.make_all_lands());
    }
    stack.servers_are(|servers| servers.len() == 3).await;
    let latencies = |eu: f64, us: f64| pb::PlayerLatencies {
        player_id: String::new(),
        ms_by_region: [("eu".to_owned(), eu), ("us".to_owned(), us)].into(),
    };
    let any = || request("");
    let version = |version: &str| pb::ServerSelector { version: version.to_owned(), ..Default::default() };
    let wishes = [
        (pb::AllocateRequest { selectors: vec![on("sand")], ..any() }, "b"),
        (
            pb::AllocateRequest { selectors: vec![on("lava"), on("ice")], region: "us".to_owned(), ..any() },
            "c",
        ),
        (pb::AllocateRequest { selectors: vec![version("v-sand")], ..any() }, "b"),
        (pb::AllocateRequest { prefer_server_id: "c".to_owned(), ..any() }, "c"),
        (
            pb::AllocateRequest {
                latencies: vec![latencies(20.0, 30.4), latencies(90.0, 50.0)],
                selectors: vec![on("ice")],
                ..any()
            },
            "c",
        ),
        (pb::AllocateRequest { latencies: vec![latencies(20.0, 90.0), latencies(30.0, 50.0)], ..any() }, "a"),
        // b has three lands by now, and c too.
        (pb::AllocateRequest { policy: AllocationPolicy::Packed.into(), ..any() }, "c"),
        (pb::AllocateRequest { policy: AllocationPolicy::Spread.into(), ..any() }, "a"),
        (
            pb::AllocateRequest {
                land_type: "hero-defense".to_owned(),
                prefer_server_id: "a".to_owned(),
                ..any()
            },
            "a",
        ),
    ];
    for (number, (wish, expected)) in wishes.into_iter().enumerate() {
        let wish = pb::AllocateRequest { allocation_id: number.to_string(), ..wish };
        let land_type = if wish.land_type.is_empty() { "demo:" } else { "hero-defense:" };
        let land = stack.provisioning().allocate(wish.clone()).await.unwrap().into_inner();
        assert_eq!(land.server_id, expected, "{wish:?}");
        assert!(land.land_id.starts_with(land_type), "{land:?}");
    }
    let empty = pb::ServerSelector { r#use: ServerUse::Empty.into(), ..Default::default() };
    let wish = pb::AllocateRequest { allocation_id: "none".to_owned(), selectors: vec![empty], ..any() };
    let refused = refusal(stack.provisioning().allocate(wish).await);
    assert_eq!(refused.reason, Reason::NoServerAvailable, "none is empty");
    stack.stop().await;
    servers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn what_a_server_without_an_agent_declares_counts() {
    let stack = Stack::start().await;
    let declared = pb::RegisterServerRequest {
        server_id: "plain".to_owned(),
        host: "10.0.0.9".to_owned(),
        port: 7001,
        land_type: "demo".to_owned(),
        region: "eu".to_owned(),
        capacity: 5,
        player_capacity: 3,
        labels: [("map".to_owned(), "ice".to_owned())].into(),
        version: "v-7".to_owned(),
        ..Default::default()
    };
    stack.provisioning().register_server(declared.clone()).await.unwrap();
    let [server] = &*stack.servers().await else { panic!("one server") };
    assert_eq!((server.capacity, server.player_capacity), (5, 3));
    assert_eq!((&*server.region, &*server.version, &*server.labels["map"]), ("eu", "v-7", "ice"));

    let version = |version: &str| pb::ServerSelector { version: version.to_owned(), ..on("ice") };
    let wish = |id: &str, selector| pb::AllocateRequest {
        allocation_id: id.to_owned(),
        selectors: vec![selector],
        ..request("")
    };
    let old = refusal(stack.provisioning().allocate(wish("old", version("v-6"))).await);
    assert_eq!(old.reason, Reason::NoServerAvailable);
    stack.provisioning().allocate(wish("new", version("v-7"))).await.unwrap();
    let full = refusal(stack.provisioning().allocate(wish("more", version("v-7"))).await);
    assert_eq!(full.reason, Reason::NoServerAvailable, "four players on three seats");
    // It comes again, and can hold more by now.
    let grown = pb::RegisterServerRequest { player_capacity: 4, ..declared };
    stack.provisioning().register_server(grown).await.unwrap();
    stack.provisioning().allocate(wish("more", version("v-7"))).await.unwrap();
    stack.stop().await;
}
