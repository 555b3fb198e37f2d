//! `GET /health`: whether this gateway is of use to anybody.

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

/// Is the gateway ready
///
/// For load balancers. Asks the control plane at most a few times a second, however often it is called.
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
    let reason = if app.tasks.stopping().is_cancelled() {
        Some("the gateway is shutting down")
    } else {
        app.health.get().await.reason()
    };
    let ok = reason.is_none();
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(HealthBody { ok, reason }))
}
