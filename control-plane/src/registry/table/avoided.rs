//! Servers that are avoided, here and elsewhere: see [`Avoidance`].

use std::time::Duration;

use matching::Time;
use storage::ServerId;

use super::Table;
use crate::registry::avoidance::Avoidance;

impl Table {
    /// A server didn't make a land that it was asked for, and it took so long until that was known.
    pub(crate) fn failed(&mut self, id: &ServerId, took: Duration, now: Time) {
        metrics::counter!("control_plane_servers_avoided_total").increment(1);
        self.doubt(id, |avoidance| avoidance.failed(took, now));
    }

    /// A server made a land.
    pub(super) fn succeeded(&mut self, id: &ServerId) {
        self.doubt(id, Avoidance::succeeded);
    }

    /// Servers that were avoided for long enough are asked like any other.
    pub(super) fn pardon(&mut self, now: Time) {
        while let Some((_, id)) = self.avoided.first().filter(|(until, _)| *until <= now).cloned() {
            self.doubt(&id, Avoidance::over);
        }
    }

    pub(super) fn doubt(&mut self, id: &ServerId, change: impl FnOnce(&mut Avoidance)) {
        let avoidance = match self.servers.get_mut(id) {
            Some(server) => &mut server.avoidance,
            None => match self.elsewhere.servers.get_mut(id) {
                Some(far) => &mut far.avoidance,
                None => return,
            },
        };
        let before = avoidance.until();
        change(avoidance);
        let after = avoidance.until();
        if before == after {
            return;
        }
        if let Some(until) = before {
            self.avoided.remove(&(until, id.clone()));
        }
        self.avoided.extend(after.map(|until| (until, id.clone())));
        if before.is_some() != after.is_some() {
            self.index(id);
            self.index_far(id);
        }
    }
}
