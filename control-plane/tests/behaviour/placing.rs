//! Which server a match is placed on, over gRPC.

use std::time::Duration;

use control_plane::{AllocationEntry, Config, QueueEntry, Role, SelectorEntry};
use proto::{
    matchmaking::v1::{self as mm, ListQueuesRequest, TicketStatus},
    provisioning::v1::{
        self as pb, connect_request::Message as Up, connect_response::Message as Down, land_answer::Outcome,
    },
};

use crate::{
    agent::{Agent, hello},
    replicas::Shared,
    stack::{PATIENCE, Stack, config, keys, request},
};

/// A queue of the land type `demo`, whose matches start alone.
fn queue(allocation: AllocationEntry) -> QueueEntry {
    QueueEntry { land_type: Some("demo".to_owned()), allocation: Some(allocation), ..QueueEntry::default() }
}

fn selector(label: (&str, &str)) -> SelectorEntry {
    let labels = [(label.0.to_owned(), label.1.to_owned())].into();
    SelectorEntry { labels, ..SelectorEntry::default() }
}

fn labelled(server: &str, label: (&str, &str)) -> pb::Hello {
    pb::Hello { labels: [(label.0.to_owned(), label.1.to_owned())].into(), ..hello(server) }
}

/// Waits until the queue says that it is held up like this.
async fn held_up(stack: &Stack, part: &str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let queues = stack.matchmaking().list_queues(ListQueuesRequest {}).await.unwrap().into_inner().queues;
        if queues.iter().any(|queue| queue.held_up_by.contains(part)) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "no queue is held up by {part:?}: {queues:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_queue_says_which_servers_it_wants_and_how_they_are_filled() {
    let packed = AllocationEntry { policy: Some("packed".to_owned()), selectors: Vec::new() };
    let ranked = AllocationEntry {
        policy: None,
        selectors: vec![selector(("pool", "new")), selector(("pool", "ranked"))],
    };
    let stack = Stack::with(config(), &[("packed", queue(packed)), ("ranked", queue(ranked))]).await;
    let servers = [
        Agent::start(&stack, hello("s-1")).await.make_all_lands(),
        Agent::start(&stack, hello("s-2")).await.make_all_lands(),
        Agent::start(&stack, labelled("s-3", ("pool", "ranked"))).await.make_all_lands(),
    ];
    stack.servers_are(|servers| servers.len() == 3).await;
    let server_of = async |queue: &str, player: &str| {
        let ticket = stack.enqueue(queue, &[player]).await;
        stack.assignment(&ticket).await.server_id
    };
    for (player, expected) in [("a", "s-1"), ("b", "s-1"), ("c", "s-2")] {
        assert_eq!(server_of("packed", player).await, expected);
    }
    assert_eq!(server_of("ranked", "d").await, "s-3");
    assert_eq!(server_of("ranked", "e").await, "s-3");

    // The only one that it wants is full; one of the kind that it wants more comes.
    let waiting = stack.enqueue("ranked", &["f"]).await;
    held_up(&stack, "none of them fits the selectors").await;
    assert_eq!(stack.ticket(&waiting).await.status(), TicketStatus::Queued);
    let new = Agent::start(&stack, labelled("s-4", ("pool", "new"))).await.make_all_lands();
    assert_eq!(stack.assignment(&waiting).await.server_id, "s-4");
    stack.stop().await;
    for server in servers.into_iter().chain([new]) {
        server.abort();
    }
}

#[tokio::test]
async fn players_play_where_it_is_best_for_the_one_who_is_worst_off() {
    let stack = Stack::start().await;
    let there = |server: &str, region: &str| pb::Hello { region: region.to_owned(), ..hello(server) };
    let servers = [
        Agent::start(&stack, there("s-1", "us")).await.make_all_lands(),
        Agent::start(&stack, there("s-2", "eu")).await.make_all_lands(),
    ];
    stack.servers_are(|servers| servers.len() == 2).await;
    let mut wanted = request("demo:2", &["a", "b"]);
    for (player, us, eu) in [(0, 10, 60), (1, 140, 80)] {
        wanted.players[player].latencies = [("us".to_owned(), us), ("eu".to_owned(), eu)].into();
    }
    let ticket = stack.matchmaking().enqueue(wanted.clone()).await.unwrap().into_inner().ticket_id;
    assert_eq!(stack.assignment(&ticket).await.server_id, "s-2", "us has 140 ms for one of them");

    // A region that was asked for is no guess.
    let wish = mm::EnqueueRequest { region: "us".to_owned(), players: renamed(&wanted), ..wanted };
    let ticket = stack.matchmaking().enqueue(wish).await.unwrap().into_inner().ticket_id;
    assert_eq!(stack.assignment(&ticket).await.server_id, "s-1");
    stack.stop().await;
    servers.into_iter().for_each(|server| server.abort());
}

