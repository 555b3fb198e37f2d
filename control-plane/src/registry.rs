//! The game servers: who is there, what they have room for, and how to reach them.
//!
//! [`table::Table`] is the knowledge, plain data with time as an argument. Around it, [`Registry`] keeps the links to the
//! agents' streams and tells who waits for room when there is some. What a match needs of it is in [`crate::allocation`], how
//! replicas tell each other of their servers in [`crate::peers`].

mod avoidance;
mod drain;
mod elsewhere;
mod land;
mod link;
mod reminders;
mod seats;
mod server;
mod table;
mod upkeep;
mod whereabouts;
mod wish;

use std::{sync::Arc, time::Duration};

use matching::Time;
use parking_lot::{Mutex, MutexGuard};
use runtime::Clock;
use storage::{LandId, ServerId};
use tokio::sync::Notify;

pub(crate) use land::{LandOrder, LandState};
pub(crate) use link::{Answer, Command, Link};
pub(crate) use server::{Arrival, Heartbeat, Land, Registration, ServerState, ServerView};
pub(crate) use table::{Freed, Held, HelloRefused, Notice, Place, Reserved, Told};
pub(crate) use whereabouts::Whereabouts;
pub(crate) use wish::{Latencies, NewLand, Pick, Policy, Selector, Use};

use self::{
    link::Links,
    table::{RoomChange, Table},
};
use crate::room::{Room, RoomNews};

/// How long a lost server is still shown.
const SHOW_LOST: Duration = Duration::from_secs(5 * 60);

/// All game servers. Shared by the streams of the agents, the allocation and the operators' calls.
#[derive(Debug)]
pub(crate) struct Registry {
    clock: Clock,
    // Held for one transition of the table at a time, never over an await.
    inner: Mutex<Inner>,
    room: Room,
    /// Wakes who tells other replicas.
    news: Notify,
}

#[derive(Debug)]
struct Inner {
    table: Table,
    links: Links,
}

