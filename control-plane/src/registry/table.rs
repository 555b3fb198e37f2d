//! The knowledge about game servers and their lands, as plain data: no lock, no I/O, time as an argument.
//!
//! A land is reserved before its server is asked, so that two matches never count on the same place. What a server reports is
//! believed over what is remembered, except for lands that it was asked for and has not answered yet. Here is how servers
//! come and go; what happens to single lands is in `table/lands.rs`, and what is known of servers whose agents speak to other
//! replicas in `table/elsewhere.rs`.

mod elsewhere;
mod lands;
mod notices;
mod room;
mod whereabouts;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use matching::Time;
use storage::{LandId, ServerId};

use self::{elsewhere::Elsewhere, notices::News, room::Room};
pub(crate) use self::{
    elsewhere::Notice,
    lands::{Freed, Pick, Place, Reserved},
    notices::{Held, Told},
};
use super::server::{Arrival, Drain, Heartbeat, Registration, Server, ServerView};

#[derive(Debug, Default)]
pub(crate) struct Table {
    servers: BTreeMap<ServerId, Server>,
    /// Where each land is. Where two servers say that they have it: where it was placed, or was first heard of.
    lands: HashMap<LandId, ServerId>,
    room: Room,
    elsewhere: Elsewhere,
    news: News,
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

/// Whether a land fits now where none fitted before, as far as one server goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoomChange {
    Appeared,
    None,
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
        arrival: Arrival,
        expires_at: Time,
        now: Time,
    ) -> Result<RoomChange, HelloRefused> {
        let Arrival { registration, term, lands, draining } = arrival;
        if let Some(known) = self.servers.get(&registration.server)
            && let Some(holder) = &known.registration.instance
            && registration.instance.as_ref().is_none_or(|instance| instance < holder)
            && known.lost_until.is_none()
        {
            return Err(HelloRefused::Superseded { by: holder.clone() });
        }
        if let Some(far) = self.elsewhere.servers.get(&registration.server)
            && far.notice.term > term
        {
            // It came elsewhere after its id was held for this stream.
            let by = far.notice.registration.instance.clone().unwrap_or_default();
            return Err(HelloRefused::Superseded { by });
        }
        let id = registration.server.clone();
        self.remove(&id);
        self.forget_far(&id);
        let mut server = Server {
            registration,
            term,
            healthy: true,
            draining,
            drain: None,
            lost_until: None,
            registered_at: now,
            last_heard: now,
            expires_at,
            sequence: 0,
            lands: HashMap::new(),
            told_free: None,
        };
        let (new, _) = server.reconcile(lands);
        let room = RoomChange::of(server.free() > 0);
        self.servers.insert(id.clone(), server);
        self.adopt(&id, new);
        self.deadlines.insert((expires_at, id.clone()));
        self.index(&id);
        Ok(room)
    }

    /// A server without an agent comes, or says that it is still there. It says nothing of its lands, so they stay as they
    /// are, even where it describes itself anew.
    pub(crate) fn register(
        &mut self,
        registration: Registration,
        term: u64,
        expires_at: Time,
        now: Time,
    ) -> Result<RoomChange, HelloRefused> {
        let id = registration.server.clone();
        let Some(known) = self.servers.get_mut(&id).filter(|known| known.registration.instance.is_none())
        else {
            let arrival = Arrival { registration, term, lands: Vec::new(), draining: false };
            return self.hello(arrival, expires_at, now);
        };
        known.term = term;
        let free_before = known.free();
        if known.registration != registration {
            self.room.forget(&known.registration);
            known.registration = registration;
            known.told_free = None;
        }
        known.last_heard = now;
        known.lost_until = None;
        let room = RoomChange::of(known.free() > free_before);
        self.prolong(&id, expires_at);
        self.index(&id);
        Ok(room)
    }

    /// Takes a heartbeat.
    pub(crate) fn heartbeat(
        &mut self,
        id: &ServerId,
        beat: Heartbeat,
        expires_at: Time,
        now: Time,
    ) -> RoomChange {
        let Some(server) = self.servers.get_mut(id) else {
            return RoomChange::None;
        };
        if beat.sequence <= server.sequence {
            return RoomChange::None;
        }
        let had_room = server.free() > 0;
        server.sequence = beat.sequence;
        server.healthy = beat.healthy;
        server.draining = beat.draining;
        server.lost_until = None;
        server.last_heard = now;
        let (new, ended) = server.reconcile(beat.lands);
        let room = RoomChange::of(server.free() > 0 && (!had_room || !ended.is_empty()));
        for land in &ended {
            self.unlink(id, land);
        }
        self.adopt(id, new);
        self.prolong(id, expires_at);
        self.index(id);
        room
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
        self.news.changed(id, server.term);
        self.room.forget(&server.registration);
        self.deadlines.remove(&(server.expires_at, id.clone()));
        for (land, placed) in server.lands {
            self.unlink(id, &land);
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

    /// A server takes no more lands. Returns after how long those that are left are ended; `None`: it isn't here.
    pub(crate) fn drain(
        &mut self,
        id: &ServerId,
        reason: &str,
        deadline: Option<Time>,
        now: Time,
    ) -> Option<Option<Duration>> {
        let server = self.servers.get_mut(id)?;
        let before = server.drain.as_ref().and_then(|drain| drain.deadline);
        let deadline = deadline.into_iter().chain(before).min();
        let drain = server.drain.insert(Drain { reason: reason.to_owned(), deadline });
        let left = drain.left(now);
        self.index(id);
        Some(left)
    }

    /// One of this replica's own servers.
    pub(crate) fn view(&self, id: &ServerId) -> Option<ServerView> {
        self.servers.get(id).map(Server::view)
    }

    /// Every server, or those that host a land type, in the order of their ids.
    pub(crate) fn list(&self, land_type: Option<&str>) -> Vec<ServerView> {
        let hosts = |server: &&Server| server.registration.hosts(land_type);
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
        if let Some(server) = self.servers.get_mut(id) {
            // A lost one is told of as gone, which is no number of places.
            let free = server.lost_until.is_none().then(|| server.free());
            if server.told_free != Some(free) {
                server.told_free = Some(free);
                self.news.changed(id, server.term);
            }
            self.room.set(&server.registration, server.free());
        }
    }
}

impl RoomChange {
    fn of(appeared: bool) -> Self {
        if appeared { Self::Appeared } else { Self::None }
    }
}

#[cfg(test)]
mod tests;
