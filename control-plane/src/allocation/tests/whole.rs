//! A whole control plane whose lands come from outside: tickets in, assignments out.

use std::{collections::BTreeSet, time::Duration};

use proto::{
    matchmaking::v1::{self as mm, matchmaking_client::MatchmakingClient},
    provisioning::v1::{self as pv, provisioning_client::ProvisioningClient},
};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};

use super::{
    PATIENCE,
    agones_service::{self, AgonesStandIn},
    eventually,
    http_service::{self, HttpStandIn},
};
use crate::{Config, ControlPlane, Sections, State};

/// A control plane of one process.
struct Whole {
    channel: Channel,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    #[expect(dead_code, reason = "it is there for its end")]
    keys: tempfile::TempDir,
}

impl Whole {
    async fn start(allocator: &str, url: &str) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let flags = format!(
            "--allocation {allocator} --allocation-url {url} --allocation-concurrency 1 --allocation-budget 2s --token-algorithm ES256 \
             --keys-dir {}",
            keys.path().join("keys").display()
        );
        let flags: Vec<_> = flags.split_whitespace().collect();
        let config = Config {
            grpc_addr: ([127, 0, 0, 1], 0).into(),
            state: State::Memory,
            ..runtime::config::defaults(&flags)
        };
        let control_plane = ControlPlane::bind(config, Sections::default()).await.unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{}", control_plane.grpc_addr())).unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(control_plane.run(stop.clone()));
        Self { channel: endpoint.connect().await.unwrap(), stop, running, keys }
    }

    fn matchmaking(&self) -> MatchmakingClient<Channel> {
        MatchmakingClient::new(self.channel.clone())
    }

    fn provisioning(&self) -> ProvisioningClient<Channel> {
        ProvisioningClient::new(self.channel.clone())
    }

    async fn enqueue(&self, player: &str) -> mm::Ticket {
        let player = mm::Player { player_id: player.to_owned(), ..mm::Player::default() };
        let request = mm::EnqueueRequest {
            queue_key: "demo".to_owned(),
            players: vec![player],
            ..mm::EnqueueRequest::default()
        };
        let id = self.matchmaking().enqueue(request).await.unwrap().into_inner().ticket_id;
        self.ticket(&id, 0).await
    }

    async fn ticket(&self, id: &str, wait_ms: u32) -> mm::Ticket {
        let request = mm::GetTicketRequest { ticket_id: id.to_owned(), wait_ms };
        self.matchmaking().get_ticket(request).await.unwrap().into_inner().ticket.unwrap()
    }

    async fn assignment(&self, ticket: &mm::Ticket) -> mm::Assignment {
        let ended = self.ticket(&ticket.ticket_id, 20_000).await;
        assert_eq!(ended.enqueued_at_unix_ms, ticket.enqueued_at_unix_ms, "its age is kept");
        ended.assignment.expect("it is assigned")
    }

    /// Waits until the queue says why its matches wait.
    async fn held_up_by(&self, expected: &str) {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let request = mm::ListQueuesRequest {};
                let queues = self.matchmaking().list_queues(request).await.unwrap().into_inner().queues;
                if queues.iter().any(|queue| queue.held_up_by == expected) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(waited.await.is_ok(), "the queue never said: {expected}");
    }

    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn tickets_wait_while_the_service_refuses_and_keep_their_age_until_it_does_not() {
    let service = HttpStandIn::start(None).await;
    let no = json!({ "code": "NO_SERVER_AVAILABLE", "message": "secret", "retryable": true });
    service.always(http_service::Mood::Answers(503, "", no.to_string()));
    let whole = Whole::start("http", &service.url).await;
    // Our own servers are shown, and get nothing.
    let own = pv::RegisterServerRequest {
        server_id: "own".to_owned(),
        host: "own".to_owned(),
        port: 7_001,
        land_type: "demo".to_owned(),
        ..pv::RegisterServerRequest::default()
    };
    whole.provisioning().register_server(own).await.unwrap();
    let tickets = [whole.enqueue("ann").await, whole.enqueue("ben").await];
    whole.held_up_by("the allocation service has no server for `demo`").await;
    service.always(http_service::Mood::Answers(500, "", "{}".to_owned()));
    whole.held_up_by("the allocation service answered with the status 500").await;
    for (ticket, position) in tickets.iter().zip(1..) {
        let ticket = whole.ticket(&ticket.ticket_id, 0).await;
        let place = ticket.place.as_ref().expect("it waits");
        assert_eq!((ticket.status(), place.position), (mm::TicketStatus::Queued, position));
    }
    service.always(http_service::Mood::Good);
    let mut lands = BTreeSet::new();
    for ticket in &tickets {
        let assignment = whole.assignment(ticket).await;
        let url = format!("ws://stand-in:7000/game/demo?landId={}", assignment.land_id);
        assert_eq!((assignment.connect_url, assignment.server_id.as_str()), (url, "stand-in"));
        lands.insert(assignment.land_id);
    }
    let servers = whole.provisioning().list_servers(pv::ListServersRequest::default()).await.unwrap();
    let servers = servers.into_inner().servers;
    assert!(servers.len() == 1 && servers[0].lands.is_empty(), "{servers:?}");
    whole.stop().await;
    assert_eq!((service.lands(), lands.len()), (lands.clone(), 2));
}

