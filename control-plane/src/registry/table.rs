//! The knowledge about game servers and their lands, as plain data: no lock, no I/O, time as an argument.
//!
//! A land is reserved before its server is asked, so that two matches never count on the same place. What a server reports is
//! believed over what is remembered, except for lands that it was asked for and has not answered yet. Here is how servers
//! come and go; what happens to single lands is in `table/lands.rs`, what time does in `table/time.rs`, which server is taken in
//! `table/room.rs`, and what is known of servers whose agents speak to other replicas in `table/elsewhere.rs`.

mod avoided;
mod drains;
mod elsewhere;
mod lands;
mod notices;
mod reminders;
mod room;
mod time;
mod unwanted;
mod whereabouts;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use matching::Time;
use storage::{LandId, ServerId};

pub(crate) use self::{
    drains::{DrainOrder, Ended},
    elsewhere::Notice,
    lands::{Freed, Place, Reserved},
    notices::{Held, Told},
    reminders::Reminder,
    time::NoShows,
};
use self::{elsewhere::Elsewhere, notices::News, room::Room, unwanted::Unwanted};
use super::server::{Arrival, Fits, FreedSeats, Heartbeat, Reconciled, Registration, Server, ServerView};

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
    /// When time ends something about a land; see [`super::land::PlacedLand::due`].
    due: BTreeSet<(Time, LandId)>,
    /// When the lands of servers that drain are ended.
    drains: BTreeSet<(Time, ServerId)>,
    /// When servers that failed are asked like any other again.
    avoided: BTreeSet<(Time, ServerId)>,
    unwanted: Unwanted,
    /// How long a seat is kept for a player of a land that is ready; `None`: as long as the land lives.
    no_show_after: Option<Duration>,
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

impl Table {
    /// Without any server. `no_show_after`: how long a seat is kept for a player of a land that is ready; `None`: as long as the
    /// land lives.
    pub(crate) fn new(no_show_after: Option<Duration>) -> Self {
        Self { no_show_after, ..Self::default() }
    }

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
        let before = self.take(&id);
        self.forget_far(&id);
        let mut server = Server::new(registration, term, now, expires_at);
        server.draining = draining;
        let lands = server.reconcile(lands, self.seats_until(now)).new;
        self.servers.insert(id.clone(), server);
        self.deadlines.insert((expires_at, id.clone()));
        self.adopt(&id, lands);
        if let Some(before) = before {
            self.carry_over(&id, before);
        }
        self.index(&id);
        Ok(RoomChange::of(self.fits(&id).lands > 0))
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
        let before = known.fits();
        if *known.registration != registration {
            known.registration = Arc::new(registration);
            known.told = None;
        }
        known.last_heard = now;
        known.lost_until = None;
        self.prolong(&id, expires_at);
        self.index(&id);
        Ok(RoomChange::of(self.fits(&id).has_grown(before)))
    }

    /// Takes a heartbeat.
    pub(crate) fn heartbeat(
        &mut self,
        id: &ServerId,
        beat: Heartbeat,
        expires_at: Time,
        now: Time,
    ) -> RoomChange {
        let seats_until = self.seats_until(now);
        let Some(server) = self.servers.get_mut(id) else {
            return RoomChange::None;
        };
        if beat.sequence <= server.sequence {
            return RoomChange::None;
        }
        let before = server.fits();
        server.sequence = beat.sequence;
        server.healthy = beat.healthy;
        server.draining = beat.draining;
        server.lost_until = None;
        server.last_heard = now;
        server.resize(&beat);
        let Reconciled { new, ended } = server.reconcile(beat.lands, seats_until);
        for (land, due) in ended {
            self.unlink(id, &land);
            self.not_due(&land, due);
        }
        self.adopt(id, new);
        self.prolong(id, expires_at);
        self.index(id);
        RoomChange::of(self.fits(id).has_grown(before))
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
        self.take(id).is_some()
    }

    /// Removes a server that has no agent.
    pub(crate) fn deregister(&mut self, id: &ServerId) -> Result<bool, HelloRefused> {
        let instance = self.servers.get(id).and_then(|known| known.registration.instance.clone());
        match instance {
            Some(by) => Err(HelloRefused::Superseded { by }),
            None => Ok(self.remove(id)),
        }
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
            let fits = server.fits();
            let told = server.lost_until.is_none().then_some(fits);
            if server.told != Some(told) {
                server.told = Some(told);
                self.news.changed(id, server.term);
            }
            self.room.set(&server.registration, fits);
        }
    }

    fn fits(&self, id: &ServerId) -> Fits {
        self.servers.get(id).map_or(Fits::NOTHING, Server::fits)
    }

    /// Takes a server out, with all that points at it.
    fn take(&mut self, id: &ServerId) -> Option<Server> {
        let server = self.servers.remove(id)?;
        self.news.changed(id, server.term);
        self.room.forget(id);
        self.deadlines.remove(&(server.expires_at, id.clone()));
        if let Some(at) = server.drain.as_ref().and_then(|drain| drain.deadline) {
            self.drains.remove(&(at, id.clone()));
        }
        if let Some(until) = server.avoidance.until() {
            self.avoided.remove(&(until, id.clone()));
        }
        for (land, placed) in &server.lands {
            self.unlink(id, land);
            self.not_due(land, placed.due);
        }
        Some(server)
    }

    /// The server is back on a new stream. Who is expected in the lands that live on is known from the stream before, also where
    /// only its agent was started anew, and so is that it drains; what it failed at, the same instance alone.
    fn carry_over(&mut self, id: &ServerId, before: Server) {
        let Some(server) = self.servers.get_mut(id) else { return };
        let same_instance = server.registration.instance == before.registration.instance;
        if same_instance {
            server.avoidance = before.avoidance;
            self.avoided.extend(server.avoidance.until().map(|until| (until, id.clone())));
        }
        // A game server that was started anew has none of them.
        if same_instance || before.lands.keys().any(|land| server.lands.contains_key(land)) {
            server.drain = before.drain;
            let deadline = server.drain.as_ref().and_then(|drain| drain.deadline);
            self.drains.extend(deadline.map(|at| (at, id.clone())));
        }
        for (land, placed) in before.lands {
            if self.lands.get(&land) == Some(id)
                && let Some(now) = server.lands.get_mut(&land)
            {
                server.seats_taken -= now.taken();
                if let Some(at) = now.due {
                    self.due.remove(&(at, land.clone()));
                }
                now.confirmed = placed.confirmed;
                let mut expected = std::mem::replace(&mut now.seats, placed.seats);
                now.seats.take(&now.players);
                if now.seats.kept() == 0 && expected.kept() > 0 {
                    let (_, players) = expected.free();
                    server.unheard.push(FreedSeats { land: land.clone(), players });
                }
                now.due = placed.due;
                server.seats_taken += now.taken();
                self.due.extend(now.due.map(|at| (at, land)));
            }
        }
    }

    /// Until when a player of a land that is ready now is waited for.
    pub(crate) fn seats_until(&self, now: Time) -> Option<Time> {
        self.no_show_after.map(|span| now + span)
    }

    fn not_due(&mut self, land: &LandId, due: Option<Time>) {
        if let Some(at) = due {
            self.due.remove(&(at, land.clone()));
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
