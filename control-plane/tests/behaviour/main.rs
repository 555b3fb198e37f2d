//! The control plane from outside: real gRPC over real sockets.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

mod agent;
mod hostile;
mod keys;
mod load;
mod program;
mod servers;
mod stack;
mod standard;
mod tickets;
mod watching;
