//! The client API over HTTP: one file for each noun's call.
//!
//! A handler reads, asks the control plane and writes; it keeps nothing.

pub(crate) mod cancel;
pub(crate) mod enqueue;
pub(crate) mod health;
pub(crate) mod identity;
pub(crate) mod jwks;
pub(crate) mod status;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::app::App;

/// The routes of the client API.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .merge(tickets())
        .route("/v1/identity/guest", post(identity::guest))
        .route("/v1/identity/exchange", post(identity::exchange))
        .route("/.well-known/jwks.json", get(jwks::jwks))
}

/// The routes of tickets alone.
pub(crate) fn tickets() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/matchmaking/enqueue", post(enqueue::enqueue))
        .route("/v1/matchmaking/status/{ticketId}", get(status::status))
        .route("/v1/matchmaking/cancel", post(cancel::cancel))
}
