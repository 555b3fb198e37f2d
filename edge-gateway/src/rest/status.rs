//! `GET /v1/matchmaking/status/{ticketId}`, at once or as soon as the status changes.
//!
//! Who waits follows the ticket in the watch hub like a socket does: a thousand waiting clients are a thousand
//! subscriptions on one stream, not a thousand calls.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use proto::error::{Reason, Refusal};
use tokio::time::timeout;

use crate::{
    app::App,
    config::MAX_STATUS_WAIT_S,
    door::Call,
    http::RequestId,
    identity::{Caller, no_such_ticket, without_a_hint},
    problem::{Problem, ProblemBody, bad_field},
    upstream::{
        Origin,
        hub::{Event, Mailbox},
    },
    wire::{
        explanation::ExplanationBody,
        names::{PlayersField, in_clients_words},
        schema::Id,
        ticket::{TicketBody, TicketStatus},
    },
};

/// Read a ticket
///
/// With `wait`, the answer is held until the status changes or the time is over; then it is the present state. A final
/// status is answered at once. With `explain`, a ticket that is still queued comes with the reason why it waits.
#[utoipa::path(
    get,
    path = "/v1/matchmaking/status/{ticketId}",
    tag = "matchmaking",
    security(("player" = [])),
    params(
        ("ticketId" = Id, Path, description = "The ticket.", example = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55"),
        ("wait" = Option<u8>, Query, description = "Seconds to hold the answer, 0 to 20.", minimum = 0, maximum = 20),
        ("explain" = Option<bool>, Query, description = "Whether to say why the ticket waits.")
    ),
    responses(
        (status = 200, description = "The ticket.", body = TicketBody, examples(
            ("queued" = (value = json!({
                "ticketId": "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55", "status": "queued", "queueKey": "hero-defense:3v3",
                "groupId": "party-7", "members": ["alice", "bob"], "enqueuedAt": "2025-07-18T09:30:00.000Z",
                "expiresAt": "2025-07-18T09:40:00.000Z", "position": 4, "estimatedWaitMs": 9000,
                "estimatedWaitLowMs": 4000, "estimatedWaitHighMs": 15000
            }))),
            ("explained" = (value = json!({
                "ticketId": "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55", "status": "queued", "queueKey": "hero-defense:ranked",
                "groupId": "party-7", "members": ["alice", "bob"], "enqueuedAt": "2025-07-18T09:30:00.000Z",
                "expiresAt": "2025-07-18T09:40:00.000Z", "position": 4,
                "explanation": {
                    "summary": "5 more players are needed that fit; the rule `FairSkill` keeps 9 of 12 away, the nearest by 40.",
                    "rules": "rule set `ranked`", "candidates": 12, "lookedAt": 12, "fitting": 3, "fittingPlayers": 3,
                    "exclusions": [{"what": "FairSkill", "isRule": true, "tickets": 9, "nearestBy": 40.0}],
                    "nearestMiss": {"what": "FairSkill", "by": 40.0}, "playersNeeded": 10, "playersMissing": 5,
                    "nextExpansionAt": "2025-07-18T09:30:20.000Z"
                }
            }))),
            ("assigned" = (value = json!({
                "ticketId": "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55", "status": "assigned", "queueKey": "hero-defense:3v3",
                "groupId": "party-7", "members": ["alice", "bob"], "enqueuedAt": "2025-07-18T09:30:00.000Z",
                "expiresAt": "2025-07-18T09:40:00.000Z",
                "assignment": {
                    "assignmentId": "01981c2e-9c11-7a42-8a5d-0e6c1b7f4d21", "matchToken": "eyJhbGciOiJSUzI1NiIs…",
                    "connectUrl": "ws://play.example:7001/game/hero-defense?landId=hero-defense:0f9d1b8e-0a55-4d4c-8f5d-5f1f3c9b2a10",
                    "landId": "hero-defense:0f9d1b8e-0a55-4d4c-8f5d-5f1f3c9b2a10", "serverId": "server-1",
                    "expiresAt": "2025-07-18T09:35:00.000Z", "matchId": "01981c2e-9c10-7bb0-b6c4-7d2f0f5b9e63",
                    "teams": [{"name": "1", "players": ["alice", "bob", "carol"]}, {"name": "2", "players": ["dan", "eve", "frank"]}],
                    "playerTokens": {"alice": "eyJhbGciOiJSUzI1NiIs…", "bob": "eyJhbGciOiJSUzI1NiIs…"}
                }
            })))
        )),
        (status = 400, description = "`INVALID_REQUEST`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`UNAUTHENTICATED`, with `WWW-Authenticate`.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "`TICKET_NOT_FOUND`, also where the ticket is not yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 500, description = "`INTERNAL`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`UNAVAILABLE`, with `Retry-After`.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 504, description = "`DEADLINE_EXCEEDED`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn status(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: RequestId,
    ticket_id: Result<Path<String>, PathRejection>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<TicketBody>, Problem> {
    let Path(ticket_id) = ticket_id.map_err(|_| bad_field("ticketId", "must be UTF-8"))?;
    let Query(query) = query.map_err(|_| bad_field("wait", "the query can't be read; write ?wait=20"))?;
    let (wait, explain) = (read_wait(&query)?, read_explain(&query)?);
    let origin = Origin::of(&id, &caller);
    let mut ticket = read(&app, &caller, &origin, &ticket_id).await?;
    if !ticket.status.is_final() && !wait.is_zero() {
        let changed = tokio::select! {
            changed = timeout(wait, changed(&app, &caller, &ticket_id, ticket.status)) => changed.ok(),
            // A shutdown waits for answers, not for matches.
            () = app.tasks.stopping().cancelled() => None,
        };
        ticket = match changed {
            Some(changed) => changed?,
            None => read(&app, &caller, &origin, &ticket_id).await?,
        };
    }
    if explain && !ticket.status.is_final() {
        let _under_way = app.door.load.begin_call(Call::Ticket)?;
        let explained = app.calls.explain(&origin, ticket_id).await.map_err(without_a_hint);
        let explained = explained.map_err(|refusal| in_clients_words(refusal, PlayersField::Players))?;
        ticket.explanation = explained.explanation.map(ExplanationBody::from);
    }
    Ok(Json(ticket))
}

async fn read(app: &App, caller: &Caller, origin: &Origin, ticket_id: &str) -> Result<TicketBody, Refusal> {
    let _under_way = app.door.load.begin_call(Call::Ticket)?;
    let ticket = app.calls.ticket(origin, ticket_id.to_owned()).await.map_err(without_a_hint);
    let ticket = ticket.map_err(|refusal| in_clients_words(refusal, PlayersField::Players))?;
    // The control plane has looked, too; this is the last door before the client.
    if caller.may_see(&ticket) { Ok(ticket.into()) } else { Err(no_such_ticket()) }
}

/// Waits until the ticket's status is no longer `known`.
async fn changed(
    app: &App,
    caller: &Caller,
    ticket_id: &str,
    known: TicketStatus,
) -> Result<TicketBody, Refusal> {
    let mailbox = Arc::new(Mailbox::new(app.config.socket_queue));
    let _follow = app.hub.follow(ticket_id, caller, &mailbox);
    loop {
        match mailbox.next().await {
            Ok(Event::State(ticket)) if TicketStatus::from(ticket.status()) == known => {}
            Ok(Event::State(ticket)) => return Ok(Arc::unwrap_or_clone(ticket).into()),
            Ok(Event::Refused(_, refusal)) => return Err(Arc::unwrap_or_clone(refusal)),
            Err(_) => {
                let message = "the ticket changes faster than it can be read; try again";
                return Err(Refusal::new(Reason::Unavailable, message));
            }
        }
    }
}

fn read_wait(query: &[(String, String)]) -> Result<Duration, Refusal> {
    let wrong = || format!("must be given once, as whole seconds from 0 to {MAX_STATUS_WAIT_S}");
    let Some(value) = only(query, "wait", wrong)? else {
        return Ok(Duration::ZERO);
    };
    let seconds = value.parse().ok().filter(|seconds| *seconds <= MAX_STATUS_WAIT_S);
    seconds.map(Duration::from_secs).ok_or_else(|| bad_field("wait", wrong()))
}

fn read_explain(query: &[(String, String)]) -> Result<bool, Refusal> {
    let wrong = || "must be given once, as true or false".to_owned();
    match only(query, "explain", wrong)? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(bad_field("explain", wrong())),
    }
}

/// The value of a parameter that stands there once at most.
fn only<'q>(
    query: &'q [(String, String)],
    name: &str,
    wrong: impl Fn() -> String,
) -> Result<Option<&'q str>, Refusal> {
    let mut values = query.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let value = values.next();
    if values.next().is_some() { Err(bad_field(name, wrong())) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_0_to_20_seconds() {
        let wait = |values: &[&str]| {
            let query: Vec<_> = values.iter().map(|value| ("wait".to_owned(), (*value).to_owned())).collect();
            read_wait(&query)
        };
        assert_eq!(wait(&[]).unwrap(), Duration::ZERO);
        assert_eq!(wait(&["20"]).unwrap(), Duration::from_secs(20));
        for bad in [&["21"][..], &["-1"], &["1.5"], &[""], &["1", "2"]] {
            assert_eq!(wait(bad).unwrap_err().fields[0].field, "wait", "{bad:?}");
        }
    }
    #[test]
    fn an_explanation_is_asked_for_in_so_many_words() {
        let explain = |values: &[&str]| {
            let query: Vec<_> =
                values.iter().map(|value| ("explain".to_owned(), (*value).to_owned())).collect();
            read_explain(&query)
        };
        assert!(!explain(&[]).unwrap() && !explain(&["false"]).unwrap() && explain(&["true"]).unwrap());
        for bad in [&["yes"][..], &[""], &["true", "true"]] {
            assert_eq!(explain(bad).unwrap_err().fields[0].field, "explain", "{bad:?}");
        }
    }
}
