//! What an agent costs beside a game server: memory, cold start, and a local call. `cargo bench -p provisioning-agent`.
//!
//! It runs the real program, registered with a control plane that this process plays, and asks it through both forms of the
//! Agones SDK. Prints each figure beside its limit; ends with 1 where one is missed. Linux only: it reads `/proc`.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the figures are its purpose")]
#![expect(
    dead_code,
    reason = "the control plane and the helpers are those of the tests, who use all of them"
)]

#[path = "../tests/agent/control_plane.rs"]
mod control_plane;
#[path = "../tests/agent/fixture.rs"]
mod fixture;

use std::{
    net::{SocketAddr, TcpListener},
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use control_plane::ControlPlane;
use fixture::eventually;
use proto::agones::sdk::{Empty, sdk_client::SdkClient};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};
use tonic::transport::Endpoint;

/// The limits: resident memory in MiB, idle and after the calls; a start, and a call, in milliseconds.
const MEMORY_MIB: f64 = 12.0;
const START_MS: f64 = 50.0;
const CALL_MS: f64 = 0.5;
/// How often each is tried.
const STARTS: usize = 21;
const CALLS: usize = 5_000;

struct Agent {
    process: Child,
    http: SocketAddr,
    grpc: SocketAddr,
    start: Duration,
}

impl Agent {
    /// Started, until both ports are open.
    async fn start(control_plane: SocketAddr) -> Self {
        let (http, grpc) = (free(), free());
        let began = Instant::now();
        let process = Command::new(env!("CARGO_BIN_EXE_provisioning-agent"))
            .env_clear()
            .args([
                "--server-id",
                "game-1",
                "--port",
                "7001",
                "--land-type",
                "arena",
                "--metrics-addr",
                "127.0.0.1:0",
            ])
            .args(["--control-plane", &format!("http://{control_plane}")])
            .args(["--http-addr", &http.to_string(), "--grpc-addr", &grpc.to_string()])
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for addr in [http, grpc] {
            while TcpStream::connect(addr).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
        Self { process, http, grpc, start: began.elapsed() }
    }

    fn memory_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let control_plane = ControlPlane::start().await;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Agent::start(control_plane.addr).await.start);
    }
    let mut met = figure("cold start, median", millis(median(starts)), START_MS, "ms");

    let agent = Agent::start(control_plane.addr).await;
    let mut sdk =
        SdkClient::new(Endpoint::from_shared(format!("http://{}", agent.grpc)).unwrap().connect_lazy());
    sdk.ready(Empty {}).await.unwrap();
    eventually("the registration", async || (control_plane.streams() > 0).then_some(())).await;
    control_plane.heartbeat("life", |heartbeat| heartbeat.sequence > 3).await;
    met &= figure("resident memory, registered and idle", agent.memory_mib(), MEMORY_MIB, "MiB");

    let mut by_grpc = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let began = Instant::now();
        sdk.get_game_server(Empty {}).await.unwrap();
        by_grpc.push(began.elapsed());
    }
    met &= figure("local call by gRPC, median", millis(median(by_grpc)), CALL_MS, "ms");
    let (client, url) = (reqwest::Client::new(), format!("http://{}/gameserver", agent.http));
    let mut by_http = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let began = Instant::now();
        client.get(&url).send().await.unwrap().bytes().await.unwrap();
        by_http.push(began.elapsed());
    }
    met &= figure("local call by HTTP, median", millis(median(by_http)), CALL_MS, "ms");
    met &= figure("resident memory after 10,000 calls", agent.memory_mib(), MEMORY_MIB, "MiB");
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A port that was free a moment ago.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Prints it, and says whether it is below its limit.
fn figure(name: &str, value: f64, limit: f64, unit: &str) -> bool {
    let met = value < limit;
    let verdict = if met { "" } else { "   MISSED" };
    println!("{name:<40} {value:>8.3} {unit:<3} (below {limit} {unit}){verdict}");
    met
}
