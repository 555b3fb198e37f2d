//! The internal listener: the REST twin of the provisioning service, for game servers without an agent.
//!
//! Whoever reaches it is trusted, so it is never put on the internet. Its answers have an envelope of their own,
//! `{"success":true,"result"}` or `{"success":false,"error":{"code","message","retryable"}}`, also for errors of HTTP itself.

mod envelope;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    http::HeaderMap,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post},
};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    app::App,
    door::only_without_origin,
    http::{RequestId, json_body, observe},
    identity::TrustedDoor,
    problem::{Panic, Problem, bad_field, panicked},
    rest,
    upstream::Origin,
    wire::{
        self,
        names::{PlayersField, in_clients_words},
    },
};
use envelope::{Failure, Success};

/// How a registered server stays registered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Registered {
    heartbeat_interval_ms: u32,
    expiry_ms: u32,
}

/// What became of a deregistration.
#[derive(Debug, Serialize)]
struct Deregistered {
    /// False where the server was not there.
    removed: bool,
}

/// The internal listener's routes.
pub(crate) fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/health", get(rest::health::health))
        .route("/ready", get(rest::health::ready))
        .route("/v1/provisioning/servers/register", post(register))
        .route("/v1/provisioning/servers/{serverId}", delete(deregister))
        .merge(rest::tickets().layer(Extension(TrustedDoor)))
        .fallback(async |uri| Failure::from(Problem::route_not_found(&uri)))
        .method_not_allowed_fallback(async || Failure::from(Problem::method_not_allowed()))
        .layer(CatchPanicLayer::custom(|panic: Panic| Failure::from(panicked(&*panic)).into_response()))
        .layer(middleware::from_fn(no_pages))
        .layer(middleware::from_fn(observe))
        .with_state(app)
}

/// A page that its reader's browser sends here, past every firewall, is no game server.
async fn no_pages(id: RequestId, request: Request, next: Next) -> Response {
    match only_without_origin(request.headers(), &id) {
        Ok(()) => next.run(request).await,
        Err(refusal) => Failure::from(refusal).into_response(),
    }
}

/// Registers a server, and is its heartbeat.
async fn register(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Result<Success<Registered>, Failure> {
    let value = json_body(app.body_limits(), &headers, body).await?;
    let answer =
        app.calls.register_server(&Origin::of_server(&id, &headers), wire::server::read(&value)?).await;
    let answer = answer.map_err(|refusal| in_clients_words(refusal, PlayersField::Players))?;
    Ok(Success(Registered {
        heartbeat_interval_ms: answer.heartbeat_interval_ms,
        expiry_ms: answer.expiry_ms,
    }))
}

/// Removes a server at once.
async fn deregister(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    server_id: Result<Path<String>, PathRejection>,
) -> Result<Success<Deregistered>, Failure> {
    let Path(server_id) = server_id.map_err(|_| bad_field("serverId", "must be UTF-8"))?;
    let answer = app.calls.deregister_server(&Origin::of_server(&id, &headers), server_id).await;
    let answer = answer.map_err(|refusal| in_clients_words(refusal, PlayersField::Players))?;
    Ok(Success(Deregistered { removed: answer.removed }))
}
