//! Several replicas of one control plane, on a Redis of the test's own.

use std::{sync::Arc, time::Duration};

use control_plane::{Config, Role, State};
use proto::{
    error::Reason,
    matchmaking::v1::{ListQueuesRequest, TicketStatus},
    provisioning::v1::{self as pb, connect_response::Message as Down, land_answer::Outcome},
};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    agent::{Agent, hello},
    redis_server::Server as RedisServer,
    stack::{PATIENCE, Stack, config, keys, refusal},
};

/// Where the replicas of one test keep what they share.
pub(crate) struct Shared {
    redis: RedisServer,
    /// They sign with the same keys.
    keys: tempfile::TempDir,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self { redis: RedisServer::start(), keys: keys() }
    }

    pub(crate) fn config(&self, role: Role) -> Config {
        let config = config();
        Config {
            matchmaking_role: role,
            state: State::Redis,
            keys_dir: self.keys.path().join("keys"),
            queue_lease: Duration::from_secs(2),
            heartbeat_expiry: Duration::from_secs(2),
            redis: control_plane::Redis { redis_url: Some(self.redis_url()), ..config.redis },
            ..config
        }
    }

    /// Where the directory of their keys is.
    pub(crate) fn keys(&self) -> &std::path::Path {
        self.keys.path()
    }

    pub(crate) fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.redis.port)
    }

    pub(crate) async fn replica(&self, role: Role) -> Stack {
        Stack::with_own_keys(self.config(role), &[]).await
    }
}

#[tokio::test]
async fn a_worker_uses_servers_whose_agents_speak_to_others() {
    let shared = Shared::new();
    let (api, worker) = (shared.replica(Role::Api).await, shared.replica(Role::QueueWorker).await);
    let mut agent = Agent::start(&api, hello("s-1")).await;
    let tickets = [api.enqueue("demo", &["a"]).await, api.enqueue("demo", &["b"]).await];
    let lands = [agent.make_land().await.land_id, agent.make_land().await.land_id];
    for ticket in &tickets {
        let assignment = api.assignment(ticket).await;
        assert_eq!(assignment.server_id, "s-1");
        assert!(lands.contains(&assignment.land_id), "{lands:?} {}", assignment.land_id);
    }
    let [server] = &*api.servers().await else { panic!("one server") };
    assert_eq!(server.lands_used, 2);

    // It is full, whoever asks.
    let third = api.enqueue("demo", &["c"]).await;
    assert!(agent.is_left_alone().await);
    assert_eq!(api.ticket(&third).await.status(), TicketStatus::Queued);
    agent.beat(&[&lands[0]]).await;
    agent.make_land().await;
    assert_eq!(api.assignment(&third).await.server_id, "s-1");
    worker.stop().await;
    api.stop().await;
}

#[tokio::test]
async fn no_land_more_than_fits_however_many_ask() {
    const FIT: u32 = 5;
    let shared = Shared::new();
    let (one, two) = (shared.replica(Role::All).await, shared.replica(Role::All).await);
    let three = shared.replica(Role::Api).await;
    let agent =
        Agent::start(&three, pb::Hello { capacity: FIT, instance_id: "i-1".to_owned(), ..hello("s-1") })
            .await;
    let making = agent.make_all_lands();
    let mut tickets = Vec::new();
    for queue in 0..8 {
        for (n, replica) in [&one, &two, &three, &one, &two].into_iter().enumerate() {
            tickets.push(replica.enqueue(&format!("demo:1@{queue}"), &[&format!("p-{queue}-{n}")]).await);
        }
    }
    let full = |servers: &[pb::Server]| servers.len() == 1 && servers[0].lands_used == FIT;
    for replica in [&one, &two, &three] {
        replica.servers_are(full).await;
    }
    let mut assigned = 0;
    for ticket in &tickets {
        assigned += u32::from(two.ticket(ticket).await.status() == TicketStatus::Assigned);
    }
    assert!(assigned <= FIT, "{assigned} matches on {FIT} places");
    for replica in [one, two, three] {
        replica.stop().await;
    }
    making.await.unwrap();
}

