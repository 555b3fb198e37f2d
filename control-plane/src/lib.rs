//! The control plane: it queues, matches, allocates and signs. It speaks gRPC only, and never runs game logic.
//!
//! The way of a ticket through it, in one direction: `grpc` takes it in and hands it to `storage`; the `matchmaker` hears of
//! it, feeds the queue's engine (`matching`), has a land for each match found by `allocation` from the servers that the
//! `registry` knows (those whose agents speak to other replicas through the `peers`), and commits the match to `storage`; who follows the ticket is woken there, and `delivery` signs its
//! tokens (`tokens`) on the way out through `grpc`.

pub mod access;

mod allocation;
mod app;
mod chance;
mod config;
mod connect_url;
mod delivery;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod grpc;
mod ids;
mod matchmaker;
mod peers;
mod presence;
mod queues;
mod registry;
mod room;
mod sessions;
#[cfg(test)]
mod simulation;
mod state;

pub use app::{ControlPlane, Probe};
pub use config::{
    Access, AllocationEntry, AllocationSettings, Allocator, Config, Durability, Grpc, QueueEntry, Redis,
    Role, Scheme, Sections, SelectorEntry, State, TokenAlgorithm, Topology,
};
