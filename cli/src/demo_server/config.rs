//! What can be set on the demo game server.

use std::{net::SocketAddr, time::Duration};

use runtime::config::{Invalid, duration};

/// Settings of the demo game server.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "demo-server", about = "Run the demo game server, the example to read for integrators")]
pub struct Config {
    /// Where players connect. Port 0 takes any free one.
    #[arg(long, env = "DEMO_SERVER_ADDR", default_value = "127.0.0.1:7001")]
    pub addr: SocketAddr,
    /// The URL of the provisioning agent beside this server. Not used in direct mode.
    #[arg(long, env = "MUSTER_AGENT_URL", default_value = "http://127.0.0.1:9358")]
    pub agent: String,
    /// Who decides who plays where: the control plane (a token is required, lands come from the agent), or the player (no
    /// token, a land is created when somebody joins it).
    #[arg(long, env = "MATCHMAKING_MODE", default_value = "control-plane", value_enum)]
    pub mode: Mode,
    /// What kinds of land this server hosts; repeat it or separate by commas.
    #[arg(long, env = "DEMO_SERVER_LAND_TYPE", default_value = "hero-defense", value_delimiter = ',')]
    pub land_type: Vec<String>,
    /// Who must have issued a token: its `iss`.
    #[arg(long, env = "DEMO_SERVER_ISSUER", default_value = "muster")]
    pub issuer: String,
    /// Whether a token lets its player in only once, which the control plane has to be asked for.
    #[arg(long, env = "DEMO_SERVER_REDEEM", default_value = "always", value_enum)]
    pub redeem: Redeem,
    /// After how long a land that nobody joined ends.
    #[arg(long, env = "DEMO_SERVER_JOIN_WITHIN", default_value = "60s", value_parser = duration)]
    pub join_within: Duration,
    /// After how long a land that everybody left ends.
    #[arg(long, env = "DEMO_SERVER_EMPTY_GRACE", default_value = "10s", value_parser = duration)]
    pub empty_grace: Duration,
    /// How many lands may live here at once; more are refused.
    #[arg(long, env = "DEMO_SERVER_MAX_LANDS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_lands: u32,
    /// How many players may be connected at once; more are closed with 1013.
    #[arg(long, env = "DEMO_SERVER_MAX_CONNECTIONS", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,
}

/// Who decides who plays where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// The control plane does: tokens are required, and lands are announced by the agent.
    ControlPlane,
    /// The player does: no token, and a land is created when somebody joins it.
    Direct,
}

/// Whether a token lets its player in only once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Redeem {
    /// It does: while the control plane is away, nobody comes in.
    Always,
    /// It does, but while the control plane is away its signature is enough: a token that was used may then be used again.
    WhenReachable,
    /// It is good for as long as it lives; the control plane is never asked.
    Never,
}

impl Config {
    /// Looks at the settings together.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        if self.land_type.iter().any(|name| name.trim().is_empty()) {
            return Err(Invalid::new(
                "land_type",
                "is empty; name the kind of land, for example hero-defense",
            ));
        }
        Ok(())
    }
}
