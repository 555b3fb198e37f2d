//! The control plane, as the gateway sees it: one channel, calls with deadlines, the watch hub, and two answers worth keeping
//! for a moment (its health, its keys).
//!
//! Nothing above this module sees a gRPC status: what fails here is a `Refusal` that may go to a client.

mod calls;
mod health;
pub(crate) mod hub;
mod jwks;
mod shared;

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use crate::config::Config;

pub(crate) use calls::{Calls, fresh_ticket_id};
pub(crate) use health::HealthCheck;
pub(crate) use jwks::JwksCache;

/// Room for this many bytes on the way: thousands of tickets change at once on one stream, and the default of 64 KiB would
/// stall it, or end it for too many tiny frames.
const WINDOW: u32 = 16 * 1024 * 1024;

/// One channel to the control plane. It connects when it is first used and again whenever it has lost its connection.
pub(crate) fn channel(config: &Config) -> Channel {
    Endpoint::from(config.control_plane.clone())
        .connect_timeout(config.connect_timeout)
        .tcp_nodelay(true)
        // A peer that vanished without a word is noticed in time, also while nobody calls.
        .http2_keep_alive_interval(Duration::from_secs(5))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .connect_lazy()
}
