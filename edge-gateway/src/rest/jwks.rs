//! `GET /.well-known/jwks.json`: the public keys with which game servers verify match tokens.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    http::RequestId,
    problem::{Problem, ProblemBody},
};

/// The public keys of match tokens
///
/// A JWK Set (RFC 7517). Keep it as long as `Cache-Control` says and no longer: a new key is published before it signs.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "keys",
    responses(
        (status = 200, description = "The keys.", body = Object,
            headers(("Cache-Control" = String, description = "`public, max-age=<seconds>`")),
            example = json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "2025-07-a", "n": "0vx7agoebGcQ…", "e": "AQAB"}]})),
        (status = 500, description = "`INTERNAL`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`UNAVAILABLE`, with `Retry-After`: the keys could never be read yet.",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "`DEADLINE_EXCEEDED`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn jwks(State(app): State<Arc<App>>, id: RequestId) -> Result<Response, Problem> {
    let jwks = app.jwks.get(&id).await?;
    let cache_control = format!("public, max-age={}", jwks.max_age().as_secs());
    let head =
        [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CACHE_CONTROL, cache_control)];
    Ok((head, jwks.json).into_response())
}
