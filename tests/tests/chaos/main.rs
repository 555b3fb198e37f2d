//! Chaos, for as long as a test may take: see `tests::chaos`, and `cargo run -p tests --bin chaos` for an hour of it.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the seed and the progress belong to the report")]

use std::time::Duration;

use tests::chaos::{
    run::{Settings, run},
    topology::Topology,
};

/// Runs a topology; `CHAOS_SEED` repeats what an earlier run has printed.
async fn chaos(topology: Topology, lasting: Duration) {
    let seed = std::env::var("CHAOS_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    let name = topology.name;
    println!("{name}: CHAOS_SEED={seed}");
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { topology, seed, lasting, round: lasting, dir: dir.path().to_owned() };
    let outcome = run(&settings, |line| println!("{name}: {line}")).await.unwrap();
    println!("{name}: {}", outcome.summary);
    if !outcome.findings.is_empty() {
        let dir = dir.keep();
        panic!("CHAOS_SEED={seed}, history and logs in {}\n\n{}", dir.display(), outcome.findings.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_control_plane_with_its_state_in_a_file() {
    chaos(Topology::embedded(), Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_of_everything_on_redis() {
    chaos(Topology::redis(), Duration::from_secs(20)).await;
}
