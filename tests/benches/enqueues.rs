//! What an acknowledged enqueue costs through the real door: `cargo build --release --workspace --bins && cargo bench -p tests --bench enqueues`.
//!
//! Three control planes as real processes, with `--state memory`, `embedded --durability os` and `embedded --durability flush`.
//! 256 callers enqueue over gRPC, on two connections, at one of the three after the other, again and again in one run, so that
//! whatever else the machine does falls on all alike. The first round warms up. Fails where `flush` reaches less than half of
//! what `memory` does.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
#![expect(clippy::cast_precision_loss, reason = "counts and seconds of a bench")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use proto::matchmaking::v1::{EnqueueRequest, Player, TicketStatus, matchmaking_client::MatchmakingClient};
use tests::Program;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

const CALLERS: usize = 256;
const CONNECTIONS: usize = 2;
const ENQUEUES: usize = 20_000;
const ROUNDS: usize = 7;
const ASKED: f64 = 50.0;

/// A queue that forms no match while this runs: only enqueues are measured.
const QUEUE: &str = "[queues.bench]\nmin_players = 2\nmax_players = 2\nmin_wait = '10m'\n";

const STATES: [(&str, &[&str]); 3] = [
    ("memory", &["--state", "memory"]),
    ("os", &["--state", "embedded", "--durability", "os"]),
    ("flush", &["--state", "embedded", "--durability", "flush"]),
];

/// One control plane, and the way to it.
struct Candidate {
    name: &'static str,
    channels: Vec<Channel>,
    /// Enqueues a second, a round each.
    rates: Vec<f64>,
    /// How long each enqueue took.
    latencies: Vec<Duration>,
    _program: Program,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("muster.toml");
    std::fs::write(&config, QUEUE).unwrap();
    let mut candidates = Vec::new();
    for (name, state) in STATES {
        let path = |kind: &str| dir.path().join(name).join(kind).display().to_string();
        let (config, keys, files) = (config.display().to_string(), path("keys"), path("state"));
        #[rustfmt::skip]
        let own = [
            "--grpc-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--config", &config, "--keys-dir", &keys,
            "--state-dir", &files,
        ];
        let program = Program::start("control-plane", &[&own, state].concat());
        let endpoint = Endpoint::from_shared(format!("http://{}", program.logged("addr").await)).unwrap();
        let mut channels = Vec::new();
        for _ in 0..CONNECTIONS {
            channels.push(endpoint.clone().tcp_nodelay(true).connect().await.unwrap());
        }
        candidates.push(Candidate { name, channels, rates: vec![], latencies: vec![], _program: program });
    }

    for round in 0..=ROUNDS {
        for candidate in &mut candidates {
            let (rate, latencies) = enqueue(&candidate.channels).await;
            if round > 0 {
                candidate.rates.push(rate);
                candidate.latencies.extend(latencies);
            }
        }
    }
    println!(
        "acknowledged enqueues/s over gRPC at {CALLERS} concurrent, medians of {ROUNDS} rounds of {ENQUEUES}:"
    );
    let memory = median(&mut candidates[0].rates);
    let mut share = 0.0;
    for candidate in &mut candidates {
        let rate = median(&mut candidate.rates);
        candidate.latencies.sort_unstable();
        let at = |share: f64| candidate.latencies[(candidate.latencies.len() as f64 * share) as usize];
        share = 100.0 * rate / memory;
        let (name, middle, slow) =
            (candidate.name, at(0.5).as_secs_f64() * 1e3, at(0.99).as_secs_f64() * 1e3);
        println!("  {name:<7} {rate:>8.0}  {share:>4.0} % of memory   p50 {middle:.1} ms, p99 {slow:.1} ms");
    }
    if share < ASKED {
        println!("missed: flush at least {ASKED:.0} % of memory");
        std::process::exit(1);
    }
}

/// One round: how many a second, and how long each took.
async fn enqueue(channels: &[Channel]) -> (f64, Vec<Duration>) {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let (next, channel) = (Arc::clone(&next), channels[number % channels.len()].clone());
        callers.spawn(async move {
            let mut client = MatchmakingClient::new(channel);
            let mut latencies = Vec::with_capacity(2 * ENQUEUES / CALLERS);
            while next.fetch_add(1, Ordering::Relaxed) < ENQUEUES {
                let asked_at = Instant::now();
                let answer = client.enqueue(request()).await.unwrap().into_inner();
                assert_eq!(answer.status(), TicketStatus::Queued);
                latencies.push(asked_at.elapsed());
            }
            latencies
        });
    }
    let latencies: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    (latencies.len() as f64 / started.elapsed().as_secs_f64(), latencies)
}

/// A player whom nobody has seen before.
fn request() -> EnqueueRequest {
    static PLAYERS: AtomicUsize = AtomicUsize::new(0);
    let player_id = format!("player-{}", PLAYERS.fetch_add(1, Ordering::Relaxed));
    let player = Player { player_id, ..Player::default() };
    EnqueueRequest { queue_key: "bench".to_owned(), players: vec![player], ..EnqueueRequest::default() }
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
