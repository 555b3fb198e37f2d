//! Servers whose agents speak to other replicas: what those announced, and what was asked of them since.
//!
//! The replica that an agent speaks to knows its server's room; here is only what it said last. So a server elsewhere may
//! turn out to be full when it is asked, but never the other way: lands that it was asked for here count until it answers.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use matching::Time;
use serde::{Deserialize, Serialize};
use storage::{LandId, ReplicaId, ServerId};

use super::{RoomChange, Table};
use crate::registry::{
    avoidance::Avoidance,
    server::{Fits, Registration, ServerState, ServerView},
    wish::NewLand,
};

/// What a replica tells the others of one of its servers: enough to choose it, little enough to be told with every land.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) registration: Arc<Registration>,
    /// Of the hold on the server's id: of two that say they have it, the greater is right.
    pub(crate) term: u64,
    /// Grows with every notice that a replica makes: of one term's, the greatest is the newest.
    pub(crate) number: u64,
    /// How many more lands fit.
    pub(crate) free: usize,
    /// How many more players; absent where only the lands limit them.
    #[serde(default)]
    pub(crate) free_seats: Option<usize>,
    /// Whether lands live on it, or are about to.
    #[serde(default)]
    pub(crate) occupied: bool,
    /// For how long it is asked after all others, because it failed to make lands.
    #[serde(default)]
    pub(crate) avoided_for_ms: Option<u64>,
    pub(crate) state: ServerState,
    pub(crate) registered_at: Time,
    pub(crate) last_heard: Time,
}

/// What other replicas say.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    pub(super) servers: BTreeMap<ServerId, FarServer>,
    /// Replicas that were asked and stayed silent: nobody is sent there until they are heard of again.
    silent: HashSet<ReplicaId>,
}

#[derive(Debug)]
pub(super) struct FarServer {
    pub(super) replica: ReplicaId,
    pub(super) notice: Notice,
    /// Lands that it was asked for and has not answered yet.
    pub(super) asked: HashMap<LandId, Asked>,
    pub(super) avoidance: Avoidance,
}

#[derive(Debug)]
pub(super) struct Asked {
    seats: usize,
    /// When nobody waits for the answer any more.
    pub(super) due: Time,
}

impl Elsewhere {
    /// Nothing, where its replica is silent.
    pub(super) fn fits(&self, far: &FarServer) -> Fits {
        let fits = far.fits();
        if self.silent.contains(&far.replica) { Fits { lands: 0, ..fits } } else { fits }
    }
}

impl FarServer {
    fn fits(&self) -> Fits {
        let asked = self.asked.values().map(|asked| asked.seats).sum();
        let seats = self.notice.free_seats.map_or(usize::MAX, |free| free.saturating_sub(asked));
        let lands = self.notice.free.saturating_sub(self.asked.len());
        Fits {
            lands: if seats > 0 { lands } else { 0 },
            seats,
            occupied: self.notice.occupied || !self.asked.is_empty(),
            avoided: self.avoidance.until().is_some(),
        }
    }

    /// All but its lands, which were not announced.
    fn view(&self) -> ServerView {
        ServerView {
            registration: Arc::clone(&self.notice.registration),
            state: self.notice.state,
            registered_at: self.notice.registered_at,
            last_heard: self.notice.last_heard,
            lands: Vec::new(),
            seats_reserved: 0,
            drain_deadline: None,
            avoided_until: self.avoidance.until(),
        }
    }
}

impl Table {
    /// A replica says how a server of its own is. Where the server spoke to this replica before, it doesn't any more: then
    /// it is removed here, and returned with the instance that took over.
    pub(crate) fn announced(
        &mut self,
        replica: &ReplicaId,
        notice: Notice,
        now: Time,
    ) -> (RoomChange, Option<(ServerId, String)>) {
        let id = notice.registration.server.clone();
        let mut superseded = None;
        if let Some(own) = self.servers.get(&id) {
            if own.term > notice.term {
                return (RoomChange::None, None);
            }
            superseded = Some((id.clone(), notice.registration.instance.clone().unwrap_or_default()));
            self.remove(&id);
        }
        let known = self.elsewhere.servers.get(&id);
        if known.is_some_and(|known| (known.notice.term, known.notice.number) > (notice.term, notice.number))
        {
            return (RoomChange::None, None);
        }
        let before = known.map_or(Fits::NOTHING, FarServer::fits);
        let avoided_for = notice.avoided_for_ms.map(Duration::from_millis);
        let mut far = FarServer {
            replica: replica.clone(),
            notice,
            asked: HashMap::new(),
            avoidance: Avoidance::default(),
        };
        // Another term is another stream, which was asked for nothing.
        match self.elsewhere.servers.get_mut(&id) {
            Some(known) if known.notice.term == far.notice.term => {
                far.asked = std::mem::take(&mut known.asked);
                far.avoidance = known.avoidance;
            }
            _ => self.forget_far(&id),
        }
        let room = RoomChange::of(self.elsewhere.fits(&far).has_grown(before));
        self.elsewhere.servers.insert(id.clone(), far);
        self.index_far(&id);
        self.doubt(&id, |avoidance| avoidance.at_least(avoided_for.map(|span| now + span)));
        (room, superseded)
    }

