//! One game server, as it is known.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use matching::{PlayerId, Time};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use storage::{LandId, ServerId};

use super::{
    avoidance::Avoidance,
    land::{LandState, LandView, PlacedLand},
    table::DrainOrder,
};

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
    /// Who is still expected there, as its agent knows.
    pub(crate) awaited: Vec<PlayerId>,
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
    pub(crate) registration: Arc<Registration>,
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

/// What fits on a server at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fits {
    /// How many more lands.
    pub(super) lands: usize,
    /// How many more players; `usize::MAX` where only its lands limit them.
    pub(super) seats: usize,
    /// Whether lands live on it, or are about to.
    pub(super) occupied: bool,
    /// Whether it is asked after all others.
    pub(super) avoided: bool,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) registration: Arc<Registration>,
    pub(super) term: u64,
    pub(super) healthy: bool,
    /// It says so itself.
    pub(super) draining: bool,
    /// It was told to.
    pub(super) drain: Option<Drain>,
    pub(super) avoidance: Avoidance,
    /// Lost servers are shown until then.
    pub(super) lost_until: Option<Time>,
    pub(super) registered_at: Time,
    pub(super) last_heard: Time,
    /// Silent until then, it is lost.
    pub(super) expires_at: Time,
    /// Of the newest heartbeat of this stream.
    pub(super) sequence: u64,
    pub(super) lands: HashMap<LandId, PlacedLand>,
    /// Players in its lands, and seats that are kept in them.
    pub(super) seats_taken: usize,
    /// Players whose seats are free, and whom its agent still expected when it spoke last.
    pub(super) unheard: Vec<FreedSeats>,
    /// What other replicas know, or are about to be told: what fits, or that it is lost. `None`: they know nothing.
    pub(super) told: Option<Option<Fits>>,
}

/// Players who never came to a land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FreedSeats {
    pub(crate) land: LandId,
    pub(crate) players: Vec<PlayerId>,
}

/// What a report changed about a server's lands.
#[derive(Debug, Default)]
pub(super) struct Reconciled {
    /// Lands that nobody knew of, with when the waiting for their players ends.
    pub(super) new: Vec<(LandId, Option<Time>)>,
    /// Lands that ended, with when they were due.
    pub(super) ended: Vec<(LandId, Option<Time>)>,
}

impl Registration {
    /// Whether it hosts this land type, or any where none is asked for.
    pub(super) fn hosts(&self, land_type: Option<&str>) -> bool {
        land_type.is_none_or(|wanted| self.land_types.iter().any(|has| has == wanted))
    }
}

impl Drain {
    /// What its agent is told at `now`. What is left is never nothing, which would be for ever.
    pub(super) fn order(&self, now: Time) -> DrainOrder {
        let left = self.deadline.map(|at| at.since(now).max(Duration::from_millis(1)));
        DrainOrder { reason: self.reason.clone(), left }
    }

    pub(super) fn is_over(&self, now: Time) -> bool {
        self.deadline.is_some_and(|at| at <= now)
    }
}

impl Fits {
    /// Of a server that isn't there.
    pub(super) const NOTHING: Self = Self { lands: 0, seats: 0, occupied: false, avoided: false };

    /// Whether something fits now that didn't fit `before`.
    pub(super) fn has_grown(self, before: Self) -> bool {
        self.lands > 0 && (self.lands > before.lands || self.seats > before.seats)
    }
}

impl Server {
    /// One that has just come; it says nothing of lands yet.
    pub(super) fn new(registration: Registration, term: u64, now: Time, expires_at: Time) -> Self {
        Self {
            registration: Arc::new(registration),
            term,
            healthy: true,
            draining: false,
            drain: None,
            avoidance: Avoidance::default(),
            lost_until: None,
            registered_at: now,
            last_heard: now,
            expires_at,
            sequence: 0,
            lands: HashMap::new(),
            seats_taken: 0,
            unheard: Vec::new(),
            told: None,
        }
    }

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

    /// Less capacity than is taken is none that is free.
    pub(super) fn fits(&self) -> Fits {
        let player_capacity = self.registration.player_capacity;
        let seats = player_capacity.map_or(usize::MAX, |all| all.saturating_sub(self.seats_taken));
        let takes_lands = self.state() == ServerState::Ready && seats > 0;
        let lands = self.registration.capacity.saturating_sub(self.lands.len());
        Fits {
            lands: if takes_lands { lands } else { 0 },
            seats,
            occupied: !self.lands.is_empty(),
            avoided: self.avoidance.until().is_some(),
        }
    }

    /// Takes the server's word for what it can hold.
    pub(super) fn resize(&mut self, beat: &Heartbeat) {
        let known = &self.registration;
        let capacity = beat.capacity.unwrap_or(known.capacity);
        let player_capacity = beat.player_capacity.unwrap_or(known.player_capacity);
        if (capacity, player_capacity) != (known.capacity, known.player_capacity) {
            let registration = Registration { capacity, player_capacity, ..Registration::clone(known) };
            self.registration = Arc::new(registration);
            self.told = None;
        }
    }

    /// Takes the server's word for the lands that it has: what was ready and isn't there any more has ended; what it has
    /// and nobody knew of (this control plane started after it) takes its place. Lands that it was asked for and has
    /// not answered yet stay. `seats_until`: of new lands, for how long seats are kept for players who have not come.
    pub(super) fn reconcile(&mut self, reported: Vec<Land>, seats_until: Option<Time>) -> Reconciled {
        let mut reported: HashMap<LandId, Land> =
            reported.into_iter().map(|land| (land.id.clone(), land)).collect();
        let mut changed = Reconciled::default();
        let mut taken = 0;
        self.unheard.clear();
        self.lands.retain(|id, land| {
            match reported.remove(id) {
                Some(now) => {
                    land.seen(now.players);
                    if land.confirmed && land.seats.kept() == 0 && !now.awaited.is_empty() {
                        self.unheard.push(FreedSeats { land: now.id, players: now.awaited });
                    }
                }
                None if land.state == LandState::Ready => {
                    changed.ended.push((id.clone(), land.due));
                    return false;
                }
                None => {}
            }
            taken += land.taken();
            true
        });
        for (id, land) in reported {
            let land = PlacedLand::reported(land, seats_until);
            taken += land.taken();
            changed.new.push((id.clone(), land.due));
            self.lands.insert(id, land);
        }
        self.seats_taken = taken;
        changed
    }

    pub(super) fn view(&self) -> ServerView {
        let mut lands: Vec<_> = self.lands.iter().map(|(id, land)| land.view(id)).collect();
        lands.sort_by(|a, b| a.id.cmp(&b.id));
        ServerView {
            registration: Arc::clone(&self.registration),
            state: self.state(),
            registered_at: self.registered_at,
            last_heard: self.last_heard,
            lands,
            seats_reserved: self.lands.values().map(|land| land.seats.kept()).sum(),
            drain_deadline: self.drain.as_ref().and_then(|drain| drain.deadline),
            avoided_until: self.avoidance.until(),
        }
    }
}
