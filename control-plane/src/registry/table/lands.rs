//! What happens to single lands: a place is reserved, the land is ready, the place is free again.

use std::collections::HashSet;

use matching::Time;
use smol_str::SmolStr;
use storage::{LandId, ReplicaId, ServerId};

use super::Table;
use crate::registry::land::{LandState, PlacedLand};

/// What a match wants of a server.
#[derive(Debug)]
pub(crate) struct Pick<'a> {
    pub(crate) land_type: &'a str,
    /// The new land's id.
    pub(crate) land: &'a LandId,
    /// Tried first.
    pub(crate) region: Option<&'a SmolStr>,
    /// Servers that were asked already.
    pub(crate) except: &'a HashSet<ServerId>,
}

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
    /// Keeps a place for a land on the next server in turn: one in the region where there is one, else any.
    pub(crate) fn reserve(&mut self, pick: &Pick<'_>) -> Option<Reserved> {
        let id = self.room.next(pick.land_type, pick.region, pick.except)?;
        let Some(far) = self.elsewhere.servers.get(&id) else {
            return self.reserve_on(&id, pick.land);
        };
        let reserved = Reserved {
            server: id.clone(),
            land: pick.land.clone(),
            connect_base: far.notice.registration.connect_base.clone(),
            place: Place::Replica(far.replica.clone()),
        };
        self.lands.insert(pick.land.clone(), id.clone());
        self.ask_far(&id, pick.land);
        Some(reserved)
    }

    /// Keeps a place on one of this replica's own servers. `None`: it has no room, or isn't here, or has the land.
    pub(crate) fn reserve_on(&mut self, id: &ServerId, land: &LandId) -> Option<Reserved> {
        let server = self.servers.get_mut(id)?;
        if server.free() == 0 || self.lands.contains_key(land) {
            return None;
        }
        let placed = PlacedLand { state: LandState::Reserved, players: Vec::new(), free_at: None };
        server.lands.insert(land.clone(), placed);
        let agent = server.registration.instance.is_some();
        let reserved = Reserved {
            server: id.clone(),
            land: land.clone(),
            connect_base: server.registration.connect_base.clone(),
            place: if agent { Place::Agent } else { Place::NoAgent },
        };
        self.lands.insert(land.clone(), id.clone());
        self.index(id);
        Some(reserved)
    }

    /// A land that was asked for elsewhere is there: it counts there now.
    pub(crate) fn made_elsewhere(&mut self, reserved: &Reserved) {
        self.unlink(&reserved.server, &reserved.land);
        self.answered_far(&reserved.server, &reserved.land);
    }

    /// Whether the place is still kept: not where the server went, or came anew, since it was reserved.
    pub(crate) fn is_kept(&self, reserved: &Reserved) -> bool {
        self.lands.get(&reserved.land) == Some(&reserved.server)
    }

    /// A reserved land is there. `free_at`: when its place is taken to be free, on a server that won't say. False: the
    /// place is not kept any more.
    pub(crate) fn land_ready(&mut self, land: &LandId, free_at: Option<Time>) -> bool {
        let server = self.lands.get(land).and_then(|id| self.servers.get_mut(id));
        let Some(placed) = server.and_then(|server| server.lands.get_mut(land)) else {
            return false;
        };
        placed.state = LandState::Ready;
        placed.free_at = free_at;
        self.free_at.extend(free_at.map(|at| (at, land.clone())));
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
        if let Some(at) = server.lands.remove(land).and_then(|placed| placed.free_at) {
            self.free_at.remove(&(at, land.clone()));
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
    pub(super) fn adopt(&mut self, id: &ServerId, lands: Vec<LandId>) {
        for land in lands {
            let holder = self.lands.get(&land).and_then(|holder| self.servers.get(holder));
            if holder.is_none_or(|holder| holder.lost_until.is_some()) {
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