    /// A replica doesn't have this server any more.
    pub(crate) fn withdrawn(&mut self, replica: &ReplicaId, server: &ServerId) {
        if self.elsewhere.servers.get(server).is_some_and(|far| far.replica == *replica) {
            self.forget_far(server);
        }
    }

    /// A replica has these servers and no others.
    pub(crate) fn withdrawn_others(&mut self, replica: &ReplicaId, kept: &HashSet<ServerId>) {
        let theirs = self.elsewhere.servers.iter().filter(|(_, far)| far.replica == *replica);
        let gone: Vec<_> = theirs.map(|(id, _)| id.clone()).filter(|id| !kept.contains(id)).collect();
        for id in gone {
            self.forget_far(&id);
        }
    }

    /// A replica is gone; its servers' agents will be heard of elsewhere.
    pub(crate) fn replica_gone(&mut self, replica: &ReplicaId) {
        self.withdrawn_others(replica, &HashSet::new());
        self.elsewhere.silent.remove(replica);
    }

    /// A replica stayed silent when it was asked.
    pub(crate) fn replica_silent(&mut self, replica: &ReplicaId) {
        if self.has_servers_of(replica) && self.elsewhere.silent.insert(replica.clone()) {
            self.index_all_of(replica);
        }
    }

    /// A replica was heard of.
    pub(crate) fn replica_heard(&mut self, replica: &ReplicaId) -> RoomChange {
        let was_silent = self.elsewhere.silent.remove(replica);
        if was_silent {
            self.index_all_of(replica);
        }
        RoomChange::of(was_silent)
    }

    /// Where the server is, if it is elsewhere.
    pub(crate) fn replica_of(&self, server: &ServerId) -> Option<&ReplicaId> {
        self.elsewhere.servers.get(server).map(|far| &far.replica)
    }

    /// The replicas that have servers.
    pub(crate) fn replicas(&self) -> BTreeSet<ReplicaId> {
        self.elsewhere.servers.values().map(|far| far.replica.clone()).collect()
    }

    /// What a replica announced of its servers, or of those that host a land type.
    pub(crate) fn list_announced(&self, replica: &ReplicaId, land_type: Option<&str>) -> Vec<ServerView> {
        let theirs = self.elsewhere.servers.values().filter(|far| far.replica == *replica);
        theirs.filter(|far| far.notice.registration.hosts(land_type)).map(FarServer::view).collect()
    }

    /// Notes that a land was asked for there.
    pub(super) fn ask_far(&mut self, id: &ServerId, land: &NewLand<'_>, due: Time) {
        if let Some(far) = self.elsewhere.servers.get_mut(id) {
            far.asked.insert(land.id.clone(), Asked { seats: land.seats, due });
            self.due.insert((due, land.id.clone()));
        }
        self.index_far(id);
    }

    /// Nobody waits for an answer about the land any more. False: the server isn't elsewhere.
    pub(super) fn answered_far(&mut self, id: &ServerId, land: &LandId) -> bool {
        let Some(far) = self.elsewhere.servers.get_mut(id) else { return false };
        if let Some(Asked { due, .. }) = far.asked.remove(land) {
            self.due.remove(&(due, land.clone()));
        }
        self.index_far(id);
        true
    }

    pub(super) fn forget_far(&mut self, id: &ServerId) {
        let Some(far) = self.elsewhere.servers.remove(id) else { return };
        self.room.forget(id);
        if let Some(until) = far.avoidance.until() {
            self.avoided.remove(&(until, id.clone()));
        }
        for (land, Asked { due, .. }) in far.asked {
            self.unlink(id, &land);
            self.due.remove(&(due, land));
        }
    }

    pub(super) fn index_far(&mut self, id: &ServerId) {
        if let Some(far) = self.elsewhere.servers.get(id) {
            self.room.set(&far.notice.registration, self.elsewhere.fits(far));
        }
    }

    fn index_all_of(&mut self, replica: &ReplicaId) {
        let theirs = self.elsewhere.servers.iter().filter(|(_, far)| far.replica == *replica);
        let ids: Vec<_> = theirs.map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.index_far(&id);
        }
    }

    fn has_servers_of(&self, replica: &ReplicaId) -> bool {
        self.elsewhere.servers.values().any(|far| far.replica == *replica)
    }
}

#[cfg(test)]
mod tests;