#[tokio::test]
async fn a_land_that_ends_early_ends_its_assignment() {
    let service = HttpStandIn::start(None).await;
    let expires_at = jiff::Timestamp::now() + Duration::from_secs(60);
    let land = json!({
        "serverId": "s", "landId": "demo:x", "connectUrl": "wss://s/", "expiresAt": expires_at.to_string(),
    });
    service.once(http_service::Mood::Instead(land.to_string()));
    let whole = Whole::start("http", &service.url).await;
    let assignment = whole.assignment(&whole.enqueue("ann").await).await;
    assert_eq!(i64::try_from(assignment.expires_at_unix_ms).unwrap(), expires_at.as_millisecond());
    whole.stop().await;
}

#[tokio::test]
async fn services_get_lands_from_outside_as_well() {
    let service = HttpStandIn::start(None).await;
    let hints = json!({
        "serverId": "s", "landId": "demo:x", "connectUrl": "wss://s/", "assignmentHints": { "map": "reef" },
    });
    service.once(http_service::Mood::Instead(hints.to_string()));
    let whole = Whole::start("http", &service.url).await;
    let request = pv::AllocateRequest {
        allocation_id: "a-1".to_owned(),
        queue_key: "demo".to_owned(),
        group_id: "g".to_owned(),
        group_size: 3,
        ..pv::AllocateRequest::default()
    };
    let first = whole.provisioning().allocate(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.land_id.as_str(), first.connect_url.as_str()), ("demo:x", "wss://s/"));
    assert_eq!(first.assignment_hints_json, r#"{"map":"reef"}"#);
    let again = whole.provisioning().allocate(request).await.unwrap().into_inner();
    assert_eq!(again, first, "the same call is the same land");
    assert_eq!(service.made(), 1);
    whole.stop().await;
}

#[tokio::test]
async fn tickets_wait_for_a_game_server_of_agones() {
    let service = AgonesStandIn::start(None).await;
    let whole = Whole::start("agones", &service.url).await;
    let tickets = [whole.enqueue("ann").await, whole.enqueue("ben").await];
    whole.held_up_by("the allocation service has no game server for `demo`").await;
    service.always(Some(agones_service::Mood::Refuses(Status::unavailable("secret"))));
    whole.held_up_by("the allocation service can't be reached").await;
    service.game_server("arena-0", &[]);
    service.game_server("arena-1", &[]);
    service.always(None);
    let mut servers = BTreeSet::new();
    for ticket in &tickets {
        let assignment = whole.assignment(ticket).await;
        servers.insert(assignment.server_id);
        let url = format!("ws://192.0.2.1:7000/game/demo?landId={}", assignment.land_id);
        assert_eq!(assignment.connect_url, url);
    }
    assert_eq!(servers, ["arena-0", "arena-1"].map(str::to_owned).into());
    let lands = service.taken();
    assert!(lands.iter().all(|server| server.annotations["muster.dev/land-id"].starts_with("demo:")));
    whole.stop().await;
}

#[tokio::test]
async fn a_silent_service_keeps_no_program_from_its_end() {
    let service = HttpStandIn::start(None).await;
    service.always(http_service::Mood::Late(PATIENCE));
    let whole = Whole::start("http", &service.url).await;
    whole.enqueue("ann").await;
    eventually("a land is made", || service.made() == 1).await;
    whole.stop().await;
    assert_eq!(service.lands().len(), 0, "what nobody heard of was given back");
}
