//! The loopback API: how a game server speaks with its agent, in plain HTTP and JSON.
//!
//! | call | meaning |
//! |---|---|
//! | `GET /health` | the agent runs |
//! | `GET /v1/status` | what it knows: the server, its lands, whether it is registered |
//! | `POST /v1/ready` | the game server can take lands |
//! | `PUT /v1/capacity` | how many lands and players fit from now on |
//! | `GET /v1/lands/watch` | what the game server is told, one JSON object a line |
//! | `POST /v1/lands/{landId}/ready`, `…/refuse` | the answer to a command |
//! | `POST /v1/lands/{landId}/fail` | the land broke |
//! | `PUT /v1/lands/{landId}/players` | who is in the land now |
//! | `POST /v1/lands/{landId}/join`, `…/leave` | who came, who left |
//! | `DELETE /v1/lands/{landId}` | the land is over |
//! | `POST /v1/drain` | no new lands |
//! | `GET /v1/jwks` | the keys that match tokens are verified with |
//! | `POST /v1/tokens/verify` | whether a match token is good here |
//! | `POST /v1/tokens/redeem` | a match token is used, once |
//! | `/ready`, `/gameserver`, … | the Agones SDK: see [`crate::agones`] |
//!
//! It trusts whoever reaches the loopback, and nobody else: `local_api/guard.rs` keeps browsers out. What a call means is in
//! [`crate::game_api`], which `local_grpc` shares; here it is only translated.

mod body;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod guard;
mod keys;
mod lands;
mod problem;
mod server;
mod tokens;
mod watch;

use std::{io, time::Duration};

use axum::{
    Router, middleware,
    routing::{delete, get, post, put},
    serve::ListenerExt as _,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::game_api::GameApi;

/// How long open requests have at the end.
const GRACE: Duration = Duration::from_secs(1);

/// Serves the API on `listener` until `stop`, and the routes of `agones` beside it.
pub(crate) async fn serve(listener: TcpListener, api: GameApi, agones: Router, stop: CancellationToken) {
    // A command is one small write that should leave at once.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a local connection stays with delayed writes");
        }
    });
    let stopped = stop.clone();
    let server = axum::serve(listener, router(api, agones))
        .with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::select! {
        served = server => report(served),
        () = async { stopped.cancelled().await; tokio::time::sleep(GRACE).await } => {}
    }
}

fn report(served: io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(%error, "the local API is no longer served");
    }
}

fn router(api: GameApi, agones: Router) -> Router {
    Router::new()
        .route("/health", get(server::health))
        .route("/v1/status", get(server::status))
        .route("/v1/ready", post(server::ready))
        .route("/v1/drain", post(server::drain))
        .route("/v1/capacity", put(server::capacity))
        .route("/v1/jwks", get(keys::jwks))
        .route("/v1/tokens/verify", post(tokens::verify))
        .route("/v1/tokens/redeem", post(tokens::redeem))
        .route("/v1/lands/watch", get(watch::watch))
        .route("/v1/lands/{landId}", delete(lands::end))
        .route("/v1/lands/{landId}/ready", post(lands::ready))
        .route("/v1/lands/{landId}/refuse", post(lands::refuse))
        .route("/v1/lands/{landId}/fail", post(lands::fail))
        .route("/v1/lands/{landId}/players", put(lands::players))
        .route("/v1/lands/{landId}/join", post(lands::join))
        .route("/v1/lands/{landId}/leave", post(lands::leave))
        .with_state(api)
        .merge(agones)
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(middleware::from_fn(guard::guard))
}
