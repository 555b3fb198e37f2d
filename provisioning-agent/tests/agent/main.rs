//! The agent as its two neighbours see it: a control plane that speaks real gRPC, and a game server that speaks real HTTP.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

mod control_plane;
mod fixture;

mod agones;
mod bad_input;
mod examples;
mod exec;
mod failover;
mod jwks;
mod lands;
mod own_api;
mod process;
mod redeem;
mod registration;
mod several;
mod watch;
