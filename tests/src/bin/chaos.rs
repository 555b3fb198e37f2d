//! Chaos for as long as you like: `cargo run -p tests --bin chaos -- --for 1h --seed 7 --topology redis`.
//!
//! Needs the programs: `cargo build --workspace --bins`, and `redis-server`. Ends with 1 where something was found.
#![expect(clippy::print_stdout, reason = "its output is for whoever runs it")]

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use tests::chaos::{
    run::{Settings, check_file, run},
    topology::Topology,
};

/// Runs real programs under load, kills, pauses and cuts them off, and checks what came of it.
#[derive(Debug, Parser)]
#[command(name = "chaos")]
struct Arguments {
    /// For how long: `20s`, `1h`.
    #[arg(long = "for", default_value = "20s", value_parser = runtime::config::duration)]
    lasting: Duration,
    /// How long a round of load and faults lasts before everything is brought to rest and checked.
    #[arg(long, default_value = "45s", value_parser = runtime::config::duration)]
    round: Duration,
    /// What the faults and the load follow from; printed, so that it can be given again.
    #[arg(long, env = "CHAOS_SEED")]
    seed: Option<u64>,
    /// `redis` (2 api, 2 queue workers, 2 gateways, 4 game servers with agents) or `embedded` (one of each, 2 game servers).
    #[arg(long, default_value = "redis", value_parser = topology)]
    topology: Topology,
    /// An empty directory for the history, the logs and the state; without it, a new temporary one, which stays.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Checks this file of a history once more, and runs nothing.
    #[arg(long)]
    check: Option<PathBuf>,
}

fn topology(name: &str) -> Result<Topology, String> {
    Topology::named(name).ok_or_else(|| "there is redis, and embedded".to_owned())
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(history) = &arguments.check {
        return Ok(report(&check_file(history)?));
    }
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let dir = match arguments.dir {
        Some(dir) => dir,
        None => tempfile::tempdir()?.keep(),
    };
    let Arguments { topology, lasting, round, .. } = arguments;
    println!("{} for {lasting:?}, seed {seed}, in {}", topology.name, dir.display());
    let settings = Settings { topology, seed, lasting, round, dir };
    let outcome = run(&settings, |line| println!("{line}")).await?;
    println!("{}\nhistory: {}", outcome.summary, outcome.history.display());
    let code = report(&outcome.findings);
    if !outcome.findings.is_empty() {
        println!("to repeat: --topology {} --seed {seed}", settings.topology.name);
    }
    Ok(code)
}

fn report(findings: &[String]) -> ExitCode {
    for finding in findings {
        println!("\n{finding}");
    }
    println!("{} findings", findings.len());
    ExitCode::from(u8::from(!findings.is_empty()))
}
