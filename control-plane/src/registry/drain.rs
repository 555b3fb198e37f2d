//! Telling servers to take no more lands.

use std::time::Duration;

use storage::ServerId;

use super::{Registry, ServerView, link::Command, table::DrainOrder};

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

impl From<DrainOrder> for Command {
    fn from(order: DrainOrder) -> Self {
        Self::Drain { reason: order.reason, deadline: order.left }
    }
}
