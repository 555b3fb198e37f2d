//! Players on a land: they come with their tokens, see who is there, and leave.

use std::{sync::atomic::Ordering, time::Duration};

use futures_util::future::join_all;
use rand::{RngExt as _, rngs::StdRng};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{Field, socket::Socket, watch::Way};
use crate::chaos::history::{Event, LandId, PlayerId};

/// Lets a group's members play for a moment.
pub(super) async fn play(field: &Field, way: &Way, rng: &mut StdRng) {
    let players = way.urls.iter().map(|(player, url)| {
        let until = Instant::now() + Duration::from_millis(rng.random_range(100..700));
        one(field, &way.land, player, url, until)
    });
    join_all(players).await;
}

async fn one(field: &Field, land: &LandId, player: &PlayerId, url: &str, until: Instant) {
    field.counts.operations.fetch_add(1, Ordering::Relaxed);
    // The server may be gone, and the land with it.
    let Ok(mut socket) = Socket::open(url).await else { return };
    let mut seen = Vec::new();
    while let Ok(next) = timeout_at(until.max(Instant::now() + FIRST_WORD), socket.next()).await {
        match next {
            Ok(state) => {
                let players = state["players"].as_array().into_iter().flatten();
                let players: Vec<PlayerId> = players.filter_map(Value::as_str).map(PlayerId::from).collect();
                if state["type"] == "state" && players != seen {
                    if seen.is_empty() {
                        field.counts.played.fetch_add(1, Ordering::Relaxed);
                    }
                    seen.clone_from(&players);
                    let (land, player) = (land.clone(), player.clone());
                    field.history.record(Event::Present { land, player, players });
                }
            }
            // Not this player, or not this token: nothing that a fault explains.
            Err(broken) if [4401, 4403].contains(&broken.code) => {
                let (land, player, code) = (land.clone(), player.clone(), broken.code);
                return field.history.record(Event::TurnedAway { land, player, code, reason: broken.reason });
            }
            Err(_) => return,
        }
        if Instant::now() >= until {
            return;
        }
    }
}

/// How long a game server may take to say a first word.
const FIRST_WORD: Duration = Duration::from_millis(500);
