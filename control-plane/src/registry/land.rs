//! One land on a server.

use std::{sync::Arc, time::Duration};

use matching::{PlayerId, QueueKey, Team, Time};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use storage::{LandId, MatchId};

use super::{seats::Seats, server::Land, wish::NewLand};

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
    /// Whether its server's answer was waited for to the end, or none was needed: somebody wants it.
    pub(super) confirmed: bool,
    /// Who is in it, as its server reports.
    pub(super) players: Vec<PlayerId>,
    pub(super) seats: Seats,
    /// When time ends something: a reservation that nobody confirmed; the waiting for players who have not come; on a server
    /// that never says what became of its lands, the land.
    pub(super) due: Option<Time>,
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

impl LandOrder {
    /// The land with this id, as it is placed.
    pub(crate) fn land<'a>(&'a self, id: &'a LandId) -> NewLand<'a> {
        let seats = self.seats.max(self.players.len());
        NewLand { id, roster: &self.players, seats, answer_within: self.answer_within }
    }
}

impl PlacedLand {
    /// One that its server was asked for.
    pub(super) fn reserved(land: &NewLand<'_>, due: Time) -> Self {
        let seats = Seats::keep(land.seats, land.roster);
        Self { state: LandState::Reserved, confirmed: false, players: Vec::new(), seats, due: Some(due) }
    }

    /// One that its server reports and nobody knew of. `seats_until`: for how long seats are kept for who is expected there.
    pub(super) fn reported(land: Land, seats_until: Option<Time>) -> Self {
        let mut seats = Seats::keep(land.awaited.len(), &land.awaited.into());
        seats.take(&land.players);
        let due = seats_until.filter(|_| seats.kept() > 0);
        Self { state: LandState::Ready, confirmed: true, players: land.players, seats, due }
    }

    /// Its server says who is in it.
    pub(super) fn seen(&mut self, players: Vec<PlayerId>) {
        self.state = LandState::Ready;
        self.seats.take(&players);
        self.players = players;
    }

    /// Seats that are taken or kept.
    pub(super) fn taken(&self) -> usize {
        self.seats.kept() + self.players.len()
    }

    pub(super) fn view(&self, id: &LandId) -> LandView {
        LandView { id: id.clone(), state: self.state, players: self.players.clone() }
    }
}
