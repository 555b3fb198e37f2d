//! `muster fleet`: several of everything on one machine, as real processes over one Redis, to watch what happens when one dies.
//!
//! What `muster dev` is for a game, this is for operations: two control planes that serve calls, two that form matches, two
//! gateways, four game servers with their agents, and players that keep coming. Every program is a process of its own with
//! the arguments that it would have in production; kill any of them and see. `plan` says what runs, `supervisor`
//! starts, restarts and stops it, `look` asks it how it is, and `screen` shows that.

mod child;
mod look;
mod plan;
mod players;
mod ports;
mod redis;
mod screen;
mod supervisor;

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use runtime::{
    config::{Invalid, duration},
    telemetry,
};
use tokio_util::sync::CancellationToken;

pub(crate) use child::enter;

use self::{plan::Plan, supervisor::Supervisor};

/// Settings of `muster fleet`.
#[derive(Debug, Clone, clap::Parser)]
#[command(
    name = "fleet",
    about = "Run several of everything as real processes over one Redis, and watch what happens when one is killed",
    long_about = "Runs a small production on this machine: a Redis that persists, two control planes that serve calls (api), two that \
        form matches (queue-worker), two gateways, and four demo game servers with an agent each. Every one is a process of its \
        own. Players come at a steady rate, and a line a second (or a table, on a terminal) says who is up, how many tickets wait, \
        how many matches are made, and how the players fare.\n\n\
        Then kill something: the process ids are in the table, and some suggestions below it. What died is started again \
        after a few seconds.\n\n\
        It needs redis-server (or valkey-server) on the PATH, or --redis-url for one that runs already. Ctrl-C stops everything; \
        nothing is left behind, also not when this command itself is killed (on Linux)."
)]
pub struct Config {
    /// How many players come in a second, over both gateways in turn; 0 for none.
    #[arg(long, env = "MUSTER_FLEET_RATE", default_value_t = 20.0, value_parser = rate)]
    pub rate: f64,
    /// How many players come in all; without it they come until you stop.
    #[arg(long, env = "MUSTER_FLEET_PLAYERS", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub players: Option<u32>,
    /// The queue that they come to.
    #[arg(long, env = "MUSTER_FLEET_QUEUE", default_value = "demo:2")]
    pub queue: String,
    /// A Redis that runs already, instead of one that is started here.
    #[arg(long, env = "MUSTER_FLEET_REDIS_URL", hide_env_values = true, value_name = "URL")]
    pub redis_url: Option<String>,
    /// Where Redis, the keys and the logs are kept. Without it: in a temporary directory, gone at the end.
    #[arg(long, env = "MUSTER_FLEET_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Take the ports from this one on, one after the other, so that they are the same each time. Without it: any free ones.
    #[arg(long, env = "MUSTER_FLEET_FIRST_PORT", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1024..=65_000))]
    pub first_port: Option<u16>,
    /// How long a queue stays owned by a worker that fell silent: a killed worker's queues go on after this.
    #[arg(long, env = "MUSTER_FLEET_QUEUE_LEASE", default_value = "3s", value_parser = duration)]
    pub queue_lease: Duration,
    /// After how long a program that died is started again.
    #[arg(long, env = "MUSTER_FLEET_RESTART_AFTER", default_value = "5s", value_parser = duration)]
    pub restart_after: Duration,
    /// Leave dead what died.
    #[arg(long)]
    pub no_restart: bool,
    /// The log of this command; the programs' own logs are files.
    #[command(flatten)]
    pub telemetry: telemetry::Settings,
}

/// Runs the fleet until `stop`.
#[expect(clippy::print_stdout, reason = "the table and the hints are what the command is for")]
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    if config.queue_lease < Duration::from_millis(100) {
        return Err(Invalid::new("queue_lease", "must be 100ms or more").into());
    }
    // Gone at the end, with what is in it.
    let temporary = match config.dir {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new().prefix("muster-fleet-").tempdir().context("a temporary directory")?,
        ),
    };
    let given = || config.dir.clone().unwrap_or_default();
    let dir = temporary.as_ref().map_or_else(given, |dir| dir.path().to_owned());
    let plan = Plan::new(&config, &dir)?;
    println!("starting {} programs; their logs are in {}", plan.specs.len(), plan.logs.display());
    let mut fleet = Supervisor::new(&config, plan);
    let ran = fleet.run(&config, &stop).await;
    let ended = fleet.stop().await;
    println!("stopped");
    ran.and(ended)
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "write a number, for example 20".to_owned())?;
    let sensible = rate.is_finite() && (rate == 0.0 || (0.001..=100_000.0).contains(&rate));
    sensible.then_some(rate).ok_or_else(|| "must be 0, or from 0.001 to 100000 players a second".to_owned())
}
