//! One land: ready, refused, broken; its players; its end.

use axum::{Json as Answer, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    body::{Json, Land, MaybeJson},
    problem::Problem,
};
use crate::game_api::{GameApi, Outcome};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
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
    State(api): State<GameApi>,
    Land(id): Land,
    MaybeJson(Nothing {}): MaybeJson<Nothing>,
) -> Result<Answer<Value>, Problem> {
    let state = api.land_ready(&id).await?;
    Ok(became(&id, state))
}

pub(super) async fn refuse(
    State(api): State<GameApi>,
    Land(id): Land,
    Json(Why { reason }): Json<Why>,
) -> Result<Answer<Value>, Problem> {
    let state = api.refuse_land(&id, reason).await?;
    Ok(became(&id, state))
}

pub(super) async fn fail(
    State(api): State<GameApi>,
    Land(id): Land,
    Json(Why { reason }): Json<Why>,
) -> Result<Answer<Value>, Problem> {
    let state = api.fail_land(&id, reason).await?;
    Ok(became(&id, state))
}

pub(super) async fn players(
    State(api): State<GameApi>,
    Land(id): Land,
    Json(Players { players }): Json<Players>,
) -> Result<Answer<Value>, Problem> {
    let count = api.set_players(&id, &players).await?;
    Ok(Answer(json!({ "landId": id, "players": count })))
}

pub(super) async fn join(
    State(api): State<GameApi>,
    Land(id): Land,
    Json(Players { players }): Json<Players>,
) -> Result<Answer<Value>, Problem> {
    let count = api.players_joined(&id, &players).await?;
    Ok(Answer(json!({ "landId": id, "players": count })))
}

pub(super) async fn leave(
    State(api): State<GameApi>,
    Land(id): Land,
    Json(Players { players }): Json<Players>,
) -> Result<Answer<Value>, Problem> {
    let count = api.players_left(&id, &players).await?;
    Ok(Answer(json!({ "landId": id, "players": count })))
}

pub(super) async fn end(State(api): State<GameApi>, Land(id): Land) -> Result<Answer<Value>, Problem> {
    let ended = api.end_land(&id).await?;
    Ok(Answer(json!({ "ended": ended })))
}

fn became(id: &str, state: Outcome) -> Answer<Value> {
    Answer(json!({ "landId": id, "state": state }))
}
