//! `POST /v1/matchmaking/cancel`.

use std::sync::Arc;

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use proto::error::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    door::Call,
    http::{RequestId, json_body},
    identity::{Caller, without_a_hint},
    problem::{Problem, ProblemBody},
    upstream::Origin,
    wire::{
        CancelBody,
        names::{PlayersField, in_clients_words},
        ticket::TicketStatus,
    },
};

/// What became of a cancel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cancelled {
    /// Whether the ticket is cancelled now, by this call or an earlier one.
    pub(crate) cancelled: bool,
    /// Where it isn't: what it is instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<TicketStatus>,
}

/// Take a ticket out of its queue
///
/// Cancelling twice is harmless. A ticket that has been assigned or has expired stays what it is.
#[utoipa::path(
    post,
    path = "/v1/matchmaking/cancel",
    tag = "matchmaking",
    security(("player" = [])),
    request_body(content = CancelBody, example = json!({"ticketId": "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55"})),
    responses(
        (status = 200, description = "What became of it.", body = Cancelled, examples(
            ("cancelled" = (value = json!({"cancelled": true}))),
            ("too late" = (value = json!({"cancelled": false, "status": "assigned"})))
        )),
        (status = 400, description = "`INVALID_REQUEST`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`UNAUTHENTICATED`, with `WWW-Authenticate`.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "`TICKET_NOT_FOUND`, also where the ticket is not yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "`INTERNAL`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`UNAVAILABLE`, with `Retry-After`.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 504, description = "`DEADLINE_EXCEEDED`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Cancelled>, Problem> {
    let value = json_body(app.body_limits(), &headers, body).await?;
    let body = CancelBody::read(&value)?;
    Ok(Json(cancel_for(&app, &Origin::of(&id, &caller), body.ticket_id).await?))
}

/// A cancel that may be made, wherever it came from.
pub(crate) async fn cancel_for(app: &App, origin: &Origin, ticket_id: String) -> Result<Cancelled, Refusal> {
    let _under_way = app.door.load.begin_call(Call::Ticket)?;
    let answer = app.calls.cancel(origin, ticket_id).await.map_err(without_a_hint);
    let answer = answer.map_err(|refusal| in_clients_words(refusal, PlayersField::Players))?;
    Ok(Cancelled { cancelled: answer.cancelled, status: (!answer.cancelled).then(|| answer.status().into()) })
}
