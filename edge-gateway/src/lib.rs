//! The edge gateway: clients speak REST and WebSocket to it, and it speaks gRPC to the control plane.
//!
//! It owns client identity, sockets and push, and holds no matchmaking state: whatever it knows of a ticket, the control plane
//! told it a moment ago. Read [`EdgeGateway`] first, then `door/` for who comes in, `rest/` and `realtime/` for what clients may
//! ask, `upstream/` for how it is asked on, and `problem` for every way of saying no.

mod app;
mod config;
mod door;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod http;
mod identity;
mod internal;
mod openapi;
mod probe;
mod problem;
mod realtime;
mod rest;
mod upstream;
mod wire;

pub use app::EdgeGateway;
pub use config::{Config, ForwardedHeader, IdentitySettings, Limits, Tls};
pub use identity::{IdentityProvider, OneOrMore, Sections};
pub use openapi::document as openapi_document;
pub use probe::Probe;
