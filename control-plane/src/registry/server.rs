//! One game server, as it is known.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use matching::{PlayerId, Time};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use storage::{LandId, ServerId};

use super::land::{LandState, LandView, PlacedLand};

/// A server that comes, or comes back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arrival {
    pub(crate) registration: Registration,
    /// Of the hold on its id; see [`super::Notice`].
    pub(crate) term: u64,
    /// The lands that it has already.
    pub(crate) lands: Vec<Land>,
    pub(crate) draining: bool,
}

/// What a server says of itself when it comes; holds until it comes again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) server: ServerId,
    /// `None`: it has no agent, and isn't asked before it is given a land.
    pub(crate) instance: Option<String>,
    /// The part of a connect URL before `/game/`.
    pub(crate) connect_base: String,
    pub(crate) land_types: Vec<SmolStr>,
    pub(crate) region: Option<SmolStr>,
    /// How many lands it can hold. A heartbeat may change it.
    pub(crate) capacity: usize,
    /// How many players it can hold in all its lands; `None`: as many as its lands take. A heartbeat may change it.
    #[serde(default)]
    pub(crate) player_capacity: Option<usize>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) version: String,
}

/// What one heartbeat says: all of the server's state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heartbeat {
    pub(crate) sequence: u64,
    pub(crate) healthy: bool,
    pub(crate) draining: bool,
    pub(crate) lands: Vec<Land>,
    /// What it can hold from now on. `None`: as it was.
    pub(crate) capacity: Option<usize>,
    /// The same for players; `Some(None)`: as many as its lands take.
    pub(crate) player_capacity: Option<Option<usize>>,
}

/// A land that a server reports.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Land {
    pub(crate) id: LandId,
    pub(crate) players: Vec<PlayerId>,
}

/// Whether a server takes lands, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ServerState {
    Ready,
    Unhealthy,
    Draining,
    Lost,
}

/// A server as operators see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServerView {
    pub(crate) registration: Registration,
    pub(crate) state: ServerState,
    pub(crate) registered_at: Time,
    pub(crate) last_heard: Time,
    pub(crate) lands: Vec<LandView>,
    /// Seats that are kept for players who have not come yet.
    #[serde(default)]
    pub(crate) seats_reserved: usize,
    /// When its lands are ended, where it drains and has a deadline.
    #[serde(default)]
    pub(crate) drain_deadline: Option<Time>,
    /// It failed to make lands: until then it is asked after all others.
    #[serde(default)]
    pub(crate) avoided_until: Option<Time>,
}

/// That a server was told to take no more lands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drain {
    /// For people.
    pub(super) reason: String,
    /// When the lands that are left are ended.
    pub(super) deadline: Option<Time>,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) registration: Registration,
    pub(super) term: u64,
    pub(super) healthy: bool,
    /// It says so itself.
    pub(super) draining: bool,
    /// It was told to.
    pub(super) drain: Option<Drain>,
    /// Lost servers are shown until then.
    pub(super) lost_until: Option<Time>,
    pub(super) registered_at: Time,
    pub(super) last_heard: Time,
    /// Silent until then, it is lost.
    pub(super) expires_at: Time,
    /// Of the newest heartbeat of this stream.
    pub(super) sequence: u64,
    pub(super) lands: HashMap<LandId, PlacedLand>,
    /// What other replicas know, or are about to be told: its room, or that it is lost.
    pub(super) told_free: Option<Option<usize>>,
}

impl Registration {
    /// Whether it hosts this land type, or any where none is asked for.
    pub(super) fn hosts(&self, land_type: Option<&str>) -> bool {
        land_type.is_none_or(|wanted| self.land_types.iter().any(|has| has == wanted))
    }
}

impl Drain {
    /// How long its lands may still live at `now`; never nothing, which would be for ever.
    pub(super) fn left(&self, now: Time) -> Option<Duration> {
        self.deadline.map(|at| at.since(now).max(Duration::from_millis(1)))
    }
}

impl Server {
    pub(super) fn state(&self) -> ServerState {
        if self.lost_until.is_some() {
            ServerState::Lost
        } else if self.draining || self.drain.is_some() {
            ServerState::Draining
        } else if !self.healthy {
            ServerState::Unhealthy
        } else {
            ServerState::Ready
        }
    }

    /// How many more lands fit.
    pub(super) fn free(&self) -> usize {
        match self.state() {
            ServerState::Ready => self.registration.capacity.saturating_sub(self.lands.len()),
            _ => 0,
        }
    }

    /// Takes the server's word for the lands that it has: what was ready and isn't there any more has ended; what it has
    /// and nobody knew of (this control plane started after it) takes its place. Lands that it was asked for and has
    /// not answered yet stay. Returns the lands that are new and those that ended.
    pub(super) fn reconcile(&mut self, reported: Vec<Land>) -> (Vec<LandId>, Vec<LandId>) {
        let mut reported: HashMap<LandId, Vec<PlayerId>> =
            reported.into_iter().map(|land| (land.id, land.players)).collect();
        let mut ended = Vec::new();
        self.lands.retain(|id, land| {
            match reported.remove(id) {
                Some(players) => {
                    land.state = LandState::Ready;
                    land.players = players;
                }
                None if land.state == LandState::Ready => {
                    ended.push(id.clone());
                    return false;
                }
                None => {}
            }
            true
        });
        let new: Vec<_> = reported.keys().cloned().collect();
        self.lands.extend(
            reported
                .into_iter()
                .map(|(id, players)| (id, PlacedLand { state: LandState::Ready, players, free_at: None })),
        );
        (new, ended)
    }

    pub(super) fn view(&self) -> ServerView {
        let mut lands: Vec<_> = self.lands.iter().map(|(id, land)| land.view(id)).collect();
        lands.sort_by(|a, b| a.id.cmp(&b.id));
        ServerView {
            registration: self.registration.clone(),
            state: self.state(),
            registered_at: self.registered_at,
            last_heard: self.last_heard,
            lands,
            seats_reserved: 0,
            drain_deadline: self.drain.as_ref().and_then(|drain| drain.deadline),
            avoided_until: None,
        }
    }
}
