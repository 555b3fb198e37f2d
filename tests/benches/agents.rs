//! What a fleet that just lives costs the control plane: `cargo build --release --workspace --bins && cargo bench -p tests --bench agents`.
//!
//! A real control plane, and 5,000 agents, each on a connection of its own, that keep to the pace they are told (a heartbeat every 2 s)
//! and report three lands of four players. What the control plane's process takes of the processors is read from /proc, over 30
//! seconds in which nothing else happens. Fails where that is half a core or more.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
#![expect(clippy::cast_precision_loss, reason = "counts of a bench")]

use std::time::{Duration, Instant};

use tests::{
    Program,
    crowd::{Crowd, Kind},
    usage::Usage,
};

const AGENTS: usize = 5_000;
const WATCHED: Duration = Duration::from_secs(30);
/// Of one core.
const LIMIT: f64 = 0.5;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    rlimit::increase_nofile_limit(rlimit::INFINITY).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys").display().to_string();
    #[rustfmt::skip]
    let control_plane = Program::start("control-plane", &[
        "--grpc-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--keys-dir", &keys, "--state", "memory",
    ]);
    let url = format!("http://{}", control_plane.logged("addr").await);

    let usage = Usage::of(control_plane.id());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let alone = usage.cores();
    let began = Instant::now();
    let mut crowd = Crowd::come(&url, AGENTS, Kind { capacity: 10, lands: 3, a_connection: 1 }).await;
    println!("{AGENTS} agents came in {:.1} s", began.elapsed().as_secs_f64());
    // Everybody's first heartbeat is over then.
    tokio::time::sleep(Duration::from_secs(4)).await;

    let usage = Usage::of(control_plane.id());
    tokio::time::sleep(WATCHED).await;
    let with_agents = usage.cores();
    crowd.assert_all_live();
    println!(
        "{AGENTS} agents, a heartbeat every 2 s: {:.1} % of a core ({:.1} % without any), {:.0} µs a heartbeat, {:.0} MiB resident; \
         limit {:.0} %",
        100.0 * with_agents,
        100.0 * alone,
        (with_agents - alone) * 2e6 / AGENTS as f64,
        usage.resident_mib(),
        100.0 * LIMIT,
    );
    if with_agents >= LIMIT {
        println!("missed: less than half a core");
        std::process::exit(1);
    }
}
