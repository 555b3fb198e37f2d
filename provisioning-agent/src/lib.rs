//! The provisioning agent: the sidecar that registers game servers with the control plane and keeps them registered.
//!
//! | where | what |
//! |---|---|
//! | [`machine`] | all decisions, without network, clock or task: lands, heartbeats, tries, the end |
//! | `stream` | drives the machine against the control plane |
//! | `game_api` | what a game server may ask, whatever it speaks |
//! | `local_api` | that by HTTP on the loopback |
//! | `local_grpc` | that by gRPC, with the Agones SDK beside it |
//! | `agones` | the same for game servers that speak the Agones SDK, by gRPC and HTTP |
//! | `route` | which replica of the control plane comes next |
//! | `jwks` | the public keys, cached |
//! | `exec` | starts the game server itself, and again when it ends |
//! | `agent` | starts and joins all of it for one server; `agents` for several |
//!
//! The game server decides about its lands and says who plays in them; the control plane decides who plays where. What is
//! here keeps the two in touch through every failure of either, and invents nothing.

pub mod config;
pub mod exec;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod ids;
pub mod machine;

mod agent;
mod agents;
mod agones;
mod game_api;
mod handle;
mod jwks;
mod local_api;
mod local_grpc;
mod redeem;
mod route;
mod shown;
mod stream;

pub use agent::ProvisioningAgent;
pub use agents::Agents;
pub use config::Config;
