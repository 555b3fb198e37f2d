//! Looking for a land.

use storage::{LandId, ServerId};

use super::Table;
use crate::registry::{land::LandState, server::Server, whereabouts::Whereabouts};

impl Table {
    /// Of this replica's own servers. `server`: where the land was made, as far as that is known.
    pub(crate) fn whereabouts(&self, land: &LandId, server: Option<&ServerId>) -> Whereabouts {
        let is_here = |server: &&Server| server.lost_until.is_none();
        let holder = self.lands.get(land).and_then(|holder| self.servers.get(holder)).filter(is_here);
        if let Some(holder) = holder
            && let Some(placed) = holder.lands.get(land)
        {
            return match placed.state {
                LandState::Ready => Whereabouts::Ready {
                    server: holder.registration.server.clone(),
                    connect_base: holder.registration.connect_base.clone(),
                },
                LandState::Reserved => Whereabouts::Reserved,
            };
        }
        // A server without an agent doesn't say which lands it has.
        let says = |server: &Server| server.registration.instance.is_some();
        match server.and_then(|server| self.servers.get(server)).filter(is_here) {
            Some(server) if says(server) => Whereabouts::Gone,
            _ => Whereabouts::Unknown,
        }
    }
}
