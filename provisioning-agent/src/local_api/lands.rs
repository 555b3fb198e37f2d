//! One land: ready, refused, its players, its end.

use axum::{Json as Answer, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    LocalApi,
    body::{Json, Land, MaybeJson, players as checked},
    problem::Problem,
};
use crate::machine::MAX_REASON_BYTES;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refuse {
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Players {
    players: Vec<String>,
}

/// A body that has nothing to say.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(super) async fn ready(
    State(api): State<LocalApi>,
    Land(id): Land,
    MaybeJson(Nothing {}): MaybeJson<Nothing>,
) -> Result<Answer<Value>, Problem> {
    let land = id.clone();
    api.agent.ask(move |machine, _| machine.land_ready(&land)).await??;
    Ok(Answer(json!({ "landId": id, "state": "ready" })))
}

pub(super) async fn refuse(
    State(api): State<LocalApi>,
    Land(id): Land,
    Json(Refuse { reason }): Json<Refuse>,
) -> Result<Answer<Value>, Problem> {
    if reason.len() > MAX_REASON_BYTES || reason.chars().any(char::is_control) {
        let message = format!("give at most {MAX_REASON_BYTES} bytes of printable text");
        return Err(Problem::field("reason", message));
    }
    let land = id.clone();
    api.agent.ask(move |machine, _| machine.land_refused(&land, &reason)).await??;
    Ok(Answer(json!({ "landId": id, "state": "refused" })))
}

pub(super) async fn players(
    State(api): State<LocalApi>,
    Land(id): Land,
    Json(Players { players }): Json<Players>,
) -> Result<Answer<Value>, Problem> {
    let players = checked("players", &players)?;
    let count = players.len();
    let land = id.clone();
    api.agent.ask(move |machine, now_ms| machine.players_are(now_ms, &land, players.into())).await??;
    Ok(Answer(json!({ "landId": id, "players": count })))
}

pub(super) async fn end(State(api): State<LocalApi>, Land(id): Land) -> Result<Answer<Value>, Problem> {
    let ended = api.agent.ask(move |machine, now_ms| machine.land_ended(now_ms, &id)).await?;
    Ok(Answer(json!({ "ended": ended })))
}
