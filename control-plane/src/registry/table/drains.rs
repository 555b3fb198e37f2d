//! Servers that were told to take no more lands.

use std::time::Duration;

use matching::Time;
use storage::{LandId, ServerId};

use super::Table;
use crate::registry::server::Drain;

/// A land whose time is over: its server is told to end it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) server: ServerId,
    pub(crate) land: LandId,
    /// For people.
    pub(crate) reason: String,
}

/// That a server drains, for its agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DrainOrder {
    /// For people.
    pub(crate) reason: String,
    /// After how long the lands that are left are ended.
    pub(crate) left: Option<Duration>,
}

impl Table {
    /// A server takes no more lands. Of two deadlines the earlier holds. `None`: it isn't here.
    pub(crate) fn drain(
        &mut self,
        id: &ServerId,
        reason: &str,
        deadline: Option<Time>,
        now: Time,
    ) -> Option<DrainOrder> {
        let server = self.servers.get_mut(id)?;
        let before = server.drain.as_ref().and_then(|drain| drain.deadline);
        let deadline = deadline.into_iter().chain(before).min();
        let drain = server.drain.insert(Drain { reason: reason.to_owned(), deadline });
        let order = drain.order(now);
        if before != deadline {
            if let Some(at) = before {
                self.drains.remove(&(at, id.clone()));
            }
            self.drains.extend(deadline.map(|at| (at, id.clone())));
        }
        self.index(id);
        Some(order)
    }

    /// Frees what is left on servers whose deadline is over.
    pub(super) fn end_drained(&mut self, now: Time) -> Vec<Ended> {
        let mut ended = Vec::new();
        while self.drains.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, id)) = self.drains.pop_first() {
                ended.extend(self.end_all(&id));
            }
        }
        ended
    }

    /// Frees every land of a server that drains.
    pub(super) fn end_all(&mut self, id: &ServerId) -> Vec<Ended> {
        let Some(server) = self.servers.get(id) else { return Vec::new() };
        let reason = server.drain.as_ref().map(|drain| drain.reason.clone()).unwrap_or_default();
        let reason = format!("its server drains, and the deadline is over: {reason}");
        let held = |land: &&LandId| self.lands.get(*land) == Some(id);
        let mut lands: Vec<_> = server.lands.keys().filter(held).cloned().collect();
        lands.sort_unstable();
        for land in &lands {
            self.free(land);
        }
        let ended = |land| Ended { server: id.clone(), land, reason: reason.clone() };
        lands.into_iter().map(ended).collect()
    }
}
