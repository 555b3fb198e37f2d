//! What Redis is made to do: `cargo bench -p storage --bench redis`.
//!
//! Enqueues a second of one process at 256 concurrent callers, beside what `redis-benchmark` reaches on the same server in the
//! same run with a script of the same number of commands; then assignments of two-ticket matches, with the commands and
//! the round trips of each. Fails where enqueues reach less than 40 % or an assignment takes more than one round trip.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
#![expect(clippy::cast_precision_loss, reason = "counts and seconds of a bench")]
#![expect(dead_code, reason = "the server and the ground are shared with the tests")]

#[path = "../tests/redis/cluster.rs"]
mod cluster;
#[path = "../tests/redis/ground.rs"]
mod ground;
#[path = "../tests/redis/server.rs"]
mod server;

use std::{
    collections::HashMap,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use matching::{GroupId, Player, PlayerId, QueueKey, TicketId, Time};
use storage::{
    Assignment, AssignmentId, Fenced, LandId, Lease, MatchId, NewMatch, NewTicket, Redis, ServerId,
    Storage as _, WorkerId,
};
use tokio::task::JoinSet;

const CALLERS: usize = 256;
const ENQUEUES: usize = 100_000;
const ROUNDS: usize = 3;
const NOW: Time = Time(1_000_000);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let server = server::Server::start();
    let (mut ours, mut bare, mut matches) = (Vec::new(), Vec::new(), Vec::new());
    let mut trips = 0.0_f64;
    for _ in 0..ROUNDS {
        let settings = ground::at(server.port);
        let (storage, _upkeep) = ground::open(&settings);
        let lease =
            storage.claim(&queue(), &WorkerId::new("w"), Duration::from_secs(600), NOW).await.unwrap();
        let lease = Arc::new(lease.unwrap());
        // Somebody listens, as in earnest.
        let mut feed = storage.follow(&lease).await.unwrap().unwrap();
        let reader = tokio::spawn(async move { while feed.changes.recv().await.is_some() {} });

        enqueues(&storage, "warm", 1_000).await;
        reset(server.port);
        ours.push(enqueues(&storage, "t", ENQUEUES).await);
        let commands = commands(server.port);
        let sent: u64 = commands.values().sum();
        let each = sent as f64 / ENQUEUES as f64;
        bare.push(benchmark(server.port, each.round() as usize));

        reset(server.port);
        matches.push(assign_all(&storage, &lease).await);
        let commands = self::commands(server.port);
        let calls = commands.get("evalsha").copied().unwrap_or_default() as f64;
        // What is cleaned up afterwards goes out as texts, many at a time, and nobody waits for it.
        trips = trips.max(calls / (ENQUEUES / 2) as f64);
        let all: u64 = commands.values().sum();
        println!(
            "{each:.1} commands per enqueue; {:.1} per assignment, with what is cleaned up after it",
            all as f64 / (ENQUEUES / 2) as f64
        );
        reader.abort();
        storage.close().await;
    }
    let [ours, bare, matches] = [ours, bare, matches].map(median);
    println!("at {CALLERS} concurrent, medians of {ROUNDS} rounds:");
    println!("  enqueues/s                        {ours:>9.0}");
    println!("  redis-benchmark, as many commands {bare:>9.0}  ratio {:.2}", ours / bare);
    println!("  assignments/s of 2 tickets        {matches:>9.0}  {trips:.2} round trips each");
    if ours / bare < 0.4 || trips > 1.01 {
        println!("missed: a ratio of 0.40, one round trip per assignment");
        std::process::exit(1);
    }
}

/// Solo tickets from all callers at once; how many a second.
async fn enqueues(storage: &Arc<Redis>, name: &'static str, count: usize) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (storage, next) = (Arc::clone(storage), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return;
                }
                storage.enqueue(ticket(&format!("{name}-{n}")), NOW).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    count as f64 / started.elapsed().as_secs_f64()
}

/// Assigns what [`enqueues`] has queued; how many matches a second.
async fn assign_all(storage: &Arc<Redis>, lease: &Arc<Lease>) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (storage, lease, next) = (Arc::clone(storage), Arc::clone(lease), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                let n = next.fetch_add(2, Ordering::Relaxed);
                if n >= ENQUEUES {
                    return;
                }
                let tickets = [n, n + 1].map(|n| (TicketId::new(format!("t-{n}")), assignment(n)));
                let new = NewMatch { assignments: tickets.into(), lasting: Duration::from_secs(90) };
                assert_eq!(storage.assign(&lease, new, NOW).await.unwrap(), Fenced::Done);
            }
        });
    }
    callers.join_all().await;
    (ENQUEUES / 2) as f64 / started.elapsed().as_secs_f64()
}

/// Runs a script of `commands` commands as often as there are enqueues; how many a second. All but one are the cheapest there
/// are; that one writes as much as a ticket.
fn benchmark(port: u16, commands: usize) -> f64 {
    let counts = commands.saturating_sub(2);
    let script = format!(
        "redis.call('SET', KEYS[1], ARGV[1]) for i = 1, {counts} do redis.call('INCR', 'bench') end return 1"
    );
    let sha = cli(port, &["SCRIPT", "LOAD", &script]);
    let output = Command::new("redis-benchmark")
        .args(["-p", &port.to_string(), "-c", &CALLERS.to_string(), "-n", &ENQUEUES.to_string()])
        .args(["-r", "1000000", "--csv", "evalsha", sha.trim(), "1", "bench-__rand_int__", &"x".repeat(300)])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // What was run, how often a second, and then its latencies.
    let rate = text.lines().last().and_then(|row| row.split(',').nth(1));
    rate.and_then(|rate| rate.trim_matches('"').parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

fn reset(port: u16) {
    assert!(cli(port, &["CONFIG", "RESETSTAT"]).contains("OK"));
}

/// How often each command was run, by scripts too.
fn commands(port: u16) -> HashMap<String, u64> {
    let stats = cli(port, &["INFO", "commandstats"]);
    let count = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    };
    let ours = |(name, _): &(String, u64)| !["config|resetstat", "info", "ping"].contains(&name.as_str());
    stats.lines().filter_map(count).filter(ours).collect()
}

fn cli(port: u16, args: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-p", &port.to_string()]).args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn queue() -> QueueKey {
    QueueKey::new("bench:2")
}

fn ticket(name: &str) -> NewTicket {
    NewTicket {
        id: TicketId::new(name),
        queue: queue(),
        group: GroupId::new(name),
        players: Arc::from([Player::new(PlayerId::new(name))]),
        region: None,
        constraints: None,
        lifetime: Duration::from_secs(600),
        queue_limit: usize::MAX,
        queues_limit: usize::MAX,
    }
}

fn assignment(n: usize) -> Arc<Assignment> {
    Arc::new(Assignment {
        id: AssignmentId::new(format!("a-{n}")),
        match_id: MatchId::new(format!("m-{n}")),
        server: ServerId::new("s-1"),
        land: LandId::new("bench:1"),
        connect_url: "ws://localhost/game/bench?landId=bench:1".to_owned(),
        expires_at: Time(5),
        teams: Arc::from([]),
    })
}
