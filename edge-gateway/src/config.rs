//! The gateway's settings.
//!
//! Whatever can't work is refused by [`Config::validate`] before a port opens, with the setting's name as the file writes it.
//! What clients may cost, and whom the gateway believes about them, is in [`limits`].

mod identity;
mod limits;
mod tls;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::ArgAction;
use runtime::{
    config::{Invalid, duration},
    control_plane::Credentials,
    endpoints, program, telemetry,
};

use crate::identity::Sections;

pub use identity::IdentitySettings;
pub use limits::{ForwardedHeader, Limits};
pub use tls::Tls;

/// The largest message that a socket takes, in bytes. Part of the contract, so no setting.
pub(crate) const MAX_SOCKET_MESSAGE: usize = 16 * 1024;

/// The longest `?wait=` of a status request, in seconds. Part of the contract, so no setting.
pub(crate) const MAX_STATUS_WAIT_S: u64 = 20;

/// The edge of Muster: REST and WebSocket for game clients, gRPC to the control plane.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "edge-gateway", version)]
pub struct Config {
    /// The configuration file (TOML).
    #[arg(long, env = "MUSTER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The log.
    #[command(flatten)]
    pub telemetry: telemetry::Settings,

    /// Where to serve Prometheus metrics.
    #[arg(long, env = "METRICS_ADDR", default_value = "127.0.0.1:9402", value_name = "ADDR")]
    pub metrics_addr: Option<SocketAddr>,

    /// Where game clients connect: REST, `/realtime` and the API's description.
    #[arg(long, env = "GATEWAY_CLIENT_ADDR", default_value = "127.0.0.1:3000", value_name = "ADDR")]
    pub client_addr: SocketAddr,

    /// Where game servers without an agent register. Not for the internet: whoever reaches it is trusted.
    #[arg(long, env = "GATEWAY_INTERNAL_ADDR", default_value = "127.0.0.1:3080", value_name = "ADDR")]
    pub internal_addr: SocketAddr,

