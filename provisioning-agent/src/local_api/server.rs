//! The server as a whole: health, status, ready, drain.

use axum::{Json as Answer, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    LocalApi,
    body::{MaybeJson, players},
    problem::Problem,
};
use crate::{
    ids::{InstanceId, LandId, LandType, ServerId},
    machine::{LandReport, LandStatus, Phase, Standing},
};

/// What `GET /v1/status` answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    server_id: ServerId,
    instance_id: InstanceId,
    state: Phase,
    health: Standing,
    land_types: Vec<LandType>,
    capacity: u32,
    lands: Vec<LandStatus>,
}

/// What `POST /v1/ready` may bring: the lands of a game server that has outlived its agent.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ready {
    lands: Vec<LiveLand>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LiveLand {
    land_id: String,
    #[serde(default)]
    players: Vec<String>,
}

/// What `POST /v1/drain` may bring.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drain {}

pub(super) async fn health() -> Answer<Value> {
    Answer(json!({ "ok": true }))
}

pub(super) async fn status(State(api): State<LocalApi>) -> Result<Answer<Status>, Problem> {
    answer(&api).await
}

pub(super) async fn ready(
    State(api): State<LocalApi>,
    MaybeJson(ready): MaybeJson<Ready>,
) -> Result<Answer<Status>, Problem> {
    let lands = ready.lands.iter().enumerate();
    let lands = lands.map(|(place, land)| live_land(place, land)).collect::<Result<Vec<_>, _>>()?;
    let taken = api.agent.ask(move |machine, now_ms| machine.game_server_ready(now_ms, &lands)).await?;
    taken.map_err(|(place, error)| Problem::field(format!("lands[{place}].landId"), error))?;
    answer(&api).await
}

pub(super) async fn drain(
    State(api): State<LocalApi>,
    MaybeJson(Drain {}): MaybeJson<Drain>,
) -> Result<Answer<Status>, Problem> {
    let reason = "the game server asked for it".to_owned();
    api.agent.ask(move |machine, now_ms| machine.drain(now_ms, reason)).await?;
    answer(&api).await
}

fn live_land(place: usize, land: &LiveLand) -> Result<LandReport, Problem> {
    let land_id = LandId::parse(&land.land_id)
        .map_err(|error| Problem::field(format!("lands[{place}].landId"), error))?;
    let players = players(&format!("lands[{place}].players"), &land.players)?;
    Ok(LandReport { land_id, players: players.into() })
}

async fn answer(api: &LocalApi) -> Result<Answer<Status>, Problem> {
    let known = api.agent.ask(|machine, _| machine.status()).await?;
    Ok(Answer(Status {
        server_id: api.server.server_id.clone(),
        instance_id: api.instance_id.clone(),
        state: known.phase,
        health: known.health,
        land_types: api.server.land_types.clone(),
        capacity: api.server.capacity,
        lands: known.lands,
    }))
}
