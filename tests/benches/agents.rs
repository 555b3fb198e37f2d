//! What a fleet that just lives costs the control plane: `cargo build --release --bins && cargo bench -p tests --bench agents`.
//!
//! A real control plane, and 5,000 agents, each on a connection of its own, that keep to the pace they are told (a heartbeat every 2 s)
//! and report three lands of four players. What the control plane's process takes of the processors is read from /proc, over 30
//! seconds in which nothing else happens. Fails where that is half a core or more.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
#![expect(clippy::cast_precision_loss, reason = "ticks and counts of a bench")]

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use proto::provisioning::v1::{
    ConnectRequest, ConnectResponse, Health, Heartbeat, Hello, Land, connect_request::Message as Up,
    connect_response::Message as Down, provisioning_client::ProvisioningClient,
};
use tests::Program;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Endpoint};

const AGENTS: usize = 5_000;
const WATCHED: Duration = Duration::from_secs(30);
/// Of one core.
const LIMIT: f64 = 0.5;
/// What the kernel counts a process' time in: `getconf CLK_TCK` of every Linux.
const TICKS_A_SECOND: f64 = 100.0;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    rlimit::increase_nofile_limit(rlimit::INFINITY).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys").display().to_string();
    #[rustfmt::skip]
    let control_plane = Program::start("control-plane", &[
        "--grpc-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--keys-dir", &keys, "--state", "memory",
    ]);
    let endpoint = Endpoint::from_shared(format!("http://{}", control_plane.logged("addr").await)).unwrap();

    let alone = usage(control_plane.id(), Duration::from_secs(5)).await;
    let began = Instant::now();
    let agents: Vec<_> = stream::iter(0..AGENTS)
        .map(|number| Agent::come(&endpoint, number))
        .buffer_unordered(128)
        .collect()
        .await;
    println!("{AGENTS} agents came in {:.1} s", began.elapsed().as_secs_f64());
    let mut lives = JoinSet::new();
    for agent in agents {
        lives.spawn(agent.live());
    }
    // Everybody's first heartbeat is over then.
    tokio::time::sleep(Duration::from_secs(4)).await;

    let with_agents = usage(control_plane.id(), WATCHED).await;
    assert!(lives.try_join_next().is_none(), "an agent's stream has ended");
    println!(
        "{AGENTS} agents, a heartbeat every 2 s: {:.1} % of a core ({:.1} % without any), {:.0} µs a heartbeat, {} MiB resident; \
         limit {:.0} %",
        100.0 * with_agents,
        100.0 * alone,
        (with_agents - alone) * 2e6 / AGENTS as f64,
        rss_mib(control_plane.id()),
        100.0 * LIMIT,
    );
    if with_agents >= LIMIT {
        println!("missed: less than half a core");
        std::process::exit(1);
    }
}

struct Agent {
    up: mpsc::Sender<ConnectRequest>,
    down: Streaming<ConnectResponse>,
    lands: Vec<Land>,
    interval: Duration,
}

impl Agent {
    async fn come(endpoint: &Endpoint, number: usize) -> Self {
        let (up, messages) = mpsc::channel(4);
        let land = |land: usize| Land {
            land_id: format!("arena:{number}-{land}"),
            player_ids: (0..4).map(|player| format!("player-{number}-{land}-{player}")).collect(),
        };
        let lands: Vec<_> = (0..3).map(land).collect();
        let hello = Hello {
            server_id: format!("server-{number}"),
            instance_id: format!("instance-{number}"),
            host: "127.0.0.1".to_owned(),
            port: 7_000,
            land_types: vec!["arena".to_owned()],
            capacity: 10,
            lands: lands.clone(),
            ..Hello::default()
        };
        up.send(ConnectRequest { message: Some(Up::Hello(hello)) }).await.unwrap();
        let channel = endpoint.connect().await.unwrap();
        let mut client = ProvisioningClient::new(channel);
        let mut down = client.connect(ReceiverStream::new(messages)).await.unwrap().into_inner();
        let Some(Down::Welcome(welcome)) = down.message().await.unwrap().unwrap().message else {
            panic!("no welcome")
        };
        let interval = Duration::from_millis(welcome.heartbeat_interval_ms.into());
        Self { up, down, lands, interval }
    }

    /// Sends heartbeats for as long as it is listened to.
    async fn live(mut self) {
        // Spread over the interval, as agents that came one after the other are.
        let first = self.interval.mul_f64(rand::random());
        let mut due = tokio::time::interval_at(tokio::time::Instant::now() + first, self.interval);
        for sequence in 1.. {
            tokio::select! {
                _ = due.tick() => {}
                down = self.down.message() => panic!("nothing was to be said to an agent, but {down:?}"),
            }
            let beat = Heartbeat {
                sequence,
                health: Health::Healthy.into(),
                lands: self.lands.clone(),
                ..Heartbeat::default()
            };
            self.up.send(ConnectRequest { message: Some(Up::Heartbeat(beat)) }).await.unwrap();
        }
    }
}

/// What a process takes of one core, over a time.
async fn usage(pid: u32, over: Duration) -> f64 {
    let (before, began) = (ticks(pid), Instant::now());
    tokio::time::sleep(over).await;
    (ticks(pid) - before) / TICKS_A_SECOND / began.elapsed().as_secs_f64()
}

/// The time that a process has run, in user and kernel mode (proc_pid_stat(5), fields 14 and 15).
fn ticks(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Behind the name, which may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}

fn rss_mib(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}
