//! What the registry tells other replicas of its servers, and takes from them of theirs.

use std::collections::{BTreeSet, HashSet};

use storage::{ReplicaId, ServerId};

use super::{Held, Notice, Registry, Reserved, ServerView, Told};

impl Registry {
    /// Waits until there is something to tell other replicas. Nothing ever is before [`Registry::keep_news`].
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    /// From now on, what happens to servers is news.
    pub(crate) fn keep_news(&self) {
        self.inner.lock().table.keep_news();
    }

    /// The news since it was taken last.
    pub(crate) fn take_news(&self) -> Vec<(ServerId, Told)> {
        self.inner.lock().table.take_news(self.now())
    }

    /// How every server of this replica is, which is all the news there is.
    pub(crate) fn all_news(&self) -> Vec<(ServerId, Notice)> {
        self.inner.lock().table.all_news(self.now())
    }

    /// The server ids that this replica holds.
    pub(crate) fn held(&self) -> Vec<Held> {
        self.inner.lock().table.held()
    }

    /// The id that was held with the term `old` is held anew.
    pub(crate) fn held_again(&self, server: &ServerId, old: u64, new: u64) {
        self.inner().table.held_again(server, old, new);
    }

    /// The id that was held with this term is held by `by`, elsewhere: its stream here ends.
    pub(crate) fn superseded(&self, server: &ServerId, term: u64, by: String) {
        let mut inner = self.inner();
        if inner.table.superseded(server, term) {
            tracing::info!(%server, by, "a server's id is held by another now");
            inner.links.supersede(server, by);
        }
    }

    /// How one server of this replica is.
    pub(crate) fn notice(&self, server: &ServerId) -> Option<Notice> {
        self.inner.lock().table.notice(server, self.now())
    }

    /// Another replica says how a server of its own is.
    pub(crate) fn announced(&self, replica: &ReplicaId, notice: Notice) {
        let now = self.now();
        let room = {
            let mut inner = self.inner();
            let (room, superseded) = inner.table.announced(replica, notice, now);
            if let Some((server, by)) = superseded {
                tracing::info!(%server, %replica, "a server's agent speaks to another replica now");
                inner.links.supersede(&server, by);
            }
            room
        };
        self.tell(room);
    }

    /// Another replica doesn't have this server any more.
    pub(crate) fn withdrawn(&self, replica: &ReplicaId, server: &ServerId) {
        self.inner().table.withdrawn(replica, server);
    }

    /// Another replica has these servers and no others.
    pub(crate) fn withdrawn_others(&self, replica: &ReplicaId, kept: &HashSet<ServerId>) {
        self.inner().table.withdrawn_others(replica, kept);
    }

    /// Another replica is gone.
    pub(crate) fn replica_gone(&self, replica: &ReplicaId) {
        self.inner().table.replica_gone(replica);
    }

    /// Another replica gave no answer: its servers get no lands until it is heard of.
    pub(crate) fn replica_silent(&self, replica: &ReplicaId) {
        self.inner().table.replica_silent(replica);
    }

    /// Another replica was heard of.
    pub(crate) fn replica_heard(&self, replica: &ReplicaId) {
        let room = self.inner().table.replica_heard(replica);
        self.tell(room);
    }

    /// The other replicas that have servers.
    pub(crate) fn replicas(&self) -> BTreeSet<ReplicaId> {
        self.inner.lock().table.replicas()
    }

    /// What another replica announced of its servers, or of those that host a land type.
    pub(crate) fn list_announced(&self, replica: &ReplicaId, land_type: Option<&str>) -> Vec<ServerView> {
        self.inner.lock().table.list_announced(replica, land_type)
    }

    /// Which replica the server's agent speaks to, if it is another one.
    pub(crate) fn replica_of(&self, server: &ServerId) -> Option<ReplicaId> {
        self.inner.lock().table.replica_of(server).cloned()
    }

    /// Another replica made the land that it was asked for.
    pub(crate) fn made_elsewhere(&self, reserved: &Reserved) {
        self.inner().table.made_elsewhere(reserved);
    }
}
