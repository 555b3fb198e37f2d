//! What this replica tells the others of its own servers.

use std::{collections::BTreeMap, sync::Arc};

use matching::Time;
use storage::ServerId;

use super::{Notice, Table};

/// What there is to tell of one server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Is(Box<Notice>),
    /// It takes no lands here any more; its id was held with this term.
    Gone {
        term: u64,
    },
}

/// A server id that this replica holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub(crate) server: ServerId,
    /// `None`: the server has no agent.
    pub(crate) instance: Option<String>,
    pub(crate) term: u64,
}

/// The servers of which there is news, where anybody is told at all.
#[derive(Debug, Default)]
pub(super) struct News {
    wanted: bool,
    /// With the terms under which they are, or were, this replica's.
    changed: BTreeMap<ServerId, u64>,
    /// Of the newest notice.
    number: u64,
}

impl News {
    pub(super) fn changed(&mut self, server: &ServerId, term: u64) {
        if self.wanted {
            self.changed.insert(server.clone(), term);
        }
    }
}

impl Table {
    /// Whether others have to be told of something.
    pub(crate) fn has_news(&self) -> bool {
        !self.news.changed.is_empty()
    }

    /// From now on, changes are kept until they are taken.
    pub(crate) fn keep_news(&mut self) {
        self.news.wanted = true;
    }

    /// The servers that changed since they were taken last.
    pub(crate) fn take_news(&mut self, now: Time) -> Vec<(ServerId, Told)> {
        let changed = std::mem::take(&mut self.news.changed);
        let told = |(id, term): (ServerId, u64)| {
            let told = self.notice(&id, now).map_or(Told::Gone { term }, |notice| Told::Is(Box::new(notice)));
            (id, told)
        };
        changed.into_iter().map(told).collect()
    }

    /// Every server of this replica that isn't lost.
    pub(crate) fn all_news(&mut self, now: Time) -> Vec<(ServerId, Notice)> {
        let ids: Vec<_> = self.servers.keys().cloned().collect();
        ids.into_iter().filter_map(|id| Some((id.clone(), self.notice(&id, now)?))).collect()
    }

    /// The ids that this replica holds.
    pub(crate) fn held(&self) -> Vec<Held> {
        let held = self.servers.iter().filter(|(_, server)| server.lost_until.is_none());
        held.map(|(id, server)| Held {
            server: id.clone(),
            instance: server.registration.instance.clone(),
            term: server.term,
        })
        .collect()
    }

    /// The id that was held with the term `old` is held anew.
    pub(crate) fn held_again(&mut self, id: &ServerId, old: u64, new: u64) {
        if let Some(server) = self.servers.get_mut(id).filter(|server| server.term == old) {
            server.term = new;
        }
    }

    /// The id that was held with this term is another's. False: it came anew since.
    pub(crate) fn superseded(&mut self, id: &ServerId, term: u64) -> bool {
        self.servers.get(id).is_some_and(|server| server.term == term) && self.remove(id)
    }

    /// How a server of this replica is now.
    pub(crate) fn notice(&mut self, id: &ServerId, now: Time) -> Option<Notice> {
        let server = self.servers.get(id).filter(|server| server.lost_until.is_none())?;
        let (fits, avoided_for) = (server.fits(), server.avoidance.until().map(|until| until.since(now)));
        self.news.number += 1;
        Some(Notice {
            registration: Arc::clone(&server.registration),
            term: server.term,
            number: self.news.number,
            free: fits.lands,
            free_seats: server.registration.player_capacity.map(|_| fits.seats),
            occupied: fits.occupied,
            avoided_for_ms: avoided_for.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
            state: server.state(),
            registered_at: server.registered_at,
            last_heard: server.last_heard,
        })
    }
}
