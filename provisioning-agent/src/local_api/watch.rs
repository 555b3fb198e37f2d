//! Land commands on their way to the game server: one JSON object a line, for as long as the connection lives.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::{LocalApi, problem::Problem};
use crate::{
    handle::Watch,
    ids::{LandId, LandType, PlayerId},
    machine::{Allocation, Notice},
};

/// How often the game server hears that the connection lives.
const PING: Duration = Duration::from_secs(10);

pub(super) async fn watch(State(api): State<LocalApi>) -> Result<Response, Problem> {
    let watch = api.agent.watch().await?;
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(lines(watch))).into_response())
}

/// What was missed, then what follows, with pings in between; ends when another watcher takes over or the agent stops.
fn lines(watch: Watch) -> impl Stream<Item = Result<String, Infallible>> {
    let mut pings = tokio::time::interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let missed = VecDeque::from(watch.missed);
    stream::unfold((missed, watch.following, pings), |(mut missed, mut following, mut pings)| async move {
        let line = match missed.pop_front() {
            Some(notice) => line(&notice),
            None => next(&mut following, &mut pings).await?,
        };
        Some((Ok(line), (missed, following, pings)))
    })
}

async fn next(following: &mut tokio::sync::mpsc::Receiver<Notice>, pings: &mut Interval) -> Option<String> {
    tokio::select! {
        // A command is never kept back by a ping.
        biased;
        notice = following.recv() => notice.map(|notice| line(&notice)),
        _ = pings.tick() => Some(written(&Line::Ping)),
    }
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
    #[serde(rename = "drain")]
    Drain { reason: &'a str },
    #[serde(rename = "ping")]
    Ping,
}

#[derive(Serialize)]
struct Team<'a> {
    name: &'a str,
    players: &'a [PlayerId],
}

fn line(notice: &Notice) -> String {
    match notice {
        Notice::Allocate(allocation) => written(&allocate(allocation)),
        Notice::Release { land_id, reason } => written(&Line::Release { land_id, reason }),
        Notice::Drain { reason } => written(&Line::Drain { reason }),
    }
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

fn written(line: &Line<'_>) -> String {
    let mut text = serde_json::to_string(line).expect("texts and numbers can be written as JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_missed_comes_first_and_pings_fill_the_silence() {
        let drain = |reason: &str| Notice::Drain { reason: reason.to_owned() };
        let (tell, following) = mpsc::channel(4);
        let lines = lines(Watch { missed: vec![drain("before")], following });
        let mut lines = std::pin::pin!(lines.map(|line| line.unwrap_or_default()));
        tell.send(drain("after")).await.unwrap();
        assert_eq!(lines.next().await.unwrap(), "{\"type\":\"drain\",\"reason\":\"before\"}\n");
        assert_eq!(lines.next().await.unwrap(), "{\"type\":\"drain\",\"reason\":\"after\"}\n");
        let silent_since = Instant::now();
        assert_eq!(lines.next().await.unwrap(), "{\"type\":\"ping\"}\n");
        assert!(silent_since.elapsed() <= PING);
        drop(tell);
        assert_eq!(lines.next().await, None, "the stream ends with whoever feeds it");
    }
}
