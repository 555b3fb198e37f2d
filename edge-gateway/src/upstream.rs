//! The control plane, as the gateway sees it: the replicas there are, calls with deadlines, the watch hub, and two answers worth
//! keeping for a moment (its health, its keys).
//!
//! Nothing above this module sees a gRPC status or an address: what fails here is a `Refusal` that may go to a client.

mod calls;
mod health;
pub(crate) mod hub;
mod jwks;
mod origin;
mod pool;
mod replica;
mod shared;

pub(crate) use calls::{Calls, fresh_ticket_id};
pub(crate) use health::HealthCheck;
pub(crate) use jwks::JwksCache;
pub(crate) use origin::Origin;
pub(crate) use pool::Pool;
