//! Servers whose agents speak to other replicas: what those announced, and what was asked of them since.
//!
//! The replica that an agent speaks to knows its server's room; here is only what it said last. So a server elsewhere may
//! turn out to be full when it is asked, but never the other way: lands that it was asked for here count until it answers.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use matching::Time;
use serde::{Deserialize, Serialize};
use storage::{LandId, ReplicaId, ServerId};

use super::{RoomChange, Table};
use crate::registry::server::{Registration, ServerState, ServerView};

/// What a replica tells the others of one of its servers: enough to choose it, little enough to be told with every land.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) registration: Registration,
    /// Of the hold on the server's id: of two that say they have it, the greater is right.
    pub(crate) term: u64,
    /// Grows with every notice that a replica makes: of one term's, the greatest is the newest.
    pub(crate) number: u64,
    /// How many more lands fit.
    pub(crate) free: usize,
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
    asked: HashSet<LandId>,
}

impl Elsewhere {
    fn free(&self, far: &FarServer) -> usize {
        if self.silent.contains(&far.replica) { 0 } else { far.notice.free.saturating_sub(far.asked.len()) }
    }
}

impl FarServer {
    /// All but its lands, which were not announced.
    fn view(&self) -> ServerView {
        ServerView {
            registration: self.notice.registration.clone(),
            state: self.notice.state,
            registered_at: self.notice.registered_at,
            last_heard: self.notice.last_heard,
            lands: Vec::new(),
            seats_reserved: 0,
            drain_deadline: None,
            avoided_until: None,
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
        let mut free_before = 0;
        let mut asked = HashSet::new();
        if let Some(known) = self.elsewhere.servers.get_mut(&id) {
            let (newest, this) = ((known.notice.term, known.notice.number), (notice.term, notice.number));
            if newest > this {
                return (RoomChange::None, None);
            }
            free_before = known.notice.free.saturating_sub(known.asked.len());
            self.room.forget(&known.notice.registration);
            // Another term is another stream, which was asked for nothing.
            if known.notice.term == notice.term {
                asked = std::mem::take(&mut known.asked);
            } else {
                let forgotten: Vec<_> = known.asked.drain().collect();
                for land in forgotten {
                    self.unlink(&id, &land);
                }
            }
        }
        let far = FarServer { replica: replica.clone(), notice, asked };
        let room = RoomChange::of(self.elsewhere.free(&far) > free_before);
        self.elsewhere.servers.insert(id.clone(), far);
        self.index_far(&id);
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
    pub(super) fn ask_far(&mut self, id: &ServerId, land: &LandId) {
        if let Some(far) = self.elsewhere.servers.get_mut(id) {
            far.asked.insert(land.clone());
        }
        self.index_far(id);
    }

    /// Nobody waits for an answer about the land any more. False: the server isn't elsewhere.
    pub(super) fn answered_far(&mut self, id: &ServerId, land: &LandId) -> bool {
        let Some(far) = self.elsewhere.servers.get_mut(id) else { return false };
        far.asked.remove(land);
        self.index_far(id);
        true
    }

    pub(super) fn forget_far(&mut self, id: &ServerId) {
        let Some(far) = self.elsewhere.servers.remove(id) else { return };
        self.room.forget(&far.notice.registration);
        for land in &far.asked {
            self.unlink(id, land);
        }
    }

    fn index_far(&mut self, id: &ServerId) {
        if let Some(far) = self.elsewhere.servers.get(id) {
            self.room.set(&far.notice.registration, self.elsewhere.free(far));
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
