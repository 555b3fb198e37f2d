//! The settings of an agent, as they are written.
//!
//! Nothing here judges a value beyond its form; [`Server::check`] looks at all of them together and is the only way to what
//! the rest of the agent works with.

mod sdk;
mod server;
mod tables;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

pub use server::Server;
pub use tables::{ServerTable, Servers};

use runtime::control_plane::Credentials;

use crate::{exec::Restart, machine::SdkLands};

/// Where the loopback API listens unless it is told otherwise, and the Agones SDK by gRPC beside it.
const HTTP_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9358);
const GRPC_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9357);

/// Registers one game server with the control plane and keeps it registered. Run it beside the game server.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "provisioning-agent", version)]
pub struct Config {
    /// A TOML file that sets what flags and environment don't.
    #[arg(long, env = "MUSTER_CONFIG")]
    pub config: Option<PathBuf>,
    /// The control plane's gRPC addresses. Repeat it, or separate by commas; a host name stands for every address that it
    /// resolves to. The agent is connected to one of them, and moves on when that fails.
    #[arg(long, env = "CONTROL_PLANE_URL", default_value = "http://127.0.0.1:3001", value_delimiter = ',')]
    pub control_plane: Vec<String>,
    /// How often the control plane's host names are resolved; also soon after an address fails. 100ms or more.
    #[arg(long, env = "CONTROL_PLANE_REFRESH", default_value = "5s", value_parser = runtime::config::duration)]
    pub control_plane_refresh: Duration,
    /// Where the game server reaches this agent. Loopback only: the API has no other protection.
    #[arg(long, env = "AGENT_HTTP_ADDR", default_value_t = HTTP_ADDR)]
    pub http_addr: SocketAddr,
    /// Names the game server; stays the same over its restarts. 1 to 128 bytes. Required, as are its port and a land type, unless
    /// the file has `[[server]]` tables.
    #[arg(long, env = "SERVER_ID", help_heading = "Game server")]
    pub server_id: Option<String>,
    /// The game server's own address: a host name or an IP address.
    #[arg(long, env = "SERVER_HOST", default_value = "127.0.0.1", help_heading = "Game server")]
    pub host: String,
    /// The game server's own port, 1 to 65535.
    #[arg(long, env = "SERVER_PORT", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Game server")]
    pub port: Option<u16>,
    /// A kind of land that the game server can host. Repeat it, or separate by commas; at most 32.
    #[arg(long, env = "LAND_TYPES", value_delimiter = ',', help_heading = "Game server")]
    pub land_type: Vec<String>,
    /// Where it runs; matches of that region prefer it.
    #[arg(long, env = "SERVER_REGION", help_heading = "Game server")]
    pub region: Option<String>,
    /// How many lands it can hold at once, 1 to 100000.
    #[arg(long, env = "SERVER_CAPACITY", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Game server")]
    pub capacity: u32,
    /// How many players it can hold at once, in all its lands, 1 to 100000000. Without it: as many as its lands take.
    #[arg(long, env = "SERVER_PLAYER_CAPACITY", value_parser = clap::value_parser!(u32).range(1..=100_000_000), help_heading = "Game server")]
    pub player_capacity: Option<u32>,
    /// The host that players connect to, where that isn't the game server's own: a reverse proxy, for example.
    #[arg(long, env = "CONNECT_HOST", help_heading = "Game server")]
    pub connect_host: Option<String>,
    /// The port that players connect to, where that isn't the game server's own.
    #[arg(long, env = "CONNECT_PORT", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Game server")]
    pub connect_port: Option<u16>,
    /// How players connect. Without it: `wss` where the port is 443, else `ws`.
    #[arg(long, env = "CONNECT_SCHEME", value_enum, help_heading = "Game server")]
    pub connect_scheme: Option<Scheme>,
    /// A label, `name=value`. Repeat it, or separate by commas in the environment; at most 64.
    #[arg(long, env = "SERVER_LABELS", value_delimiter = ',', help_heading = "Game server")]
    pub label: Vec<String>,
    /// The game server's version, for people and selectors.
    #[arg(long, env = "GAME_VERSION", help_heading = "Game server")]
    pub game_version: Option<String>,
    /// Who decides about a new land: the game server through this agent's API, or this agent for a game server that
    /// doesn't speak it.
    #[arg(long, env = "AGENT_LANDS", value_enum, default_value_t = Lands::Report, help_heading = "Lands")]
    pub lands: Lands,
    /// How long a land lives with `--lands=auto`, where nobody reports its end. 1s to 30d.
    #[arg(long, env = "AUTO_LAND_LIFETIME", default_value = "2h", value_parser = runtime::config::duration, help_heading = "Lands")]
    pub auto_land_lifetime: Duration,
    /// How long lands may go on once this agent is told to stop (SIGTERM): it takes no new ones and waits, and says goodbye when the
    /// last one is over or this time is up. Less than what stops it waits itself: Kubernetes kills after 30s. 0s to 7d; 0s:
    /// goodbye at once.
    #[arg(long, env = "AGENT_DRAIN_TIMEOUT", default_value = "25s", value_parser = runtime::config::duration, help_heading = "Lands")]
    pub drain_timeout: Duration,
    /// The `iss` of match tokens, as the control plane's `--token-issuer` has it: for the game servers whose tokens this agent
    /// verifies.
    #[arg(long, env = "TOKEN_ISSUER", default_value = "muster")]
    pub token_issuer: String,
    /// The game server to start: `--exec -- ./game-server --its flags`, in the file a list. It is started again when it ends, and
    /// ends with this agent.
    #[arg(long, num_args = 0.., value_name = "-- PROGRAM", help_heading = "Starting the game server")]
    pub exec: Option<Vec<String>>,
    /// When a game server that has ended is started again, after 1s, then twice as long each time up to 30s. Where it isn't, this
    /// agent ends, too.
    #[arg(long, env = "AGENT_EXEC_RESTART", value_enum, default_value_t = Restart::Always, help_heading = "Starting the game server")]
    pub exec_restart: Restart,
    /// How long the game server has to end once it was asked to (SIGTERM), before it is killed. It is asked after the drain: see
    /// `--drain-timeout`. 0s to 1h.
    #[arg(long, env = "AGENT_EXEC_KILL_AFTER", default_value = "4s", value_parser = runtime::config::duration, help_heading = "Starting the game server")]
    pub exec_kill_after: Duration,
    /// What stands behind `--`.
    #[arg(last = true, hide = true, requires = "exec")]
    pub exec_command: Vec<String>,
    /// Where a game server reaches this agent by gRPC, for our own service and the Agones SDK. Loopback only. Without it: 127.0.0.1:9357 where `--http-addr` isn't
    /// set, else nowhere.
    #[arg(long, env = "AGENT_GRPC_ADDR", help_heading = "Agones SDK")]
    pub grpc_addr: Option<SocketAddr>,
    /// The port of the Agones SDK by gRPC, in the words of Agones; in place of that of `--grpc-addr`.
    #[arg(long, env = "AGONES_SDK_GRPC_PORT", help_heading = "Agones SDK")]
    pub agones_sdk_grpc_port: Option<u16>,
    /// The port of the Agones SDK by HTTP, in the words of Agones; in place of that of `--http-addr`.
    #[arg(long, env = "AGONES_SDK_HTTP_PORT", help_heading = "Agones SDK")]
    pub agones_sdk_http_port: Option<u16>,
    /// Who says that a land is ready, where the game server speaks nothing but the Agones SDK: this agent at once, or the game
    /// server once it has seen that it is allocated.
    #[arg(long, env = "AGENT_SDK_LANDS", value_enum, default_value_t = SdkLands::AtOnce, help_heading = "Agones SDK")]
    pub sdk_lands: SdkLands,
    /// A counter of the game server's own, `name=capacity`. Repeat it, or separate by commas; at most 64. `rooms` is always
    /// there.
    #[arg(long, env = "AGENT_SDK_COUNTERS", value_delimiter = ',', help_heading = "Agones SDK")]
    pub sdk_counter: Vec<String>,
    /// A list of the game server's own, `name=capacity`, of at most 1000 values. Repeat it, or separate by commas; at most 64.
    /// `players` is always there, with a capacity of 1000 unless it is named here.
    #[arg(long, env = "AGENT_SDK_LISTS", value_delimiter = ',', help_heading = "Agones SDK")]
    pub sdk_list: Vec<String>,
    /// How often a game server that speaks the Agones SDK has to say that it is well, from when it is first heard of. Silent for
    /// longer, it gets no new lands. 100ms to 1h; 0s: its health isn't judged.
    #[arg(long, env = "AGENT_HEALTH_PERIOD", default_value = "5s", value_parser = runtime::config::duration, help_heading = "Agones SDK")]
    pub health_period: Duration,
    /// How many such periods of silence make it `Unhealthy`, 2 to 100.
    #[arg(long, env = "AGENT_HEALTH_FAILURES", default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=100), help_heading = "Agones SDK")]
    pub health_failures: u32,
    /// Where to serve Prometheus metrics.
    #[arg(long, env = "METRICS_ADDR", default_value = "127.0.0.1:9403")]
    pub metrics_addr: Option<SocketAddr>,
    /// By what the control plane knows this agent. A key of the scope `agent` is bound to the server ids that its line names.
    #[command(flatten)]
    pub credentials: Credentials,
    /// The log.
    #[command(flatten)]
    pub telemetry: runtime::telemetry::Settings,
}

/// The scheme of a connect URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Without TLS.
    Ws,
    /// With TLS.
    Wss,
}

/// Who decides about a new land.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lands {
    /// The game server: it is told of the land and answers ready or refused.
    Report,
    /// This agent: every land is ready at once.
    Auto,
}

impl runtime::program::Settings for Config {
    type Sections = Servers;

    fn telemetry(&self) -> &runtime::telemetry::Settings {
        &self.telemetry
    }

    fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }
}
