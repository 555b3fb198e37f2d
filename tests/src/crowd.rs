//! Many game servers on few resources: agents' streams whose other end is a task and no game server, for benches.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use proto::provisioning::v1::{
    ConnectRequest, ConnectResponse, Health, Heartbeat, Hello, Land, LandAnswer, LandReady,
    connect_request::Message as Up, connect_response::Message as Down, land_answer::Outcome,
    provisioning_client::ProvisioningClient,
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Streaming,
    transport::{Channel, Endpoint},
};

/// How many servers come at once.
const COMING: usize = 128;

/// What each server of a crowd is.
#[derive(Debug, Clone)]
pub struct Kind {
    /// How many lands fit.
    pub capacity: u32,
    /// How many lands it reports from the beginning on, of four players each. Those that it is given it makes at once, and reports in
    /// no heartbeat: they have ended with the next.
    pub lands: usize,
    /// How many agents share a connection; 1 is what real ones do.
    pub a_connection: usize,
}

/// Servers that live until this is dropped.
#[derive(Debug)]
pub struct Crowd {
    lives: JoinSet<()>,
    made: Arc<AtomicU64>,
}

impl Crowd {
    /// As many servers as this, registered at `control_plane`, of the land type `arena`.
    pub async fn come(control_plane: &str, count: usize, kind: Kind) -> Self {
        let endpoint = Endpoint::from_shared(control_plane.to_owned()).unwrap().tcp_nodelay(true);
        let mut channels = Vec::new();
        for _ in 0..count.div_ceil(kind.a_connection) {
            channels.push(endpoint.connect_lazy());
        }
        let made = Arc::new(AtomicU64::new(0));
        let come = |number: usize| {
            OneServer::come(channels[number / kind.a_connection].clone(), number, &kind, Arc::clone(&made))
        };
        let servers: Vec<_> = stream::iter(0..count).map(come).buffer_unordered(COMING).collect().await;
        let mut lives = JoinSet::new();
        for server in servers {
            lives.spawn(server.live());
        }
        Self { lives, made }
    }

    /// How many lands were made so far.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Panics where a server's stream has ended.
    pub fn assert_all_live(&mut self) {
        assert!(self.lives.try_join_next().is_none(), "a server's stream has ended");
    }
}

struct OneServer {
    up: mpsc::Sender<ConnectRequest>,
    down: Streaming<ConnectResponse>,
    lands: Vec<Land>,
    interval: Duration,
    made: Arc<AtomicU64>,
}

impl OneServer {
    async fn come(channel: Channel, number: usize, kind: &Kind, made: Arc<AtomicU64>) -> Self {
        let (up, messages) = mpsc::channel(64);
        let land = |land: usize| Land {
            land_id: format!("arena:{number}-{land}"),
            player_ids: (0..4).map(|player| format!("player-{number}-{land}-{player}")).collect(),
            ..Land::default()
        };
        let lands: Vec<_> = (0..kind.lands).map(land).collect();
        let hello = Hello {
            server_id: format!("server-{number}"),
            instance_id: format!("instance-{number}"),
            host: "127.0.0.1".to_owned(),
            port: 7_000,
            land_types: vec!["arena".to_owned()],
            capacity: kind.capacity,
            lands: lands.clone(),
            ..Hello::default()
        };
        up.send(ConnectRequest { message: Some(Up::Hello(hello)) }).await.unwrap();
        let mut client = ProvisioningClient::new(channel);
        let mut down = client.connect(ReceiverStream::new(messages)).await.unwrap().into_inner();
        let Some(Down::Welcome(welcome)) = down.message().await.unwrap().unwrap().message else {
            panic!("no welcome")
        };
        let interval = Duration::from_millis(welcome.heartbeat_interval_ms.into());
        Self { up, down, lands, interval, made }
    }

    /// Sends heartbeats, and makes every land that is ordered at once.
    async fn live(mut self) {
        // Spread over the interval, as agents that came one after the other are.
        let first = self.interval.mul_f64(rand::random());
        let mut due = tokio::time::interval_at(tokio::time::Instant::now() + first, self.interval);
        let mut sequence = 0;
        loop {
            let said = tokio::select! {
                _ = due.tick() => {
                    sequence += 1;
                    let lands = self.lands.clone();
                    let health = Health::Healthy.into();
                    Up::Heartbeat(Heartbeat { sequence, health, lands, ..Heartbeat::default() })
                }
                down = self.down.message() => match down.unwrap().expect("the control plane ended the stream").message {
                    Some(Down::AllocateLand(order)) => {
                        self.made.fetch_add(1, Ordering::Relaxed);
                        let outcome = Some(Outcome::Ready(LandReady {}));
                        Up::LandAnswer(LandAnswer { command_id: order.command_id, outcome })
                    }
                    _ => continue,
                },
            };
            self.up.send(ConnectRequest { message: Some(said) }).await.unwrap();
        }
    }
}
