//! What every program needs and none owns.
//!
//! A program is a `Config` (see [`config`]) and something that runs until it is told to stop; [`program::run`] does the
//! rest: settings, log, signals, metrics, exit code. Inside, [`Tasks`] owns every spawned task and [`Clock`] says what
//! time it is. Nothing here knows what a ticket or a server is.

pub mod address;
pub mod config;
pub mod control_plane;
pub mod endpoints;
pub mod files;
pub mod listen;
pub mod metrics;
pub mod program;
pub mod telemetry;
pub mod tls;

mod clock;
mod tasks;

pub use clock::Clock;
pub use tasks::{TaskFailed, Tasks};
