//! What happens to single lands: a place is reserved, the land is ready, the place is free again.

use std::time::Duration;

use matching::Time;
use storage::{LandId, ReplicaId, ServerId};

use super::Table;
use crate::registry::{
    land::{LandState, PlacedLand},
    wish::{NewLand, Pick},
};

/// Whoever asked for a land gives it back when it isn't made in time. After this much longer that one is gone, and the place
/// is given back without it.
const NOBODY_WAITS: Duration = Duration::from_secs(2);

/// A place that is kept for a land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reserved {
    pub(crate) server: ServerId,
    pub(crate) land: LandId,
    pub(crate) connect_base: String,
    pub(crate) place: Place,
}

/// Who has to be asked before the land is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The server's agent.
    Agent,
    /// Nobody: the server has no agent.
    NoAgent,
    /// The replica that the server's agent speaks to. There the place is not kept yet.
    Replica(ReplicaId),
}

/// A place that was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Freed {
    pub(crate) server: ServerId,
    /// Where it is to be given back as well.
    pub(crate) replica: Option<ReplicaId>,
}

impl Table {
    /// Keeps a place for a land on the server that suits best.
    pub(crate) fn reserve(&mut self, pick: &Pick<'_>, now: Time) -> Option<Reserved> {
        self.pardon(now);
        let id = self.room.pick(pick)?;
        let Some(far) = self.elsewhere.servers.get(&id) else {
            return self.reserve_on(&id, &pick.land, now);
        };
        let land = pick.land.id;
        if self.lands.contains_key(land) {
            return None;
        }
        let reserved = Reserved {
            server: id.clone(),
            land: land.clone(),
            connect_base: far.notice.registration.connect_base.clone(),
            place: Place::Replica(far.replica.clone()),
        };
        self.want(&id, land);
        self.lands.insert(land.clone(), id.clone());
        self.ask_far(&id, &pick.land, due(&pick.land, now));
        Some(reserved)
    }

    /// Keeps a place on one of this replica's own servers. `None`: it has no room, or isn't here, or the land is placed.
    pub(crate) fn reserve_on(&mut self, id: &ServerId, land: &NewLand<'_>, now: Time) -> Option<Reserved> {
        let server = self.servers.get_mut(id)?;
        let fits = server.fits();
        let is_there = self.lands.contains_key(land.id) || server.lands.contains_key(land.id);
        if fits.lands == 0 || fits.seats < land.seats || is_there {
            return None;
        }
        let due = due(land, now);
        server.lands.insert(land.id.clone(), PlacedLand::reserved(land, due));
        server.seats_taken += land.seats;
        let agent = server.registration.instance.is_some();
        let reserved = Reserved {
            server: id.clone(),
            land: land.id.clone(),
            connect_base: server.registration.connect_base.clone(),
            place: if agent { Place::Agent } else { Place::NoAgent },
        };
        self.want(id, land.id);
        self.lands.insert(land.id.clone(), id.clone());
        self.due.insert((due, land.id.clone()));
        self.index(id);
        Some(reserved)
    }

    /// A land that was asked for elsewhere is there: it counts there now.
    pub(crate) fn made_elsewhere(&mut self, reserved: &Reserved) {
        self.unlink(&reserved.server, &reserved.land);
        self.succeeded(&reserved.server);
        self.answered_far(&reserved.server, &reserved.land);
    }

    /// Whether the place is still kept: not where the server went, or came anew, since it was reserved.
    pub(crate) fn is_kept(&self, reserved: &Reserved) -> bool {
        self.lands.get(&reserved.land) == Some(&reserved.server)
    }

    /// A reserved land is there. `due`: on a server with an agent, until when seats are kept for players who have not come; on
    /// another, which won't say, when the land is taken to have ended. False: the place is not kept any more.
    pub(crate) fn land_ready(&mut self, land: &LandId, due: Option<Time>) -> bool {
        let Some(id) = self.lands.get(land).cloned() else { return false };
        let Some(server) = self.servers.get_mut(&id) else { return false };
        let was_doubted = server.avoidance.is_any();
        let Some(placed) = server.lands.get_mut(land) else { return false };
        placed.state = LandState::Ready;
        placed.confirmed = true;
        let was_due = std::mem::replace(&mut placed.due, due);
        self.not_due(land, was_due);
        self.due.extend(due.map(|at| (at, land.clone())));
        if was_doubted {
            self.succeeded(&id);
        }
        true
    }

    /// Gives a land's place back. `None`: there is none.
    pub(crate) fn free(&mut self, land: &LandId) -> Option<Freed> {
        let id = self.lands.remove(land)?;
        if let Some(replica) = self.replica_of(&id).cloned() {
            self.answered_far(&id, land);
            return Some(Freed { server: id, replica: Some(replica) });
        }
        let server = self.servers.get_mut(&id)?;
        if let Some(placed) = server.lands.remove(land) {
            server.seats_taken -= placed.taken();
            self.not_due(land, placed.due);
        }
        self.index(&id);
        Some(Freed { server: id, replica: None })
    }

    /// Whether the land is on some server, heard of or not.
    pub(crate) fn is_there(&self, land: &LandId) -> bool {
        self.lands.contains_key(land)
    }

    /// How many lands of the type fit on all servers together; each server may still refuse.
    pub(crate) fn places(&self, land_type: &str) -> usize {
        self.room.places(land_type)
    }

    /// Takes lands in that a server reports and nobody placed there. One that another server holds stays that one's, or
    /// a server could take away what was reserved elsewhere; a lost server holds nothing.
    pub(super) fn adopt(&mut self, id: &ServerId, lands: Vec<(LandId, Option<Time>)>) {
        for (land, due) in lands {
            let holder = self.lands.get(&land).and_then(|holder| self.servers.get(holder));
            if holder.is_none_or(|holder| holder.lost_until.is_some()) {
                // Whoever had it has it no more: what was expected there is expected nowhere.
                self.free(&land);
                self.due.extend(due.map(|at| (at, land.clone())));
                self.lands.insert(land, id.clone());
            }
        }
    }

    /// The server doesn't have the land any more.
    pub(super) fn unlink(&mut self, id: &ServerId, land: &LandId) {
        if self.lands.get(land) == Some(id) {
            self.lands.remove(land);
        }
    }
}

fn due(land: &NewLand<'_>, now: Time) -> Time {
    now + land.answer_within.saturating_add(NOBODY_WAITS)
}
