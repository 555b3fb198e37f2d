//! What it costs to know players: `cargo build --release --workspace --bins && cargo bench -p tests --bench identity`.
//!
//! One control plane and three gateways before it as real processes: one in Mode A, which believes the player ids that it is sent, and
//! two in Mode B. 64 callers enqueue over REST at one after the other, again and again in one run, so that whatever else the machine
//! does falls on all alike. Every player enqueues once and has a token of their own, signed RS256 before the round begins. A client
//! sends its token with everything, so one gateway has seen them a moment ago, as it has where a player read something first; the
//! other sees each for the first time, which is the dearest there is. The first round warms up. Fails where Mode B with tokens that
//! were seen reaches less than 85 % of what Mode A does.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
#![expect(clippy::cast_precision_loss, reason = "counts and seconds of a bench")]

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use futures_util::StreamExt as _;
use serde_json::json;
use tests::{Client, Program, eventually, usage::Usage};
use tokens::{Algorithm, DEFAULT_BITS, IdentityClaims, KeyRing, KeyRingSettings};
use tokio::task::JoinSet;

const CALLERS: usize = 64;
const ENQUEUES: usize = 8_000;
const ROUNDS: usize = 15;
const ASKED: f64 = 85.0;

/// A queue that forms no match while this runs: only enqueues are measured.
const QUEUE: &str = "[queues.bench]\nmin_players = 2\nmax_players = 2\nmin_wait = '10m'\n";

const MODES: [(&str, Tokens, &[&str]); 3] = [
    ("Mode B, tokens that were seen", Tokens::Seen, &[]),
    ("Mode B, tokens at first sight", Tokens::New, &[]),
    ("Mode A", Tokens::None, &["--allow-client-player-id"]),
];

/// What players bring.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tokens {
    None,
    Seen,
    New,
}

/// One round at one gateway.
#[derive(Clone, Copy)]
struct Round {
    /// Enqueues a second.
    rate: f64,
    /// What the gateway's process took of the processors for each, in microseconds.
    cost: f64,
}

/// One gateway.
struct Candidate {
    name: &'static str,
    client: Client,
    tokens: Tokens,
    /// A round each.
    rounds: Vec<Round>,
    program: Program,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("muster.toml"), QUEUE).unwrap();
    let (config, keys) = (path("muster.toml"), path("keys"));
    #[rustfmt::skip]
    let control_plane = Program::start("control-plane", &[
        "--grpc-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--config", &config, "--keys-dir", &keys,
        "--state", "memory",
    ]);
    let grpc = format!("http://{}", control_plane.logged("addr").await);
    let mut candidates = Vec::new();
    for (name, tokens, mode) in MODES {
        #[rustfmt::skip]
        let own = [
            "--client-addr", "127.0.0.1:0", "--internal-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0",
            "--control-plane", &grpc,
        ];
        let program = Program::start("edge-gateway", &[&own, mode].concat());
        let client = Client::new(format!("http://{}", program.logged("clients").await));
        eventually("the gateway to serve", async || (client.get("/health").await.0 == 200).then_some(()))
            .await;
        candidates.push(Candidate { name, client, tokens, rounds: vec![], program });
    }

    let ring = ring(Path::new(&keys));
    for round in 0..=ROUNDS {
        for candidate in &mut candidates {
            let players = players((candidate.tokens != Tokens::None).then_some(&ring));
            if candidate.tokens == Tokens::Seen {
                show(&candidate.client, &players).await;
            }
            let usage = Usage::of(candidate.program.id());
            let rate = enqueue(&candidate.client, players).await;
            let cost = usage.time().as_secs_f64() * 1e6 / ENQUEUES as f64;
            if round > 0 {
                candidate.rounds.push(Round { rate, cost });
            }
        }
    }
    println!(
        "acknowledged enqueues/s over REST at {CALLERS} concurrent, medians of {ROUNDS} rounds of {ENQUEUES}:"
    );
    let trusting = candidates.last().unwrap().rounds.clone();
    let mut shares = Vec::new();
    for Candidate { name, rounds, .. } in &candidates {
        // Compared within a round: what slows one down slows its neighbour down too.
        let share = median(rounds.iter().zip(&trusting).map(|(own, trusting)| own.rate / trusting.rate));
        let (rate, cost) =
            (median(rounds.iter().map(|round| round.rate)), median(rounds.iter().map(|round| round.cost)));
        println!("  {name:<30} {rate:>8.0}  {:>4.0} % of Mode A; gateway {cost:.0} µs each", 100.0 * share);
        shares.push(100.0 * share);
    }
    if shares[0] < ASKED {
        println!("missed: Mode B at least {ASKED:.0} % of Mode A");
        std::process::exit(1);
    }
}

/// The control plane's own keys.
fn ring(dir: &Path) -> KeyRing {
    let settings = KeyRingSettings {
        algorithm: Algorithm::Rs256,
        token_lifetime: Duration::from_secs(300),
        identity_lifetime: Duration::from_secs(3_600),
        publish_ahead: Duration::from_secs(300),
        bits: DEFAULT_BITS,
    };
    KeyRing::open(dir, settings, SystemTime::now()).unwrap()
}

/// Players whom nobody has seen before, with their tokens where they need any.
fn players(ring: Option<&KeyRing>) -> Vec<(String, Option<String>)> {
    static PLAYERS: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now();
    let player = |_| {
        let player = format!("player-{}", PLAYERS.fetch_add(1, Ordering::Relaxed));
        let token = ring.map(|ring| {
            let claims = IdentityClaims::of("muster", &player, now, Duration::from_secs(600));
            ring.sign_identity(&claims, now).unwrap().into_string()
        });
        (player, token)
    };
    (0..ENQUEUES).map(player).collect()
}

/// Every player asks for something first.
async fn show(client: &Client, players: &[(String, Option<String>)]) {
    let asked = players.iter().flat_map(|(_, token)| token).map(|token| async move {
        client.bearing(token).get("/v1/matchmaking/status/01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55").await.0
    });
    let answers = futures_util::stream::iter(asked).buffer_unordered(CALLERS).collect::<Vec<_>>().await;
    assert!(answers.iter().all(|status| *status == 404));
}

/// One round: how many a second.
async fn enqueue(client: &Client, players: Vec<(String, Option<String>)>) -> f64 {
    let players = Arc::new(Mutex::new(players));
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (client, players) = (client.clone(), Arc::clone(&players));
        callers.spawn(async move {
            loop {
                let next = players.lock().unwrap().pop();
                let Some((player, token)) = next else { return };
                let request = client.request(reqwest::Method::POST, "/v1/matchmaking/enqueue");
                let request = request.json(&json!({ "queueKey": "bench", "members": [player] }));
                let request = match token {
                    Some(token) => request.bearer_auth(token),
                    None => request,
                };
                let answer = request.send().await.unwrap();
                let (status, said) = (answer.status(), answer.text().await.unwrap());
                assert_eq!(status, 201, "{said}");
            }
        });
    }
    callers.join_all().await;
    ENQUEUES as f64 / started.elapsed().as_secs_f64()
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