/// The same players under other names.
fn renamed(request: &mm::EnqueueRequest) -> Vec<mm::Player> {
    let again =
        |player: &mm::Player| mm::Player { player_id: format!("{}-2", player.player_id), ..player.clone() };
    request.players.iter().map(again).collect()
}

#[tokio::test]
async fn a_server_that_makes_nothing_is_no_black_hole() {
    let stack = Stack::start().await;
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&asked);
    // All of its places are free at all times, and so it would always come first.
    let large = pb::Hello { capacity: 100, ..hello("s-1") };
    let unwilling = Agent::start(&stack, large).await.make_lands(move |_| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        false
    });
    let willing = Agent::start(&stack, pb::Hello { capacity: 50, ..hello("s-2") }).await.make_all_lands();
    stack.servers_are(|servers| servers.len() == 2).await;
    for player in 0..50 {
        let ticket = stack.enqueue("demo", &[&format!("p-{player}")]).await;
        assert_eq!(stack.assignment(&ticket).await.server_id, "s-2");
    }
    let asked = asked.load(std::sync::atomic::Ordering::Relaxed);
    assert!((1..15).contains(&asked), "asked {asked} times for 50 matches");
    let servers = stack.servers().await;
    assert!(servers[0].avoided_until_unix_ms > 0 && servers[1].avoided_until_unix_ms == 0, "{servers:?}");
    stack.stop().await;
    [unwilling, willing].into_iter().for_each(|server| server.abort());
}

#[tokio::test]
async fn a_match_asks_no_more_servers_than_it_may() {
    let config = Config { allocation_tries: 2, land_answer_timeout: PATIENCE, ..config() };
    let stack = Stack::with(config, &[]).await;
    let mut servers = Vec::new();
    for server in ["s-1", "s-2", "s-3"] {
        servers.push(Agent::start(&stack, hello(server)).await);
    }
    stack.servers_are(|servers| servers.len() == 3).await;
    let ticket = stack.enqueue("demo", &["a"]).await;
    servers[0].refuse_land("no mood").await;
    servers[1].refuse_land("no mood either").await;
    // Then its queue pauses, and the next to be asked is the one that has not failed.
    let order = servers[2].order().await;
    held_up(&stack, "2 servers were asked").await;
    servers[2].answer(&order, Outcome::Ready(pb::LandReady {})).await;
    assert_eq!(stack.assignment(&ticket).await.server_id, "s-3");
    stack.stop().await;
}

#[tokio::test]
async fn seats_are_kept_for_players_until_they_come_or_are_given_up() {
    let config = Config { no_show_after: Duration::from_millis(1_500), ..config() };
    let stack = Stack::with(config, &[]).await;
    let mut server = Agent::start(&stack, pb::Hello { player_capacity: 3, ..hello("s-1") }).await;
    let first = stack.enqueue("demo:2", &["a", "b"]).await;
    let land = server.make_land().await.land_id;
    stack.assignment(&first).await;
    let second = stack.enqueue("demo:2", &["c", "d"]).await;
    held_up(&stack, "2 free seats").await;
    let [shown] = &*stack.servers().await else { panic!("one server") };
    assert_eq!((shown.player_capacity, shown.seats_reserved, shown.players), (3, 2, 0));

    let beat = |sequence, players: &[&str]| {
        let player_ids = players.iter().map(|player| (*player).to_owned()).collect();
        let lands = vec![pb::Land { land_id: land.clone(), player_ids, ..Default::default() }];
        let health = pb::Health::Healthy.into();
        Up::Heartbeat(pb::Heartbeat { sequence, health, lands, ..Default::default() })
    };
    server.send(beat(1, &["a"])).await;
    stack.servers_are(|servers| (servers[0].seats_reserved, servers[0].players) == (1, 1)).await;
    let Some(Down::SeatsFreed(freed)) = server.command().await else { panic!("no seats were freed") };
    assert_eq!((freed.land_id, freed.player_ids), (land.clone(), vec!["b".to_owned()]));
    server.make_land().await;
    stack.assignment(&second).await;
    stack.stop().await;
}

