//! One session for each player, across gateways and control planes.

#[expect(dead_code, reason = "the tests of the storage need more of it")]
#[path = "../../../control-plane/storage/tests/redis/server.rs"]
mod redis_server;

use std::{net::SocketAddr, path::Path};

use control_plane::ControlPlane;
use edge_gateway::EdgeGateway;
use proto::matchmaking::v1::{
    Session, WatchRequest, WatchResponse, matchmaking_client::MatchmakingClient, watch_request::Action,
    watch_response::Event,
};
use runtime::Tasks;
use serde_json::{Value, json};
use tests::{Client, PATIENCE, Proxy, Socket, Stack, proxy::Fault};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Streaming, transport::Endpoint};

/// Programs that the test starts itself.
#[derive(Default)]
struct Programs {
    stop: CancellationToken,
    running: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Programs {
    /// A gateway at which a player has one session, before this control plane.
    async fn gateway(&mut self, control_plane: SocketAddr) -> Client {
        let mut config = edge_gateway::Config {
            client_addr: ([127, 0, 0, 1], 0).into(),
            internal_addr: ([127, 0, 0, 1], 0).into(),
            control_plane: vec![format!("http://{control_plane}")],
            ..runtime::config::defaults(&[])
        };
        one_session(&mut config);
        let gateway = EdgeGateway::bind(config).await.unwrap();
        let addr = gateway.client_addr();
        self.running.push(tokio::spawn(gateway.run(self.stop.clone())));
        Client::new(format!("http://{addr}"))
    }

    /// A control plane with the state in Redis.
    async fn control_plane(&mut self, redis: u16, keys: &Path) -> SocketAddr {
        let mut config = control_plane::Config {
            grpc_addr: ([127, 0, 0, 1], 0).into(),
            keys_dir: keys.to_owned(),
            state: control_plane::State::Redis,
            ..runtime::config::defaults(&[])
        };
        config.redis.redis_url = Some(format!("redis://127.0.0.1:{redis}"));
        let control_plane = ControlPlane::bind(config, control_plane::Sections::default()).await.unwrap();
        let addr = control_plane.grpc_addr();
        self.running.push(tokio::spawn(control_plane.run(self.stop.clone())));
        addr
    }

    async fn end(self) {
        self.stop.cancel();
        for running in self.running {
            tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
        }
    }
}

fn one_session(config: &mut edge_gateway::Config) {
    config.allow_client_player_id = false;
    config.identity.guest_identity = true;
    config.identity.one_session_per_player = true;
}

/// Hears of sessions as a gateway does: of two that are told at the same time by different ways, nobody knows which is the newer one.
struct Ear {
    _up: mpsc::Sender<WatchRequest>,
    down: Streaming<WatchResponse>,
}

impl Ear {
    async fn at(control_plane: &str) -> Self {
        let channel = Endpoint::from_shared(control_plane.to_owned()).unwrap().connect().await.unwrap();
        let (up, requests) = mpsc::channel(1);
        let (player_id, session_id) = ("ear".to_owned(), "ear".to_owned());
        let own = Session { player_id, session_id, ..Default::default() };
        up.send(WatchRequest { action: Some(Action::Session(own)) }).await.unwrap();
        let down = MatchmakingClient::new(channel).watch(ReceiverStream::new(requests)).await.unwrap();
        Self { _up: up, down: down.into_inner() }
    }

