//! The knowledge about game servers and their lands, as plain data: no lock, no I/O, time as an argument.
//!
//! A land is reserved before its server is asked, so that two matches never count on the same place. What a server reports is
//! believed over what is remembered, except for lands that it was asked for and has not answered yet.

mod room;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use matching::Time;
use smol_str::SmolStr;
use storage::{LandId, ServerId};

use self::room::Room;
use super::{
    land::{LandState, PlacedLand},
    server::{Heartbeat, Land, Registration, Server, ServerView},
};

#[derive(Debug, Default)]
pub(crate) struct Table {
    servers: BTreeMap<ServerId, Server>,
    /// Where each land is.
    lands: HashMap<LandId, ServerId>,
    room: Room,
    /// When to look at a server again: it may have been silent for too long, or be forgotten.
    deadlines: BTreeSet<(Time, ServerId)>,
    /// When places on servers that never report are taken to be free.
    free_at: BTreeSet<(Time, LandId)>,
}

/// Why a server was not registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HelloRefused {
    /// A newer instance, or an agent, holds the id.
    Superseded { by: String },
}

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
    /// Whether the server has an agent that must be asked.
    pub(crate) must_ask: bool,
}

/// What the passing of time did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expired {
    pub(crate) lost: Vec<ServerId>,
    /// Whether places became free.
    pub(crate) freed: bool,
}

impl Table {
    /// A server with an agent comes, or comes back. The newer instance wins; instance ids grow (UUIDv7).
    pub(crate) fn hello(
        &mut self,
        registration: Registration,
        lands: Vec<Land>,
        draining: bool,
        expires_at: Time,
        now: Time,
    ) -> Result<(), HelloRefused> {
        if let Some(known) = self.servers.get(&registration.server)
            && let Some(holder) = &known.registration.instance
            && registration.instance.as_ref().is_none_or(|instance| instance < holder)
            && known.lost_until.is_none()
        {
            return Err(HelloRefused::Superseded { by: holder.clone() });
        }
        let id = registration.server.clone();
        self.remove(&id);
        let mut server = Server {
            registration,
            healthy: true,
            draining,
            lost_until: None,
            registered_at: now,
            last_heard: now,
            expires_at,
            sequence: 0,
            lands: HashMap::new(),
        };
        let (new, _) = server.reconcile(lands);
        self.lands.extend(new.into_iter().map(|land| (land, id.clone())));
        self.deadlines.insert((expires_at, id.clone()));
        self.servers.insert(id.clone(), server);
        self.index(&id);
        Ok(())
    }

    /// A server without an agent comes, or says that it is still there.
    pub(crate) fn register(
        &mut self,
        registration: Registration,
        expires_at: Time,
        now: Time,
    ) -> Result<(), HelloRefused> {
        let id = registration.server.clone();
        let known = self.servers.get_mut(&id);
        match known {
            Some(known) if known.registration == registration => {
                known.last_heard = now;
                known.lost_until = None;
                self.prolong(&id, expires_at);
                self.index(&id);
                Ok(())
            }
            _ => self.hello(registration, Vec::new(), false, expires_at, now),
        }
    }

    /// Takes a heartbeat. True: places became free.
    pub(crate) fn heartbeat(&mut self, id: &ServerId, beat: Heartbeat, expires_at: Time, now: Time) -> bool {
        let Some(server) = self.servers.get_mut(id) else {
            return false;
        };
        if beat.sequence <= server.sequence {
            return false;
        }
        let had_room = server.has_room();
        server.sequence = beat.sequence;
        server.healthy = beat.healthy;
        server.draining = beat.draining;
        server.lost_until = None;
        server.last_heard = now;
        let (new, ended) = server.reconcile(beat.lands);
        let room_appeared = server.has_room() && (!had_room || !ended.is_empty());
        for land in &ended {
            self.lands.remove(land);
        }
        self.lands.extend(new.into_iter().map(|land| (land, id.clone())));
        self.prolong(id, expires_at);
        self.index(id);
        room_appeared
    }

    /// The server can't be reached: it takes no lands, and is forgotten at `until` if it doesn't come back.
    pub(crate) fn lose(&mut self, id: &ServerId, until: Time) {
        if let Some(server) = self.servers.get_mut(id) {
            server.lost_until = Some(until);
            self.prolong(id, until);
            self.index(id);
        }
    }

