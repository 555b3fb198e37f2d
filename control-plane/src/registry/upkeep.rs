//! What has to be done about servers and lands as time passes, whoever calls.

use matching::Time;

use super::{Registry, SHOW_LOST, link::Command, table::NoShows};

impl Registry {
    /// Loses servers that were silent for too long, gives back what nobody waits for, ends what has drained for long enough,
    /// frees the seats of players who never came, and forgets what is over. Returns when to look again.
    pub(crate) fn expire(&self) -> Option<Time> {
        let now = self.now();
        let mut inner = self.inner();
        let expired = inner.table.expire(now, now + SHOW_LOST);
        for server in &expired.lost {
            inner.links.drop_link(server);
            tracing::warn!(%server, "a server fell silent; it takes no lands until it is heard of again");
        }
        for ended in &expired.ended {
            tracing::info!(server = %ended.server, land = %ended.land, reason = ended.reason, "a land is given back");
        }
        inner.end(expired.ended);
        for NoShows { server, land, seats, players } in expired.no_shows {
            tracing::info!(%server, %land, seats, "players never came to a land; their seats are free");
            metrics::counter!("control_plane_seats_freed_total").increment(seats as u64);
            if !players.is_empty() {
                inner.links.send(&server, Command::SeatsFreed { land, players });
            }
        }
        let next = inner.table.next_deadline();
        drop(inner);
        if expired.room {
            self.room_appeared();
        }
        next
    }
}