    /// The control plane's gRPC addresses. Repeat it, or separate by commas; a host name stands for every address that it
    /// resolves to. Calls are balanced over those that are well.
    #[arg(
        long,
        env = "CONTROL_PLANE_URL",
        default_value = "http://127.0.0.1:3001",
        value_name = "URL",
        value_delimiter = ','
    )]
    pub control_plane: Vec<String>,

    /// How often the control plane's host names are resolved; also soon after an address fails. 100ms or more.
    #[arg(long, env = "CONTROL_PLANE_REFRESH", default_value = "5s", value_parser = duration)]
    pub control_plane_refresh: Duration,

    /// Trust the player ids that clients send. For development only: anybody can be anybody. Refused where strangers could
    /// reach `client_addr`.
    #[arg(
        long,
        env = "ALLOW_CLIENT_PLAYER_ID",
        default_value_t = false,
        action = ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub allow_client_player_id: bool,

    /// Do so although strangers may reach `client_addr`, which is not a loopback address: whoever does can enqueue as anybody.
    #[arg(
        long,
        env = "ALLOW_CLIENT_PLAYER_ID_THOUGH_STRANGERS_CAN_BE_ANYBODY",
        default_value_t = false,
        action = ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub allow_client_player_id_though_strangers_can_be_anybody: bool,

    /// Serve `internal_addr` although it is not a loopback address: whoever reaches it can register game servers, and be sent
    /// players.
    #[arg(
        long,
        env = "ALLOW_INTERNAL_LISTENER_THOUGH_STRANGERS_CAN_REGISTER_SERVERS",
        default_value_t = false,
        action = ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub allow_internal_listener_though_strangers_can_register_servers: bool,

    /// How long a client's request may take, and so the deadline of each call to the control plane.
    #[arg(long, env = "GATEWAY_REQUEST_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub request_timeout: Duration,

    /// How long to wait for a connection to the control plane.
    #[arg(long, env = "GATEWAY_CONNECT_TIMEOUT", default_value = "2s", value_parser = duration)]
    pub connect_timeout: Duration,

    /// The largest request body, in bytes.
    #[arg(
        long,
        env = "GATEWAY_MAX_BODY",
        default_value_t = 64 * 1024,
        value_name = "BYTES"
    )]
    pub max_body: usize,

    /// How long a connection may take to send the head of a request, from its first byte (of a new connection: from its start).
    #[arg(long, env = "GATEWAY_HEADER_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub header_timeout: Duration,

    /// How long a connection may be idle between two requests. Longer than a proxy keeps idle connections, so that the proxy
    /// closes them and no request meets a closing connection.
    #[arg(long, env = "GATEWAY_IDLE_TIMEOUT", default_value = "75s", value_parser = duration)]
    pub idle_timeout: Duration,

    /// How many messages a slow socket may be behind before it is closed (and resumes by its ticket's id).
    #[arg(long, env = "GATEWAY_SOCKET_QUEUE", default_value_t = 64, value_name = "MESSAGES")]
    pub socket_queue: usize,

    /// How often a socket is pinged.
    #[arg(long, env = "GATEWAY_PING_INTERVAL", default_value = "20s", value_parser = duration)]
    pub ping_interval: Duration,

    /// After how much silence a socket is dropped. At least twice the ping interval.
    #[arg(long, env = "GATEWAY_PING_TIMEOUT", default_value = "45s", value_parser = duration)]
    pub ping_timeout: Duration,

    /// How long a client may take to read what it is sent before it is dropped: one message of a socket, a part of an answer.
    #[arg(long, env = "GATEWAY_SEND_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub send_timeout: Duration,

    /// The shortest time between two `queue.update` of one ticket on one socket.
    #[arg(long, env = "GATEWAY_QUEUE_UPDATE_INTERVAL", default_value = "5s", value_parser = duration)]
    pub queue_update_interval: Duration,

    /// How long a shutdown waits for requests and sockets to end.
    #[arg(long, env = "GATEWAY_DRAIN_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub drain_timeout: Duration,

    /// By what the control plane knows this gateway. Its key or certificate has the scope `gateway`.
    #[command(flatten)]
    pub credentials: Credentials,

    /// TLS of the listeners.
    #[command(flatten)]
    pub tls: Tls,

    /// Whom the gateway believes.
    #[command(flatten)]
    pub identity: IdentitySettings,

    /// What clients may cost.
    #[command(flatten)]
    pub limits: Limits,
}

impl program::Settings for Config {
    type Sections = Sections;

    fn telemetry(&self) -> &telemetry::Settings {
        &self.telemetry
    }

    fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }
}

