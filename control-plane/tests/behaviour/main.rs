//! The control plane from outside: real gRPC over real sockets.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

mod absence;
mod access;
mod agent;
mod allocations;
mod costs;
mod drains;
mod hostile;
mod keys;
mod load;
mod match_function;
mod placing;
mod process;
mod program;
mod queues;
mod redeem;
#[expect(dead_code, reason = "the tests of the storage need more of it")]
#[path = "../../storage/tests/redis/server.rs"]
mod redis_server;
mod replicas;
mod servers;
mod sessions;
mod stack;
mod standard;
mod tickets;
mod watching;