    /// Waits until the control plane was told of a session of this player.
    async fn hears_of(&mut self, player: &Guest) {
        let hear = async {
            loop {
                match self.down.message().await.unwrap().unwrap().event {
                    Some(Event::Session(session)) if session.player_id == player.id => return,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, hear).await.expect("a session is told");
    }
}

/// A player of the stack's own making.
struct Guest {
    id: String,
    token: String,
}

async fn guest(gateway: &Client) -> Guest {
    let (status, made) = gateway.post("/v1/identity/guest", &Value::Null).await;
    assert_eq!(status, 201, "{made}");
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    Guest { id: text("playerId"), token: text("token") }
}

/// The player's socket, which is open.
async fn open(gateway: &Client, player: &Guest) -> Socket {
    let mut socket = gateway.bearing(&player.token).socket("/realtime").await;
    lives(&mut socket).await;
    socket
}

async fn lives(socket: &mut Socket) {
    socket.send(&json!({ "action": "heartbeat" })).await;
    assert_eq!(socket.next().await["type"], "heartbeat");
}

#[tokio::test]
async fn the_newer_socket_closes_the_older_one_at_another_gateway_also_after_a_cut() {
    let mut stack = Stack::builder().gateway(one_session).start().await;
    let (b, mut programs) = (stack.client(), Programs::default());
    let tasks = Tasks::new(programs.stop.clone());
    let control_plane = stack.control_plane_url().trim_start_matches("http://").parse().unwrap();
    let proxy = Proxy::start(control_plane, &tasks).await.unwrap();
    let a = programs.gateway(([127, 0, 0, 1], proxy.port).into()).await;
    let (ann, bob, cy) = (guest(&b).await, guest(&b).await, guest(&b).await);

    let mut ear = Ear::at(&stack.control_plane_url()).await;
    let (mut first, mut bobs) = (open(&a, &ann).await, open(&a, &bob).await);
    ear.hears_of(&ann).await;
    let mut second = open(&b, &ann).await;
    assert_eq!(first.closed().await.0, 4000);

    // While one gateway is cut off, both sockets live; afterwards it hears which is the newer one.
    let mut third = open(&a, &ann).await;
    assert_eq!(second.closed().await.0, 4000);
    let mut before = open(&a, &cy).await;
    ear.hears_of(&cy).await;
    let cys = open(&b, &cy).await;
    assert_eq!(before.closed().await.0, 4000, "and it has heard all that was said before");
    proxy.hurt(Fault::Cut);
    let mut fourth = open(&b, &ann).await;
    lives(&mut third).await;
    proxy.heal();
    assert_eq!(third.closed().await.0, 4000);

    // It was told of one while the control plane was away from all, and its restart is no new beginning.
    stack.stop_control_plane().await;
    let mut fifth = open(&a, &ann).await;
    lives(&mut fourth).await;
    stack.start_control_plane().await;
    assert_eq!(fourth.closed().await.0, 4000);
    for socket in [&mut fifth, &mut bobs] {
        lives(socket).await;
    }
    drop((fifth, bobs, cys, ear));
    programs.end().await;
    tasks.join(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn at_gateways_of_different_control_planes_exactly_one_of_two_stays() {
    let (redis, keys) = (redis_server::Server::start(), tempfile::tempdir().unwrap());
    let mut programs = Programs::default();
    let mut gateways = Vec::new();
    for _ in 0..2 {
        let control_plane = programs.control_plane(redis.port, &keys.path().join("keys")).await;
        gateways.push(programs.gateway(control_plane).await);
    }
    let [a, b] = &*gateways else { panic!("two gateways") };
    let ann = guest(a).await;
    // Replicas learn of each other in a moment; whom they know by then is not told of this one.
    let mut older = open(a, &ann).await;
    let mut newer = loop {
        let mut newer = open(b, &ann).await;
        if tokio::time::timeout(std::time::Duration::from_millis(200), older.closed()).await.is_ok() {
            break newer;
        }
        lives(&mut newer).await;
    };
    lives(&mut newer).await;

    for _ in 0..10 {
        let ann = guest(a).await;
        let socket = async |gateway: &Client| gateway.bearing(&ann.token).socket("/realtime").await;
        let (mut first, mut second) = tokio::join!(socket(a), socket(b));
        let (closed, mut other) = tokio::select! {
            (code, _) = first.closed() => (code, second),
            (code, _) = second.closed() => (code, first),
        };
        assert_eq!(closed, 4000);
        lives(&mut other).await;
    }
    drop((older, newer));
    programs.end().await;
}
