//! The server as a whole: health, status, ready, drain, capacity.

use axum::{Json as Answer, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    body::{Json, MaybeJson},
    problem::Problem,
};
use crate::game_api::{GameApi, LiveLand, ServerStatus};

/// What `POST /v1/ready` may bring: the lands of a game server that has outlived its agent.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ready {
    lands: Vec<LiveLand>,
}

/// What `POST /v1/drain` may bring.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drain {}

/// What `PUT /v1/capacity` brings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Capacity {
    lands: Option<u32>,
    players: Option<u32>,
}

pub(super) async fn health() -> Answer<Value> {
    Answer(json!({ "ok": true }))
}

pub(super) async fn status(State(api): State<GameApi>) -> Result<Answer<ServerStatus>, Problem> {
    Ok(Answer(api.status().await?))
}

pub(super) async fn ready(
    State(api): State<GameApi>,
    MaybeJson(Ready { lands }): MaybeJson<Ready>,
) -> Result<Answer<ServerStatus>, Problem> {
    Ok(Answer(api.ready(&lands).await?))
}

pub(super) async fn drain(
    State(api): State<GameApi>,
    MaybeJson(Drain {}): MaybeJson<Drain>,
) -> Result<Answer<ServerStatus>, Problem> {
    Ok(Answer(api.drain().await?))
}

pub(super) async fn capacity(
    State(api): State<GameApi>,
    Json(Capacity { lands, players }): Json<Capacity>,
) -> Result<Answer<ServerStatus>, Problem> {
    Ok(Answer(api.set_capacity(lands, players).await?))
}