impl Registry {
    /// An empty one, with what is usual.
    #[cfg(test)]
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Self::with(clock, Some(Duration::from_secs(120)))
    }

    /// An empty one. `no_show_after`: how long a seat is kept for a player of a land that is ready; `None`: as long as the
    /// land lives.
    pub(crate) fn with(clock: Clock, no_show_after: Option<Duration>) -> Arc<Self> {
        let inner = Inner { table: Table::new(no_show_after), links: Links::default() };
        Arc::new(Self { clock, inner: Mutex::new(inner), room: Room::default(), news: Notify::new() })
    }

    /// Wakes whenever a land may fit where none fitted before.
    pub(crate) fn room(&self) -> RoomNews {
        self.room.news()
    }

    /// Registers a server whose agent speaks over `link`, with the lands that it has already.
    pub(crate) fn connect(&self, arrival: Arrival, expiry: Duration, link: Link) -> Result<(), HelloRefused> {
        let now = self.now();
        let (server, instance) = (arrival.registration.server.clone(), arrival.registration.instance.clone());
        let room = {
            let mut inner = self.inner();
            let room = inner.table.hello(arrival, now + expiry, now)?;
            inner.links.replace(&server, instance, link);
            inner.remind(&server, now);
            room
        };
        self.tell(room);
        Ok(())
    }

    /// Registers a server without an agent, or prolongs its registration. `term`: of the hold on its id.
    pub(crate) fn register(
        &self,
        registration: Registration,
        term: u64,
        expiry: Duration,
    ) -> Result<(), HelloRefused> {
        let now = self.now();
        let room = self.inner().table.register(registration, term, now + expiry, now)?;
        self.tell(room);
        Ok(())
    }

    /// Takes a heartbeat from the stream `link`. False: that stream was replaced by another.
    pub(crate) fn heartbeat(&self, server: &ServerId, link: u64, beat: Heartbeat, expiry: Duration) -> bool {
        let now = self.now();
        let room = {
            let mut inner = self.inner();
            if !inner.links.is(server, link) {
                return false;
            }
            let room = inner.table.heartbeat(server, beat, now + expiry, now);
            inner.remind(server, now);
            room
        };
        self.tell(room);
        true
    }

    /// Takes an agent's answer to a command. One that nobody waits for is left alone: its land was released.
    pub(crate) fn answer(&self, server: &ServerId, link: u64, command: &str, answer: Answer) {
        let now = self.now();
        let mut inner = self.inner();
        if !inner.links.is(server, link) {
            return;
        }
        let Some((land, waiter)) = inner.links.answered(server, command) else {
            return;
        };
        // Before the next heartbeat of this stream is read: one without the land means that it ended.
        let seats_until = inner.table.seats_until(now);
        if answer == Answer::Ready && !inner.table.land_ready(&land, seats_until) {
            return;
        }
        // Whoever stops waiting releases the land.
        drop(waiter.send(answer));
    }

    /// The stream `link` ended without a goodbye: the server takes no lands until it is heard of again.
    pub(crate) fn disconnected(&self, server: &ServerId, link: u64) {
        let now = self.now();
        let mut inner = self.inner();
        if inner.links.remove(server, link) {
            inner.table.lose(server, now + SHOW_LOST);
        }
    }

    /// The server's agent says that it goes away for good.
    pub(crate) fn goodbye(&self, server: &ServerId, link: u64) {
        let mut inner = self.inner();
        if inner.links.remove(server, link) {
            inner.table.remove(server);
        }
    }

    /// Removes a server without an agent. False: it wasn't there.
    pub(crate) fn deregister(&self, server: &ServerId) -> Result<bool, HelloRefused> {
        self.inner().table.deregister(server)
    }

    /// Picks a server and reserves a land on it. `None`: no server that will do has room.
    pub(crate) fn reserve(&self, pick: &Pick<'_>) -> Option<Reserved> {
        let now = self.now();
        self.inner().table.reserve(pick, now)
    }

    /// Reserves a land on one of this replica's own servers. `None`: it has no room, or isn't here.
    pub(crate) fn reserve_on(&self, server: &ServerId, land: &NewLand<'_>) -> Option<Reserved> {
        let now = self.now();
        self.inner().table.reserve_on(server, land, now)
    }

    /// How many lands of the type fit now; servers may still refuse them.
    pub(crate) fn places(&self, land_type: &str) -> usize {
        self.inner.lock().table.places(land_type)
    }

    /// Asks the land's server to make it. The receiver yields the answer, or ends where none can come any more.
    pub(crate) fn ask(
        &self,
        reserved: &Reserved,
        order: &Arc<LandOrder>,
    ) -> tokio::sync::oneshot::Receiver<Answer> {
        let mut inner = self.inner.lock();
        // A server that came anew since has forgotten the place: what it made of the order would be counted nowhere.
        if inner.table.is_kept(reserved) {
            inner.links.ask(&reserved.server, &reserved.land, order)
        } else {
            tokio::sync::oneshot::channel().1
        }
    }

    /// Marks a land as there without asking: its server has no agent. Its place is free again after `lasting`. False: the
    /// server has gone.
    pub(crate) fn assume_ready(&self, reserved: &Reserved, lasting: Duration) -> bool {
        let free_at = self.now() + lasting;
        self.inner().table.land_ready(&reserved.land, Some(free_at))
    }

    /// Whether the land is on some server.
    pub(crate) fn is_there(&self, land: &LandId) -> bool {
        self.inner.lock().table.is_there(land)
    }

    /// Gives a land back, and tells its server to end it. `None`: it wasn't there.
    pub(crate) fn release(&self, land: &LandId, reason: &str) -> Option<Freed> {
        let freed = self.give_back(land, reason)?;
        self.room_appeared();
        Some(freed)
    }

    /// The same for a land that its server didn't make. No room has appeared by it: whoever heard so would ask the same
    /// server again at once, and be refused again.
    pub(crate) fn withdraw(&self, land: &LandId, reason: &str) -> Option<Freed> {
        self.give_back(land, reason)
    }

    /// A land was given back of which nothing is known here: its server is told when it reports it.
    pub(crate) fn unwant(&self, server: &ServerId, land: &LandId) {
        let now = self.now();
        self.inner().table.unwant(server, land, now);
    }

    /// A server was asked for a land and didn't make it: it is asked after all others for a while. `took`: until that was known.
    pub(crate) fn failed(&self, server: &ServerId, took: Duration) {
        let now = self.now();
        self.inner().table.failed(server, took, now);
    }

    /// Every server, or those that host a land type, in the order of their ids.
    pub(crate) fn list(&self, land_type: Option<&str>) -> Vec<ServerView> {
        self.inner.lock().table.list(land_type)
    }

    fn give_back(&self, land: &LandId, reason: &str) -> Option<Freed> {
        let now = self.now();
        let mut inner = self.inner();
        let freed = inner.table.free(land)?;
        if freed.replica.is_none() {
            let release = Command::Release { land: land.clone(), reason: reason.to_owned() };
            inner.links.forget(&freed.server, land);
            inner.links.send(&freed.server, release);
            // What is sent may be lost.
            inner.table.unwant(&freed.server, land, now);
        }
        Some(freed)
    }

    /// For a change: whoever tells other replicas is woken when it is done.
    fn inner(&self) -> Changing<'_> {
        Changing { inner: self.inner.lock(), news: &self.news }
    }

    fn tell(&self, room: RoomChange) {
        if room == RoomChange::Appeared {
            self.room_appeared();
        }
    }

    fn room_appeared(&self) {
        self.room.appeared();
    }

    fn now(&self) -> Time {
        Time(self.clock.now_ms())
    }
}

/// The registry while it is changed.
struct Changing<'a> {
    inner: MutexGuard<'a, Inner>,
    news: &'a Notify,
}

impl std::ops::Deref for Changing<'_> {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl std::ops::DerefMut for Changing<'_> {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.inner
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        if self.inner.table.has_news() {
            self.news.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
