//! Telling servers to take no more lands, until they say that they don't.

use std::time::Duration;

use matching::Time;
use storage::ServerId;

use super::{
    Inner, Registry, ServerView,
    link::Command,
    table::{DrainOrder, Ended},
};

impl Registry {
    /// Has a server take no new lands, and ends those that are left after `deadline`, if it has one. The first call's deadline
    /// holds, unless this one is earlier. `None`: the server isn't here.
    pub(crate) fn drain(
        &self,
        server: &ServerId,
        reason: &str,
        deadline: Option<Duration>,
    ) -> Option<ServerView> {
        let now = self.now();
        let mut inner = self.inner();
        let order = inner.table.drain(server, reason, deadline.map(|after| now + after), now)?;
        inner.links.send(server, order.into());
        inner.table.view(server)
    }
}

impl Inner {
    /// Says again what a server was told and has not done.
    pub(super) fn remind(&mut self, server: &ServerId, now: Time) {
        let (order, ended) = self.table.remind(server, now);
        if let Some(order) = order {
            self.links.send(server, order.into());
        }
        self.end(ended);
    }

    /// Tells servers to end lands whose places are given back already. Who still waits for one learns that it won't come.
    pub(super) fn end(&mut self, lands: Vec<Ended>) {
        for Ended { server, land, reason } in lands {
            self.links.forget(&server, &land);
            self.links.send(&server, Command::Release { land, reason });
        }
    }
}

impl From<DrainOrder> for Command {
    fn from(order: DrainOrder) -> Self {
        Self::Drain { reason: order.reason, deadline: order.left }
    }
}
