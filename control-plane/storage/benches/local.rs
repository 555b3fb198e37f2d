//! What durability costs: `cargo bench -p storage --bench local`.
//!
//! Acknowledged enqueues a second at 256 concurrent callers, in memory, handed to the operating system, and on the disk, taken in turns
//! in one run; then how long a store with 1,000,000 queued tickets takes to open, and what such a ticket costs in
//! resident memory. Fails where `flush` reaches less than half of `memory`, or the opening takes 10 s or more.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
#![expect(clippy::cast_precision_loss, reason = "counts and seconds of a bench")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use matching::{GroupId, Player, PlayerId, QueueKey, TicketId, Time};
use storage::{Durability, Local, NewTicket, Storage, WorkerId};

const CALLERS: usize = 256;
const ENQUEUES: usize = 100_000;
const ROUNDS: usize = 5;
const QUEUED: usize = 1_000_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut rates: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir().unwrap();
        let stores: [Arc<dyn Storage>; 3] = [
            Arc::new(Local::in_memory()),
            Arc::new(Local::open(&dir.path().join("os"), Durability::Os).unwrap()),
            Arc::new(Local::open(&dir.path().join("flush"), Durability::Flush).unwrap()),
        ];
        for (store, rates) in stores.iter().zip(&mut rates) {
            rates.push(enqueues(store, ENQUEUES).await);
        }
    }
    let [memory, os, flush] = rates.map(median);
    println!("acknowledged enqueues/s at {CALLERS} concurrent, medians of {ROUNDS} rounds:");
    println!("  memory {memory:>9.0}");
    println!("  os     {os:>9.0}  {:.0} % of memory", 100.0 * os / memory);
    println!("  flush  {flush:>9.0}  {:.0} % of memory", 100.0 * flush / memory);
    println!("  flush, alone: {:.2} ms each", 1000.0 / alone().await);

    let opening = reopen().await;
    if flush < memory / 2.0 || opening > Duration::from_secs(10) {
        println!("missed: flush at least 50 % of memory, opening under 10 s");
        std::process::exit(1);
    }
}

async fn enqueues(storage: &Arc<dyn Storage>, count: usize) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (storage, next) = (Arc::clone(storage), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                storage.enqueue(ticket(number), Time(1_000)).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    count as f64 / started.elapsed().as_secs_f64()
}

/// One caller after the other: what one enqueue waits for.
async fn alone() -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let storage = Local::open(dir.path(), Durability::Flush).unwrap();
    let started = Instant::now();
    for number in 0..500 {
        storage.enqueue(ticket(number), Time(1_000)).await.unwrap();
    }
    500.0 / started.elapsed().as_secs_f64()
}

async fn reopen() -> Duration {
    let dir = tempfile::tempdir().unwrap();
    let storage: Arc<dyn Storage> = Arc::new(Local::open(dir.path(), Durability::Os).unwrap());
    enqueues(&storage, QUEUED).await;
    storage.close().await;
    drop(storage);
    let before = rss_bytes();
    let started = Instant::now();
    let storage = Local::open(dir.path(), Durability::Flush).unwrap();
    let opened = started.elapsed();
    assert_eq!(storage.queued_tickets(), QUEUED);
    // Ready to match: an owner has read the queue.
    let lease = storage.claim(&queue(), &WorkerId::new("bench"), Duration::from_secs(60), Time(1_000)).await;
    let feed = storage.follow(&lease.unwrap().unwrap()).await.unwrap().unwrap();
    assert_eq!(feed.queued.len(), QUEUED);
    let ready = started.elapsed();
    println!("{QUEUED} queued tickets: opened in {opened:.2?}, ready to match in {ready:.2?}");
    let ticket = rss_bytes().saturating_sub(before) / QUEUED;
    println!(
        "  about {ticket} bytes of resident memory each, {} MiB on disk",
        size(dir.path()) / 1024 / 1024
    );
    ready
}

fn queue() -> QueueKey {
    QueueKey::new("bench:1000")
}

fn ticket(number: usize) -> NewTicket {
    NewTicket {
        id: TicketId::new(format!("0190b6a0-0000-7000-8000-{number:012}")),
        queue: queue(),
        group: GroupId::new(format!("0190b6a0-0000-7000-8000-{number:012}")),
        players: Arc::from([Player::new(PlayerId::new(format!("player-{number}")))]),
        region: None,
        constraints: None,
        lifetime: Duration::from_secs(600),
        queue_limit: usize::MAX,
        queues_limit: usize::MAX,
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn rss_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn size(dir: &Path) -> u64 {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}
