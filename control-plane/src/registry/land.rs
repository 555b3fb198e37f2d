//! One land on a server.

use std::{sync::Arc, time::Duration};

use matching::{PlayerId, QueueKey, Team, Time};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use storage::{LandId, MatchId};

/// Where a land is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LandState {
    /// Its server was asked and has not answered yet.
    Reserved,
    /// Its server is ready for its players.
    Ready,
}

/// A land as its server's record holds it.
#[derive(Debug)]
pub(super) struct PlacedLand {
    pub(super) state: LandState,
    pub(super) players: Vec<PlayerId>,
    /// On a server that never says what became of its lands: when the place is taken to be free again.
    pub(super) free_at: Option<Time>,
}

/// A land as operators see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LandView {
    pub(crate) id: LandId,
    pub(crate) state: LandState,
    pub(crate) players: Vec<PlayerId>,
}

/// What a server is told of a land that it is asked to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LandOrder {
    pub(crate) land_type: SmolStr,
    pub(crate) match_id: MatchId,
    pub(crate) queue: QueueKey,
    pub(crate) players: Arc<[PlayerId]>,
    /// How many players a seat is kept for: those named, or more. Zero: those named.
    #[serde(default)]
    pub(crate) seats: usize,
    pub(crate) teams: Arc<[Team]>,
    /// A JSON object by group, or nothing.
    pub(crate) constraints: String,
    pub(crate) answer_within: Duration,
}

impl PlacedLand {
    pub(super) fn view(&self, id: &LandId) -> LandView {
        LandView { id: id.clone(), state: self.state, players: self.players.clone() }
    }
}
