//! `POST /v1/identity/…`: how a player comes to an identity token of ours.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use proto::error::{Reason, Refusal};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    door::Call,
    http::{RequestId, json_body},
    identity::PlayerId,
    problem::{Problem, ProblemBody},
    upstream::Origin,
    wire::{ExchangeBody, rfc3339},
};

/// Who a player is, and the token that proves it.
#[derive(Serialize, ToSchema)]
#[schema(as = Identity)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdentityBody {
    /// The player's id.
    #[schema(example = "guest-0b0c61a3-5b67-4d37-9e0c-0d6f0b1f9a7e")]
    pub(crate) player_id: String,
    /// The identity token: send it as `Authorization: Bearer <token>`, and to nobody else.
    #[schema(example = "eyJhbGciOiJSUzI1NiIs…")]
    pub(crate) token: String,
    /// When it expires (RFC 3339, UTC).
    #[schema(example = "2025-07-18T10:30:00.000Z", format = DateTime)]
    pub(crate) expires_at: String,
}

/// Become a guest
///
/// Makes a new player and a token that proves to be that player. There is no way back to a guest whose token was lost or has
/// expired. Only where the operator allows it.
#[utoipa::path(
    post,
    path = "/v1/identity/guest",
    tag = "identity",
    responses(
        (status = 201, description = "A new player.", body = IdentityBody),
        (status = 403, description = "`FORBIDDEN`: this gateway makes no guests.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "`RATE_LIMITED`, with `Retry-After`.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 500, description = "`INTERNAL`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`UNAVAILABLE`, with `Retry-After`.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 504, description = "`DEADLINE_EXCEEDED`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn guest(
    State(app): State<Arc<App>>,
    id: RequestId,
) -> Result<(StatusCode, Json<IdentityBody>), Problem> {
    if !app.config.identity.guest_identity {
        let message =
            "this gateway makes no guests; bring an identity provider's token to /v1/identity/exchange";
        return Err(Refusal::new(Reason::Forbidden, message).into());
    }
    let player =
        PlayerId::new(format!("guest-{}", Uuid::new_v4())).expect("it is 42 letters, digits and dashes");
    Ok((StatusCode::CREATED, Json(issue(&app, &id, &player).await?)))
}

/// Exchange an identity provider's token
///
/// For a token of our own, that proves the same player and may live longer. The provider's may be used as it is, too.
#[utoipa::path(
    post,
    path = "/v1/identity/exchange",
    tag = "identity",
    request_body(content = ExchangeBody, example = json!({"token": "eyJhbGciOiJFUzI1NiIs…"})),
    responses(
        (status = 200, description = "The player whom the token proves, with a token of our own.", body = IdentityBody),
        (status = 400, description = "`INVALID_REQUEST`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`UNAUTHENTICATED`: the token is not good; `detail` says why.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 403, description = "`FORBIDDEN`: no identity provider is believed here.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`RATE_LIMITED`, with `Retry-After`.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 500, description = "`INTERNAL`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`UNAVAILABLE`, with `Retry-After`: the provider's keys, or ours, can't be read.",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "`DEADLINE_EXCEEDED`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn exchange(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<IdentityBody>, Problem> {
    if !app.identity.has_providers() {
        let message =
            "no identity provider is believed here; the operator names one in [[identity_providers]]";
        return Err(Refusal::new(Reason::Forbidden, message).into());
    }
    let value = json_body(app.body_limits(), &headers, body).await?;
    let body = ExchangeBody::read(&value)?;
    let known = app.identity.provided_player(&body.token).await?;
    Ok(Json(issue(&app, &id, &known.id).await?))
}

/// Has the control plane sign a token.
async fn issue(app: &App, id: &RequestId, player: &PlayerId) -> Result<IdentityBody, Refusal> {
    // Whoever has no token has no ticket: where there is too much to do, those that have come first.
    let _under_way = app.door.load.begin_call(Call::Enqueue)?;
    let issued = app.calls.issue_identity(&Origin::from(id), player).await?;
    Ok(IdentityBody {
        player_id: player.as_str().to_owned(),
        token: issued.token,
        expires_at: rfc3339(issued.expires_at_unix_ms),
    })
}
