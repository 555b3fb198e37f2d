//! The control plane's settings.

mod access;
mod allocation;
mod grpc;
mod queues;
mod redis;
mod tokens;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use runtime::{
    config::{Invalid, duration},
    telemetry,
};

use crate::peers::PeersPace;

pub use access::Access;
pub(crate) use allocation::is_label_value;
pub use allocation::{AllocationSettings, Allocator, Scheme};
pub use grpc::Grpc;
pub use queues::{AllocationEntry, QueueEntry, Sections, SelectorEntry};
pub use redis::{Redis, Topology};
pub use tokens::TokenAlgorithm;

/// Muster's control plane: queues, matches, allocates and signs. It speaks gRPC only.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "control-plane", version)]
pub struct Config {
    /// The configuration file (TOML): these settings by name, and `[queues."<queueKey>"]` tables.
    #[arg(long, env = "MUSTER_CONFIG")]
    pub config: Option<PathBuf>,
    /// What this replica does.
    #[arg(long, env = "MATCHMAKING_ROLE", default_value = "all", value_enum)]
    pub matchmaking_role: Role,
    /// Where to serve gRPC.
    #[arg(long, env = "GRPC_ADDR", default_value = "127.0.0.1:3001")]
    pub grpc_addr: SocketAddr,
    /// Where to serve Prometheus metrics.
    #[arg(long, env = "METRICS_ADDR", default_value = "127.0.0.1:9401")]
    pub metrics_addr: Option<SocketAddr>,
    /// The directory of the signing keys; made with a first key where it isn't there.
    #[arg(long, env = "KEYS_DIR", default_value = "keys")]
    pub keys_dir: PathBuf,
    /// Where tickets and assignments are kept.
    #[arg(long, env = "STATE", default_value = "embedded", value_enum)]
    pub state: State,
    /// The directory of the embedded state; made where it isn't there. One process may use it at a time.
    #[arg(long, env = "STATE_DIR", default_value = "state")]
    pub state_dir: PathBuf,
    /// What an acknowledged change of the embedded state survives.
    #[arg(long, env = "DURABILITY", default_value = "flush", value_enum)]
    pub durability: Durability,
    /// The `iss` of every token.
    #[arg(long, env = "TOKEN_ISSUER", default_value = "muster")]
    pub token_issuer: String,
    /// How long an assignment can be used: its tokens expire this long after the match.
    #[arg(long, env = "TOKEN_LIFETIME", default_value = "5m", value_parser = duration)]
    pub token_lifetime: Duration,
    /// How long an identity token is good for at most, by which the gateway knows a player.
    #[arg(long, env = "IDENTITY_LIFETIME", default_value = "12h", value_parser = duration)]
    pub identity_lifetime: Duration,
    /// What tokens are signed with. Changing it is a rotation: a key for it is published and takes over once every cache has
    /// it. Give all replicas the same.
    #[arg(long, env = "TOKEN_ALGORITHM", default_value = "RS256", value_enum, ignore_case = true)]
    pub token_algorithm: TokenAlgorithm,
    /// For how long others may cache the JWKS; a new key waits this long before it signs.
    #[arg(long, env = "JWKS_MAX_AGE", default_value = "5m", value_parser = duration)]
    pub jwks_max_age: Duration,
    /// How long a ticket may wait in a queue that doesn't say otherwise.
    #[arg(long, env = "TICKET_LIFETIME", default_value = "15m", value_parser = duration)]
    pub ticket_lifetime: Duration,
    /// How many tickets one queue may hold.
    #[arg(long, env = "QUEUE_LIMIT", default_value_t = 1_000_000)]
    pub queue_limit: usize,
    /// How many queues may exist at once; enqueues for one more are refused.
    #[arg(long, env = "MAX_QUEUES", default_value_t = 10_000)]
    pub max_queues: usize,
    /// Refuse enqueues for queues that the configuration file doesn't name.
    #[arg(
        long,
        env = "CONFIGURED_QUEUES_ONLY",
        default_value_t = false,
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub configured_queues_only: bool,
    /// How often agents send a heartbeat.
    #[arg(long, env = "HEARTBEAT_INTERVAL", default_value = "2s", value_parser = duration)]
    pub heartbeat_interval: Duration,
    /// After how much silence an agent's server is lost.
    #[arg(long, env = "HEARTBEAT_EXPIRY", default_value = "8s", value_parser = duration)]
    pub heartbeat_expiry: Duration,
    /// How often a server without an agent registers again.
    #[arg(long, env = "REST_HEARTBEAT_INTERVAL", default_value = "30s", value_parser = duration)]
    pub rest_heartbeat_interval: Duration,
    /// After how much silence a server without an agent is lost.
    #[arg(long, env = "REST_HEARTBEAT_EXPIRY", default_value = "90s", value_parser = duration)]
    pub rest_heartbeat_expiry: Duration,
    /// How long a server may take to answer that a land is ready before the next server is asked.
    #[arg(long, env = "LAND_ANSWER_TIMEOUT", default_value = "2s", value_parser = duration)]
    pub land_answer_timeout: Duration,
    /// How many servers are asked for a match's land at most, or how often a service that allocates; then its tickets wait in
    /// their queue again.
    #[arg(long, env = "ALLOCATION_TRIES", default_value_t = 8)]
    pub allocation_tries: usize,
    /// How long a seat in a land that is ready is kept for a player who has not come. `0s`: as long as the land lives.
    #[arg(long, env = "NO_SHOW_AFTER", default_value = "2m", value_parser = duration)]
    pub no_show_after: Duration,
    /// How long a queue stays owned by a worker that fell silent.
    #[arg(long, env = "QUEUE_LEASE", default_value = "10s", value_parser = duration)]
    pub queue_lease: Duration,
    /// How long a shutdown may take.
    #[arg(long, env = "SHUTDOWN_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub shutdown_timeout: Duration,
    /// Who allocates.
    #[command(flatten)]
    pub allocation: AllocationSettings,
    /// Who may call.
    #[command(flatten)]
    pub access: Access,
    /// What callers may cost.
    #[command(flatten)]
    pub grpc: Grpc,
    /// How to reach Redis.
    #[command(flatten)]
    pub redis: Redis,
    /// The log.
    #[command(flatten)]
    pub telemetry: telemetry::Settings,
}

