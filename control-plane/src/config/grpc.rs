//! What callers of the gRPC port may cost.

use std::time::Duration;

use runtime::config::{Invalid, duration};

const MIB: usize = 1024 * 1024;

/// The limits of the gRPC port.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "gRPC")]
pub struct Grpc {
    /// How many connections may be open at once; one more is closed without a word. Never more than the system's open files allow.
    #[arg(long, env = "GRPC_MAX_CONNECTIONS", default_value_t = 20_000)]
    pub grpc_max_connections: usize,
    /// How many calls and streams one connection may have under way. It is told so and waits with the next.
    #[arg(long, env = "GRPC_MAX_STREAMS", default_value_t = 4_096)]
    pub grpc_max_streams: u32,
    /// The largest message that is taken, in bytes. 64 KiB to 64 MiB.
    #[arg(long, env = "GRPC_MAX_MESSAGE", default_value_t = 4 * MIB, value_name = "BYTES")]
    pub grpc_max_message: usize,
    /// The largest message that is taken of an agent, in bytes: by default a hundred thousand lands with their players. 64 KiB to
    /// 64 MiB.
    #[arg(long, env = "GRPC_MAX_REPORT", default_value_t = 32 * MIB, value_name = "BYTES")]
    pub grpc_max_report: usize,
    /// How long a new connection may take to begin to speak HTTP/2.
    #[arg(long, env = "GRPC_GREETING_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub grpc_greeting_timeout: Duration,
    /// How often a connection is asked whether it is alive.
    #[arg(long, env = "GRPC_KEEPALIVE_INTERVAL", default_value = "20s", value_parser = duration)]
    pub grpc_keepalive_interval: Duration,
    /// How long it may take to answer that before it is cut off.
    #[arg(long, env = "GRPC_KEEPALIVE_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub grpc_keepalive_timeout: Duration,
}

impl Grpc {
    /// Refuses settings that parse but can't work.
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        if self.grpc_max_connections == 0 || self.grpc_max_connections > tokio::sync::Semaphore::MAX_PERMITS {
            return Err(Invalid::new("grpc_max_connections", "must be at least 1"));
        }
        if self.grpc_max_streams < 8 {
            let message = "must be at least 8: a gateway follows tickets on one stream and calls beside it";
            return Err(Invalid::new("grpc_max_streams", message));
        }
        for (setting, bytes) in
            [("grpc_max_message", self.grpc_max_message), ("grpc_max_report", self.grpc_max_report)]
        {
            if !(64 * 1024..=64 * MIB).contains(&bytes) {
                return Err(Invalid::new(setting, "must be 65536 (64 KiB) to 67108864 (64 MiB)"));
            }
        }
        for (setting, span) in [
            ("grpc_greeting_timeout", self.grpc_greeting_timeout),
            ("grpc_keepalive_interval", self.grpc_keepalive_interval),
            ("grpc_keepalive_timeout", self.grpc_keepalive_timeout),
        ] {
            if span < Duration::from_millis(1) {
                return Err(Invalid::new(setting, "must be at least 1ms"));
            }
        }
        Ok(())
    }
}