#[tokio::test]
async fn an_agent_brings_the_seats_that_are_kept_to_a_control_plane_that_knows_nothing() {
    let config = Config { no_show_after: Duration::from_millis(1_500), ..config() };
    let stack = Stack::with(config, &[]).await;
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let land_id = format!("demo:{}", uuid::Uuid::now_v7());
    let land = pb::Land { land_id, player_ids: ids(&["a"]), awaited_player_ids: ids(&["b", "c"]) };
    let hello = pb::Hello { player_capacity: 4, lands: vec![land.clone()], ..hello("s-1") };
    let mut server = Agent::start(&stack, hello).await;
    let ticket = stack.enqueue("demo:2", &["d", "e"]).await;
    held_up(&stack, "2 free seats").await;
    let [shown] = &*stack.servers().await else { panic!("one server") };
    assert_eq!((shown.seats_reserved, shown.players), (2, 1));
    let Some(Down::SeatsFreed(freed)) = server.command().await else { panic!("no seats were freed") };
    assert_eq!((freed.land_id, freed.player_ids), (land.land_id, land.awaited_player_ids));
    server.make_land().await;
    stack.assignment(&ticket).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_heartbeat_lowers_and_raises_what_a_server_takes() {
    let stack = Stack::start().await;
    let mut server = Agent::start(&stack, hello("s-1")).await;
    let beat = |sequence, capacity| {
        let health = pb::Health::Healthy.into();
        Up::Heartbeat(pb::Heartbeat { sequence, health, capacity: Some(capacity), ..Default::default() })
    };
    server.send(beat(1, 0)).await;
    stack.servers_are(|servers| servers.iter().any(|server| server.capacity == 0)).await;
    let ticket = stack.enqueue("demo", &["a"]).await;
    held_up(&stack, "no server with room").await;
    server.send(beat(2, 1)).await;
    server.make_land().await;
    stack.assignment(&ticket).await;
    stack.stop().await;
}

#[tokio::test]
async fn servers_of_other_replicas_are_picked_by_the_same_wishes() {
    let shared = Shared::new();
    let (api, worker) = (shared.replica(Role::Api).await, {
        let selectors = vec![selector(("pool", "ranked"))];
        let allocation = AllocationEntry { policy: None, selectors };
        let keys = keys();
        let config = Config { keys_dir: keys.path().join("keys"), ..shared.config(Role::QueueWorker) };
        Stack::with_own_keys(config, &[("ranked:2", queue(allocation))]).await.and_keys(keys)
    });
    let mut servers = vec![Agent::start(&api, hello("s-1")).await.make_all_lands()];
    let first = api.enqueue("ranked:2", &["a", "b"]).await;
    // It knows of the one that it doesn't take.
    held_up(&api, "none of them fits the selectors").await;
    let few = pb::Hello { player_capacity: 3, ..labelled("s-2", ("pool", "ranked")) };
    servers.push(Agent::start(&api, few).await.make_all_lands());
    assert_eq!(api.assignment(&first).await.server_id, "s-2");

    let second = api.enqueue("ranked:2", &["c", "d"]).await;
    held_up(&api, "2 free seats").await;
    let [_, shown] = &*api.servers().await else { panic!("two servers") };
    assert_eq!(
        (shown.lands_used, shown.capacity, shown.seats_reserved),
        (1, 2, 2),
        "a place is free, and one seat"
    );
    assert_eq!(api.ticket(&second).await.status(), TicketStatus::Queued);
    api.cancel(&second).await;
    worker.stop().await;
    api.stop().await;
    servers.into_iter().for_each(|server| server.abort());
}