impl Config {
    /// Refuses settings that parse but can't work.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.control_planes()?;
        self.identity.validate()?;
        endpoints::check_refresh("control_plane_refresh", self.control_plane_refresh)?;
        for (setting, value) in [
            ("request_timeout", self.request_timeout),
            ("connect_timeout", self.connect_timeout),
            ("header_timeout", self.header_timeout),
            ("idle_timeout", self.idle_timeout),
            ("ping_interval", self.ping_interval),
            ("send_timeout", self.send_timeout),
        ] {
            if value.is_zero() {
                return Err(Invalid::new(setting, "must be longer than zero, for example 10s"));
            }
        }
        if self.ping_timeout < self.ping_interval * 2 {
            return Err(Invalid::new(
                "ping_timeout",
                "must be at least twice ping_interval, or a living socket could miss its only ping",
            ));
        }
        if !(1024..=16 * 1024 * 1024).contains(&self.max_body) {
            return Err(Invalid::new("max_body", "must be 1024 (1 KiB) to 16777216 (16 MiB)"));
        }
        if !(1..=65_536).contains(&self.socket_queue) {
            return Err(Invalid::new("socket_queue", "must be 1 to 65536 messages"));
        }
        self.limits.validate()?;
        self.tls.clients()?;
        self.tls.internal()?;
        self.check_strangers()
    }

    /// On a loopback address there are no strangers. Anywhere else, what trusts whoever comes has to be forced.
    fn check_strangers(&self) -> Result<(), Invalid> {
        let clients = self.client_addr;
        let forced = self.allow_client_player_id_though_strangers_can_be_anybody;
        if self.allow_client_player_id && !clients.ip().is_loopback() && !forced {
            let message = format!(
                "would let whoever reaches client_addr {clients} enqueue as anybody; serve clients on 127.0.0.1, or turn it \
                 off, or force it with allow_client_player_id_though_strangers_can_be_anybody"
            );
            return Err(Invalid::new("allow_client_player_id", message));
        }
        let internal = self.internal_addr;
        let forced = self.allow_internal_listener_though_strangers_can_register_servers
            || self.tls.internal_keeps_strangers_out();
        if !internal.ip().is_loopback() && !forced {
            let message = format!(
                "{internal} is reachable from other machines, and whoever reaches it can register game servers; use \
                 127.0.0.1, or let in certificates alone (internal_tls_ca), or, on a private network, force it with \
                 allow_internal_listener_though_strangers_can_register_servers"
            );
            return Err(Invalid::new("internal_addr", message));
        }
        Ok(())
    }

    /// Where the control plane is, as configured.
    pub(crate) fn control_planes(&self) -> Result<Vec<endpoints::Target>, Invalid> {
        endpoints::parse("control_plane", &self.control_plane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(flags: &[&str]) -> Config {
        runtime::config::defaults(flags)
    }

    #[test]
    fn the_defaults_are_valid_and_trust_nobody() {
        let config = config(&[]);
        config.validate().unwrap();
        assert!(!config.allow_client_player_id);
        assert_eq!((config.client_addr.port(), config.internal_addr.port()), (3000, 3080));
    }

    #[test]
    fn several_control_planes_are_repeated_or_have_commas() {
        let config =
            config(&["--control-plane", "http://a:1,http://b:2", "--control-plane", "http://127.0.0.1:3"]);
        assert_eq!(config.control_plane, ["http://a:1", "http://b:2", "http://127.0.0.1:3"]);
        config.validate().unwrap();
    }

    #[test]
    fn trust_is_a_switch_and_a_value() {
        assert!(config(&["--allow-client-player-id"]).allow_client_player_id);
        assert!(!config(&["--allow-client-player-id", "false"]).allow_client_player_id);
    }

    #[test]
    fn what_trusts_strangers_is_refused_unless_it_is_forced_by_its_full_name() {
        let open = ["--allow-client-player-id", "--client-addr", "0.0.0.0:3000"];
        for addr in ["0.0.0.0:3000", "[::]:3000", "192.168.1.5:3000"] {
            let refused =
                config(&["--allow-client-player-id", "--client-addr", addr]).validate().unwrap_err();
            assert_eq!(refused.setting, "allow_client_player_id", "{addr}");
            assert!(refused.message.contains("allow_client_player_id_though_strangers_can_be_anybody"));
        }
        let force = "--allow-client-player-id-though-strangers-can-be-anybody";
        config(&[&open[..], &[force]].concat()).validate().unwrap();
        config(&["--client-addr", "0.0.0.0:3000"]).validate().unwrap();
        config(&["--allow-client-player-id", "--client-addr", "[::1]:3000"]).validate().unwrap();

        let internal = ["--internal-addr", "0.0.0.0:3080"];
        assert_eq!(config(&internal).validate().unwrap_err().setting, "internal_addr");
        let force = "--allow-internal-listener-though-strangers-can-register-servers";
        config(&[&internal[..], &[force]].concat()).validate().unwrap();
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (flags, setting) in [
            (["--control-plane", "ftp://cp:3001"], "control_plane"),
            (["--client-tls-certificate", "c.pem"], "client_tls_key"),
            (["--internal-tls-ca", "ca.pem"], "internal_tls_certificate"),
            (["--control-plane", "cp"], "control_plane"),
            (["--control-plane", "http://cp:3001/v1"], "control_plane"),
            (["--control-plane", "http://cp:3001,"], "control_plane"),
            (["--control-plane-refresh", "99ms"], "control_plane_refresh"),
            (["--request-timeout", "0s"], "request_timeout"),
            (["--ping-timeout", "21s"], "ping_timeout"),
            (["--max-body", "10"], "max_body"),
            (["--socket-queue", "0"], "socket_queue"),
        ] {
            assert_eq!(config(&flags).validate().unwrap_err().setting, setting, "{flags:?}");
        }
    }
}
