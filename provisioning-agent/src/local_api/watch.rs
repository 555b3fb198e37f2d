//! What the game server is told: one JSON object a line, for as long as the connection lives.

use std::convert::Infallible;

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;
use serde_json::value::RawValue;

use super::problem::Problem;
use crate::{
    game_api::{GameApi, Told},
    ids::{LandId, LandType, PlayerId},
    machine::{Allocation, Draining, Notice},
};

pub(super) async fn watch(State(api): State<GameApi>) -> Result<Response, Problem> {
    let feed = api.watch().await?;
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    let lines = stream::unfold(feed, async |mut feed| {
        let told = feed.next().await?;
        Some((Ok::<_, Infallible>(line(&told)), feed))
    });
    Ok((headers, Body::from_stream(lines)).into_response())
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
enum Line<'a> {
    #[serde(rename = "land.allocate")]
    Allocate {
        land_id: &'a LandId,
        land_type: &'a LandType,
        match_id: &'a str,
        queue_key: &'a str,
        players: &'a [PlayerId],
        teams: Vec<Team<'a>>,
        constraints: Option<&'a RawValue>,
        answer_within_ms: u64,
    },
    #[serde(rename = "land.release")]
    Release { land_id: &'a LandId, reason: &'a str },
    #[serde(rename = "seats.freed")]
    SeatsFreed { land_id: &'a LandId, players: &'a [PlayerId] },
    #[serde(rename = "drain")]
    Drain(&'a Draining),
    #[serde(rename = "shutdown")]
    Shutdown { reason: &'a str },
    #[serde(rename = "replaced")]
    Replaced,
    #[serde(rename = "ping")]
    Ping,
}

#[derive(Serialize)]
struct Team<'a> {
    name: &'a str,
    players: &'a [PlayerId],
}

fn line(told: &Told) -> String {
    let line = match told {
        Told::Ping => Line::Ping,
        Told::Notice(Notice::Allocate(allocation)) => allocate(allocation),
        Told::Notice(Notice::Release { land_id, reason }) => Line::Release { land_id, reason },
        Told::Notice(Notice::SeatsFreed { land_id, players }) => Line::SeatsFreed { land_id, players },
        Told::Notice(Notice::Drain(draining)) => Line::Drain(draining),
        Told::Notice(Notice::Shutdown { reason }) => Line::Shutdown { reason },
        Told::Notice(Notice::Replaced) => Line::Replaced,
    };
    let mut text = serde_json::to_string(&line).expect("texts and numbers can be written as JSON");
    text.push('\n');
    text
}

fn allocate(allocation: &Allocation) -> Line<'_> {
    let teams = allocation.teams.iter().map(|team| Team { name: &team.name, players: &team.players });
    Line::Allocate {
        land_id: &allocation.land_id,
        land_type: &allocation.land_type,
        match_id: &allocation.match_id,
        queue_key: &allocation.queue_key,
        players: &allocation.players,
        teams: teams.collect(),
        constraints: allocation.constraints.as_deref(),
        answer_within_ms: allocation.answer_within_ms,
    }
}
