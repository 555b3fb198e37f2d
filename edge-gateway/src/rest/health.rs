//! `GET /health`: whether this gateway is of use to anybody. `GET /ready`: whether more should be sent to it.
//!
//! A gateway that has more to do than it can is well: to restart it would only lose its sockets. It says so at `/ready`, and a
//! load balancer sends new clients elsewhere meanwhile.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// Whether the gateway can serve.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    /// Whether it can.
    pub(crate) ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) reason: Option<&'static str>,
}

/// Does the gateway work
///
/// For load balancers and people. Asks the control plane at most a few times a second, however often it is called. A gateway
/// with too much to do is still well.
#[utoipa::path(
    get,
    path = "/health",
    tag = "operations",
    responses(
        (status = 200, description = "It serves.", body = HealthBody, example = json!({"ok": true})),
        (status = 503, description = "It can't serve now.", body = HealthBody,
            example = json!({"ok": false, "reason": "the control plane can't be reached"})),
    )
)]
pub(crate) async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<HealthBody>) {
    answer(trouble(&app).await)
}

/// Should more clients be sent to the gateway
///
/// For load balancers: as `/health`, and 503 also while the gateway turns clients away because it has too much to do, and
/// for two seconds after.
#[utoipa::path(
    get,
    path = "/ready",
    tag = "operations",
    responses(
        (status = 200, description = "It takes more.", body = HealthBody, example = json!({"ok": true})),
        (status = 503, description = "Send clients to another, if there is one.", body = HealthBody,
            example = json!({"ok": false, "reason": "the gateway has more to do than it can"})),
    )
)]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<HealthBody>) {
    if app.door.load.is_over() {
        return answer(Some("the gateway has more to do than it can"));
    }
    answer(trouble(&app).await)
}

async fn trouble(app: &App) -> Option<&'static str> {
    if app.tasks.stopping().is_cancelled() {
        return Some("the gateway is shutting down");
    }
    app.health.get().await.reason()
}

fn answer(reason: Option<&'static str>) -> (StatusCode, Json<HealthBody>) {
    let ok = reason.is_none();
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(HealthBody { ok, reason }))
}