    /// Forgets a server and its lands.
    pub(crate) fn remove(&mut self, id: &ServerId) -> bool {
        let Some(server) = self.servers.remove(id) else {
            return false;
        };
        self.room.remove(&server.registration);
        self.deadlines.remove(&(server.expires_at, id.clone()));
        for (land, placed) in server.lands {
            self.lands.remove(&land);
            if let Some(at) = placed.free_at {
                self.free_at.remove(&(at, land));
            }
        }
        true
    }

    /// Removes a server that has no agent.
    pub(crate) fn deregister(&mut self, id: &ServerId) -> Result<bool, HelloRefused> {
        let instance = self.servers.get(id).and_then(|known| known.registration.instance.clone());
        match instance {
            Some(by) => Err(HelloRefused::Superseded { by }),
            None => Ok(self.remove(id)),
        }
    }

    /// Keeps a place for a land on the next server in turn: one in the region where there is one, else any.
    pub(crate) fn reserve(&mut self, pick: &Pick<'_>) -> Option<Reserved> {
        let id = self.room.next(pick.land_type, pick.region, pick.except)?;
        let server = self.servers.get_mut(&id)?;
        let placed = PlacedLand { state: LandState::Reserved, players: Vec::new(), free_at: None };
        server.lands.insert(pick.land.clone(), placed);
        let reserved = Reserved {
            server: id.clone(),
            land: pick.land.clone(),
            connect_base: server.registration.connect_base.clone(),
            must_ask: server.registration.instance.is_some(),
        };
        self.lands.insert(pick.land.clone(), id.clone());
        self.index(&id);
        Some(reserved)
    }

    /// A reserved land is there. `free_at`: when its place is taken to be free, on a server that won't say.
    pub(crate) fn land_ready(&mut self, land: &LandId, free_at: Option<Time>) {
        let server = self.lands.get(land).and_then(|id| self.servers.get_mut(id));
        if let Some(placed) = server.and_then(|server| server.lands.get_mut(land)) {
            placed.state = LandState::Ready;
            placed.free_at = free_at;
            self.free_at.extend(free_at.map(|at| (at, land.clone())));
        }
    }

    /// Gives a land's place back. The server that it was on, where it was on one.
    pub(crate) fn free(&mut self, land: &LandId) -> Option<ServerId> {
        let id = self.lands.remove(land)?;
        let server = self.servers.get_mut(&id)?;
        if let Some(at) = server.lands.remove(land).and_then(|placed| placed.free_at) {
            self.free_at.remove(&(at, land.clone()));
        }
        self.index(&id);
        Some(id)
    }

    /// Whether the land is there, on a server that is heard of.
    #[cfg(test)]
    fn is_live(&self, land: &LandId) -> bool {
        let server = self.lands.get(land).and_then(|id| self.servers.get(id));
        server.is_some_and(|server| server.lost_until.is_none())
    }

    pub(crate) fn list(&self, land_type: Option<&str>) -> Vec<ServerView> {
        let hosts = |server: &&Server| {
            land_type.is_none_or(|wanted| server.registration.land_types.iter().any(|has| has == wanted))
        };
        self.servers.values().filter(hosts).map(Server::view).collect()
    }

    /// Loses servers that were silent for too long (shown until `show_until`), forgets those lost long ago, and frees
    /// places whose time is over.
    pub(crate) fn expire(&mut self, now: Time, show_until: Time) -> Expired {
        let mut expired = Expired::default();
        while let Some((_, id)) = self.deadlines.first().filter(|(at, _)| *at <= now).cloned() {
            let lost_already = self.servers.get(&id).is_some_and(|server| server.lost_until.is_some());
            if lost_already {
                self.remove(&id);
            } else {
                self.lose(&id, show_until);
                expired.lost.push(id);
            }
        }
        while let Some((_, land)) = self.free_at.first().filter(|(at, _)| *at <= now).cloned() {
            self.free(&land);
            expired.freed = true;
        }
        expired
    }

    /// When [`Table::expire`] may have something to do.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let server = self.deadlines.first().map(|(at, _)| *at);
        let land = self.free_at.first().map(|(at, _)| *at);
        server.into_iter().chain(land).min()
    }

    fn prolong(&mut self, id: &ServerId, until: Time) {
        if let Some(server) = self.servers.get_mut(id) {
            self.deadlines.remove(&(server.expires_at, id.clone()));
            server.expires_at = until;
            self.deadlines.insert((until, id.clone()));
        }
    }

    /// Brings the index of servers with room up to date with one server.
    fn index(&mut self, id: &ServerId) {
        if let Some(server) = self.servers.get(id) {
            if server.has_room() {
                self.room.insert(&server.registration);
            } else {
                self.room.remove(&server.registration);
            }
        }
    }
}

#[cfg(test)]
mod tests;
