//! `POST /v1/matchmaking/enqueue`.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use proto::error::Refusal;

use crate::{
    app::App,
    door::Call,
    http::{RequestId, json_body},
    identity::Caller,
    problem::{Problem, ProblemBody},
    upstream::{Origin, fresh_ticket_id},
    wire::{
        enqueue::EnqueueBody,
        names::in_clients_words,
        ticket::{Enqueued, TicketStatus},
    },
};

/// Ask for a match
///
/// Puts one player or a party into a queue. Once this is answered, the ticket is kept: only its match, its cancel or the end
/// of its lifetime takes it away. The same `groupId` with the same content, while its ticket is queued, is the same ticket, so
/// a call that got no answer can be repeated.
#[utoipa::path(
    post,
    path = "/v1/matchmaking/enqueue",
    tag = "matchmaking",
    security(("player" = [])),
    request_body(content = EnqueueBody, examples(
        ("alone" = (summary = "One player", value = json!({"queueKey": "hero-defense:3v3", "members": ["alice"]}))),
        ("party" = (summary = "A party with attributes", value = json!({
            "queueKey": "hero-defense:3v3",
            "groupId": "party-7",
            "groupSize": 2,
            "region": "eu-west",
            "players": [
                {"playerId": "alice", "attributes": {"skill": 1480, "modes": ["ranked"]}, "latencies": {"eu-west": 23}},
                {"playerId": "bob", "attributes": {"skill": 1510}, "role": "healer"}
            ],
            "constraints": {"map": "harbour"}
        })))
    )),
    responses(
        (status = 201, description = "The ticket is queued.", body = Enqueued,
            example = json!({"ticketId": "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55", "status": "queued"})),
        (status = 400, description = "`INVALID_REQUEST`: broken JSON, or fields that can't be taken; `errors` names each.",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`UNAUTHENTICATED`, with `WWW-Authenticate`.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 403, description = "`FORBIDDEN`: you are not among the players, or one of them is not proved; `errors` names each.",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`QUEUE_NOT_FOUND`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`GROUP_ALREADY_QUEUED` with `ticketId`, or `PLAYER_ALREADY_QUEUED` with `playerId`.",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`: more than 64 KiB", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "`QUEUE_FULL` or `RATE_LIMITED`, with `Retry-After`.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 500, description = "`INTERNAL`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`UNAVAILABLE`: the ticket that `ticketId` names may exist, repeat the call.",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 504, description = "`DEADLINE_EXCEEDED`: the ticket that `ticketId` names may exist, repeat the call.",
            body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn enqueue(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Enqueued>), Problem> {
    let value = json_body(app.body_limits(), &headers, body).await?;
    let enqueued = enqueue_for(&app, &id, &caller, EnqueueBody::read(&value)?).await?;
    Ok((StatusCode::CREATED, Json(enqueued)))
}

/// An enqueue that may be made, wherever it came from.
pub(crate) async fn enqueue_for(
    app: &App,
    id: &RequestId,
    caller: &Caller,
    body: EnqueueBody,
) -> Result<Enqueued, Refusal> {
    let (players, origin) = (body.players_field(), Origin::of(id, caller));
    app.identity.may_enqueue(caller, &body.party()).await?;
    let request = body.into_request(fresh_ticket_id());
    // A caller whom nobody had to prove is counted as whom they name first. Any other was counted before.
    if let (None, Some(first)) = (caller.player(), request.players.first()) {
        app.door.rates.player(&first.player_id)?;
    }
    let _under_way = app.door.load.begin_call(Call::Enqueue)?;
    let answer = app.calls.enqueue(&origin, request).await;
    let answer = answer.map_err(|refusal| in_clients_words(refusal, players))?;
    Ok(Enqueued { status: TicketStatus::from(answer.status()), ticket_id: answer.ticket_id })
}