/// What one replica of a control plane does. With a state that one process has for itself it must do all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Serve calls and form matches.
    All,
    /// Serve the calls of gateways, agents and services, and form no match.
    Api,
    /// Form matches, and serve no call but health and reflection.
    QueueWorker,
}

impl Role {
    pub(crate) fn serves_calls(self) -> bool {
        matches!(self, Self::All | Self::Api)
    }

    pub(crate) fn forms_matches(self) -> bool {
        matches!(self, Self::All | Self::QueueWorker)
    }
}

/// Where tickets and assignments are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum State {
    /// In a file in `--state-dir`: they survive a crash of the program.
    Embedded,
    /// In memory: they are gone with the process.
    Memory,
    /// In Redis or Valkey, at `--redis-url`: they survive what Redis survives.
    Redis,
}

/// What an acknowledged change of the embedded state survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Durability {
    /// A power cut: it is on the disk.
    Flush,
    /// A crash of the program, not of the machine: the operating system has it.
    Os,
}

impl runtime::program::Settings for Config {
    type Sections = Sections;

    fn telemetry(&self) -> &telemetry::Settings {
        &self.telemetry
    }

    fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }
}

impl Config {
    /// Replicas notice each other's end in half the time in which a server's silence is noticed: agents that have to find
    /// another replica have the other half.
    pub(crate) fn peers_pace(&self) -> PeersPace {
        PeersPace { interval: self.heartbeat_interval / 2, expiry: self.heartbeat_expiry / 2 }
    }

    /// How long an allocation that a service asks for may take: longer than all the servers that are asked for it, one after the
    /// other, or than an allocation service is.
    pub(crate) fn allocation_patience(&self) -> Duration {
        self.land_answer_timeout.saturating_mul(6).max(self.allocation.allocation_budget)
            + Duration::from_secs(5)
    }

    /// How long a seat is kept for a player who has not come; `None`: as long as the land lives.
    pub(crate) fn no_show_after(&self) -> Option<Duration> {
        (!self.no_show_after.is_zero()).then_some(self.no_show_after)
    }

    /// Looks at the settings together.
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        let positive = [
            ("token_lifetime", self.token_lifetime),
            ("identity_lifetime", self.identity_lifetime),
            ("ticket_lifetime", self.ticket_lifetime),
            ("heartbeat_interval", self.heartbeat_interval),
            ("rest_heartbeat_interval", self.rest_heartbeat_interval),
            ("land_answer_timeout", self.land_answer_timeout),
            ("queue_lease", self.queue_lease),
        ];
        for (setting, span) in positive {
            if span < Duration::from_millis(1) {
                return Err(Invalid::new(setting, "must be at least 1ms"));
            }
        }
        longer("heartbeat_expiry", self.heartbeat_expiry, self.heartbeat_interval)?;
        longer("rest_heartbeat_expiry", self.rest_heartbeat_expiry, self.rest_heartbeat_interval)?;
        self.allocation.validate()?;
        self.grpc.validate()?;
        self.access.validate(self.grpc_addr, self.matchmaking_role.serves_calls())?;
        if self.state == State::Redis {
            self.redis.settings()?;
        } else if self.matchmaking_role != Role::All {
            let message = "can only be `all` here: replicas with other roles need a state that they share (`--state redis`)";
            return Err(Invalid::new("matchmaking_role", message));
        }
        if self.token_issuer.is_empty() {
            return Err(Invalid::new("token_issuer", "must not be empty"));
        }
        for (setting, limit) in [
            ("queue_limit", self.queue_limit),
            ("max_queues", self.max_queues),
            ("allocation_tries", self.allocation_tries),
        ] {
            if limit == 0 {
                return Err(Invalid::new(setting, "must be at least 1"));
            }
        }
        Ok(())
    }
}

fn longer(setting: &str, expiry: Duration, interval: Duration) -> Result<(), Invalid> {
    if expiry > interval {
        return Ok(());
    }
    let message =
        format!("must be longer than the interval of {interval:?}, or every server is lost at once");
    Err(Invalid::new(setting, message))
}
