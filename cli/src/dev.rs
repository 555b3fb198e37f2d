//! `muster dev`: all of Muster in one process, to try it and to build a game against it.
//!
//! A control plane with its state in memory, a gateway that believes the player ids that clients send, two demo game
//! servers with an agent each, and a page to play on. They talk to each other over real ports, as they do anywhere else:
//! what works here works there.

mod page;
mod ports;
mod stack;
mod welcome;

use std::{net::SocketAddr, path::PathBuf};

use runtime::{config::Invalid, telemetry};
use tokio_util::sync::CancellationToken;

pub use page::routes as page_routes;
pub use stack::{GameServer, Stack};

/// Settings of `muster dev`.
#[derive(Debug, Clone, clap::Parser)]
#[command(
    name = "dev",
    about = "Run all of Muster in one process: control plane, gateway, two demo game servers and a page to play on",
    long_about = "Runs all of Muster in one process, for development: a control plane, a gateway, two demo \
        game servers with an agent each, and a page to play on at the gateway's root.\n\n\
        The gateway believes the player ids that clients send, so it is for this machine only. Ctrl-C stops everything \
        cleanly; a second one at once. Port 0 takes any free port."
)]
pub struct Config {
    /// Where game clients connect, and where the page is.
    #[arg(long, env = "MUSTER_DEV_GATEWAY_ADDR", default_value = "127.0.0.1:3000", value_name = "ADDR")]
    pub gateway_addr: SocketAddr,
    /// Where game servers without an agent register.
    #[arg(long, env = "MUSTER_DEV_INTERNAL_ADDR", default_value = "127.0.0.1:3080", value_name = "ADDR")]
    pub internal_addr: SocketAddr,
    /// Where the control plane serves gRPC.
    #[arg(
        long,
        env = "MUSTER_DEV_CONTROL_PLANE_ADDR",
        default_value = "127.0.0.1:3001",
        value_name = "ADDR"
    )]
    pub control_plane_addr: SocketAddr,
    /// Where players connect to the demo game servers: one address for each server.
    #[arg(
        long,
        env = "MUSTER_DEV_SERVER_ADDRS",
        default_values = ["127.0.0.1:7001", "127.0.0.1:7002"],
        value_delimiter = ',',
        value_name = "ADDR"
    )]
    pub server_addrs: Vec<SocketAddr>,
    /// Where the agents serve their local API: one address for each demo game server.
    #[arg(
        long,
        env = "MUSTER_DEV_AGENT_ADDRS",
        default_values = ["127.0.0.1:9358", "127.0.0.1:9368"],
        value_delimiter = ',',
        value_name = "ADDR"
    )]
    pub agent_addrs: Vec<SocketAddr>,
    /// Where to serve Prometheus metrics of all programs together.
    #[arg(long, env = "MUSTER_DEV_METRICS_ADDR", value_name = "ADDR")]
    pub metrics_addr: Option<SocketAddr>,
    /// The land types that the demo game servers host: what comes before the colon of a queue key.
    #[arg(
        long,
        env = "MUSTER_DEV_LAND_TYPES",
        default_values = ["demo", "hero-defense"],
        value_delimiter = ','
    )]
    pub land_types: Vec<String>,
    /// How many lands each demo game server can hold at once.
    #[arg(long, env = "MUSTER_DEV_CAPACITY", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub capacity: u32,
    /// The directory of the signing keys, made with a first key where it isn't there.
    #[arg(long, env = "MUSTER_DEV_KEYS", default_value = ".muster/keys", value_name = "DIR")]
    pub keys: PathBuf,
    /// Where tickets and assignments are kept: in a file, or gone with the process.
    #[arg(long, env = "MUSTER_DEV_STATE", default_value = "embedded", value_enum)]
    pub state: control_plane::State,
    /// The directory of the embedded state, made where it isn't there.
    #[arg(long, env = "MUSTER_DEV_STATE_DIR", default_value = ".muster/state", value_name = "DIR")]
    pub state_dir: PathBuf,
    /// A configuration file of the control plane, whose queues are used; its settings are not. Read again at SIGHUP, or by
    /// `muster queues reload`.
    #[arg(long, env = "MUSTER_DEV_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The log.
    #[command(flatten)]
    pub telemetry: telemetry::Settings,
}

impl Config {
    fn check(&self) -> Result<(), Invalid> {
        if self.server_addrs.is_empty() {
            return Err(Invalid::new("server_addrs", "is empty; name one address for each game server"));
        }
        if self.server_addrs.len() != self.agent_addrs.len() {
            let message = format!(
                "names {} addresses for {} game servers; give each server an agent",
                self.agent_addrs.len(),
                self.server_addrs.len()
            );
            return Err(Invalid::new("agent_addrs", message));
        }
        if self.state == control_plane::State::Redis {
            return Err(Invalid::new(
                "state",
                "can be embedded or memory here; with Redis, use `muster fleet`, or run the programs themselves",
            ));
        }
        Ok(())
    }
}

/// Runs everything until `stop`, and says what runs where once it is ready.
#[expect(clippy::print_stdout, reason = "the table and the hints are what the command is for")]
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let stack = Stack::bind(config).await?;
    let welcome = welcome::text(&stack);
    let ready = || println!("{welcome}");
    stack.run(stop, ready).await?;
    println!("stopped");
    Ok(())
}