#[tokio::test]
async fn each_role_does_its_own_work_and_no_other() {
    let shared = Shared::new();
    let api = shared.replica(Role::Api).await;
    let agent = Agent::start(&api, hello("s-1")).await.make_all_lands();
    let ticket = api.enqueue("demo", &["a"]).await;
    let worker = shared.replica(Role::QueueWorker).await;
    assert_eq!(api.assignment(&ticket).await.server_id, "s-1", "no match before there was a worker");

    let refused = worker.matchmaking().list_queues(ListQueuesRequest {}).await;
    assert_eq!(refusal(refused).reason, Reason::Unavailable);
    let refused = worker.provisioning().list_servers(pb::ListServersRequest::default()).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    for (service, expected) in
        [("", ServingStatus::Serving), ("muster.matchmaking.v1.Matchmaking", ServingStatus::NotServing)]
    {
        let request = HealthCheckRequest { service: service.to_owned() };
        let health = HealthClient::new(worker.channel.clone()).check(request).await.unwrap();
        assert_eq!(health.into_inner().status(), expected, "`{service}`");
    }
    worker.stop().await;
    api.stop().await;
    agent.await.unwrap();
}

#[tokio::test]
async fn a_server_moves_with_its_agent() {
    let shared = Shared::new();
    let (one, two) = (shared.replica(Role::All).await, shared.replica(Role::All).await);
    let older = pb::Hello { instance_id: "i-1".to_owned(), ..hello("s-1") };
    let newer = pb::Hello { instance_id: "i-2".to_owned(), ..hello("s-1") };
    let mut first = Agent::start(&one, older.clone()).await;
    let mut second = Agent::start(&two, newer).await;
    let superseded = first.command().await;
    assert!(
        matches!(&superseded, Some(Down::Superseded(by)) if by.by_instance_id == "i-2"),
        "{superseded:?}"
    );
    let refused = Agent::try_start(&one, older).await.err().unwrap();
    assert_eq!(refused.code(), Code::AlreadyExists, "{refused:?}");

    let ticket = one.enqueue("demo", &["a"]).await;
    second.make_land().await;
    assert_eq!(one.assignment(&ticket).await.server_id, "s-1");
    for replica in [&one, &two] {
        let servers = replica.servers().await;
        assert_eq!(servers.len(), 1, "{servers:?}");
        assert_eq!((&*servers[0].instance_id, servers[0].lands.len()), ("i-2", 1));
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_refused_land_is_made_on_the_next_server_wherever_that_is() {
    let shared = Shared::new();
    let (one, two) = (shared.replica(Role::Api).await, shared.replica(Role::All).await);
    let mut refusing = Agent::start(&one, hello("s-1")).await;
    let mut making = Agent::start(&two, hello("s-2")).await;
    let ticket = one.enqueue("demo", &["a"]).await;
    let refuse = async {
        let order = refusing.order().await;
        refusing.answer(&order, Outcome::Refused(pb::LandRefused { reason: "no".to_owned() })).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = making.make_land() => {}
        () = refuse => {}
    }
    assert_eq!(one.assignment(&ticket).await.server_id, "s-2");
    two.servers_are(|servers| {
        servers.iter().all(|server| server.lands_used == u32::from(server.server_id == "s-2"))
    })
    .await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn any_replica_knows_every_server_and_ends_any_land() {
    let shared = Shared::new();
    let (one, two) = (shared.replica(Role::All).await, shared.replica(Role::All).await);
    let mut agent = Agent::start(&one, hello("s-1")).await;
    let ticket = two.enqueue("demo", &["a"]).await;
    let order = agent.make_land().await;
    two.assignment(&ticket).await;
    let servers = two.servers_are(|servers| servers.len() == 1 && servers[0].lands.len() == 1).await;
    assert_eq!(servers[0].lands[0].land_id, order.land_id);

    let release = |land: &str| pb::ReleaseRequest { land_id: land.to_owned() };
    let released = two.provisioning().release(release(&order.land_id)).await.unwrap();
    assert!(released.into_inner().released);
    let command = agent.command().await;
    assert!(
        matches!(&command, Some(Down::ReleaseLand(land)) if land.land_id == order.land_id),
        "{command:?}"
    );
    let released = two.provisioning().release(release(&order.land_id)).await.unwrap();
    assert!(!released.into_inner().released);
    one.stop().await;
    two.stop().await;
}

/// A server without an agent, with one place.
fn plain(server: &str) -> pb::RegisterServerRequest {
    pb::RegisterServerRequest {
        server_id: server.to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 7001,
        land_type: "hero-defense".to_owned(),
        capacity: 1,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_server_without_an_agent_is_one_whoever_it_speaks_to() {
    let shared = Shared::new();
    let (one, two) = (shared.replica(Role::All).await, shared.replica(Role::All).await);
    let register = |replica: &Stack| {
        let mut client = replica.provisioning();
        async move { client.register_server(plain("s-1")).await }
    };
    register(&one).await.unwrap();
    let ticket = two.enqueue("hero-defense", &["a"]).await;
    assert_eq!(two.assignment(&ticket).await.server_id, "s-1");
    // Its one place is taken, whichever replica it tells that it is there.
    register(&two).await.unwrap();
    let second = two.enqueue("hero-defense", &["b"]).await;
    for replica in [&one, &two] {
        replica.servers_are(|servers| servers.len() == 1 && servers[0].lands_used == 1).await;
    }
    assert_eq!(one.ticket(&second).await.status(), TicketStatus::Queued);

    let gone = pb::DeregisterServerRequest { server_id: "s-1".to_owned() };
    assert!(two.provisioning().deregister_server(gone.clone()).await.unwrap().into_inner().removed);
    assert!(!two.provisioning().deregister_server(gone).await.unwrap().into_inner().removed);
    one.servers_are(<[_]>::is_empty).await;
    two.servers_are(<[_]>::is_empty).await;
    register(&two).await.unwrap();
    assert_eq!(one.assignment(&second).await.server_id, "s-1");
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn the_servers_of_a_replica_that_stops_are_not_asked_and_come_back_elsewhere() {
    let shared = Shared::new();
    let (one, two) = (shared.replica(Role::Api).await, shared.replica(Role::All).await);
    let hello = hello("s-1");
    let agent = Agent::start(&one, hello.clone()).await;
    two.servers_are(|servers| servers.len() == 1).await;
    one.stop().await;
    two.servers_are(<[_]>::is_empty).await;
    drop(agent);
    let ticket = two.enqueue("demo", &["a"]).await;
    let mut again = Agent::start(&two, hello).await;
    again.make_land().await;
    assert_eq!(two.assignment(&ticket).await.server_id, "s-1");
    two.stop().await;
}

#[tokio::test]
async fn places_and_queues_are_known_to_every_replica() {
    let shared = Shared::new();
    let replicas = Arc::new([shared.replica(Role::Api).await, shared.replica(Role::All).await]);
    let first = replicas[0].enqueue("demo:3", &["a"]).await;
    let second = replicas[1].enqueue("demo:3", &["b"]).await;
    for replica in &*replicas {
        replica.place_is(&first, 1).await;
        replica.place_is(&second, 2).await;
        let queues =
            replica.matchmaking().list_queues(ListQueuesRequest {}).await.unwrap().into_inner().queues;
        assert_eq!(queues.iter().map(|queue| &*queue.queue_key).collect::<Vec<_>>(), ["demo:3"]);
    }
    let Ok([one, two]) = Arc::try_unwrap(replicas) else { panic!("nobody else has them") };
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn servers_are_shared_again_after_redis_lost_everything() {
    let shared = Shared::new();
    let (one, two) = (shared.replica(Role::Api).await, shared.replica(Role::All).await);
    let newer = pb::Hello { instance_id: "i-2".to_owned(), ..hello("s-1") };
    let agent = Agent::start(&one, newer).await.make_all_lands();
    two.servers_are(|servers| servers.len() == 1).await;
    let redis = |command: &[&str]| {
        let port = shared.redis.port.to_string();
        let output =
            std::process::Command::new("redis-cli").args(["-p", &port]).args(command).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(redis(&["FLUSHALL"]), "OK");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while redis(&["HEXISTS", "muster:{replicas}:held", "s-1"]) != "1" {
        assert!(tokio::time::Instant::now() < deadline, "nobody holds the id again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refused = Agent::try_start(&two, hello("s-1")).await.err().unwrap();
    assert_eq!(refused.code(), Code::AlreadyExists, "an older instance: {refused:?}");
    let ticket = two.enqueue("demo", &["a"]).await;
    assert_eq!(two.assignment(&ticket).await.server_id, "s-1");
    assert!(!agent.is_finished(), "the stream goes on");
    one.stop().await;
    two.stop().await;
}
