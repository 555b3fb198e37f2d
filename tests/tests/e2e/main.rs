//! The whole path, for real: players over REST and WebSocket, game servers behind their agents, everything in between.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

mod absence;
mod architecture;
mod browser;
mod dev;
mod docs;
mod explain;
mod faults;
mod fleet;
mod guarded;
mod identity;
mod limits;
mod match_function;
mod nginx;
mod play;
mod processes;
mod rolling;
mod scenarios;
mod sessions;
mod tokens;
