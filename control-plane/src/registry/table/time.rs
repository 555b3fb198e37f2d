//! What the passing of time does to servers and lands.

use matching::{PlayerId, Time};
use storage::{LandId, ServerId};

use super::{Ended, Table};

/// See the file's header.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expired {
    pub(crate) lost: Vec<ServerId>,
    /// Whether something may fit where nothing fitted before.
    pub(crate) room: bool,
    /// Lands that nobody waits for any more, or whose server has drained for long enough.
    pub(crate) ended: Vec<Ended>,
    pub(crate) no_shows: Vec<NoShows>,
}

/// Players who never came to a land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoShows {
    pub(crate) server: ServerId,
    pub(crate) land: LandId,
    /// How many.
    pub(crate) seats: usize,
    /// Those of them who have names, in the order of those.
    pub(crate) players: Vec<PlayerId>,
}

impl Table {
    /// Loses servers that were silent for too long (shown until `show_until`), forgets those lost long ago, gives back what
    /// was reserved and never confirmed, and ends and frees what has its time.
    pub(crate) fn expire(&mut self, now: Time, show_until: Time) -> Expired {
        let mut expired = Expired::default();
        while let Some((_, id)) = self.deadlines.first().filter(|(at, _)| *at <= now).cloned() {
            let lost_already = self.servers.get(&id).is_some_and(|server| server.lost_until.is_some());
            if lost_already {
                self.remove(&id);
            } else {
                self.lose(&id, show_until);
                expired.lost.push(id);
            }
        }
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((at, land)) = self.due.pop_first() {
                self.land_due(land, at, &mut expired);
            }
        }
        expired.ended.extend(self.end_drained(now));
        self.pardon(now);
        expired
    }

    /// When [`Table::expire`] may have something to do.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let of_servers = [&self.deadlines, &self.drains, &self.avoided];
        let server = of_servers.into_iter().filter_map(|deadlines| deadlines.first()).map(|(at, _)| *at);
        let land = self.due.first().map(|(at, _)| *at);
        server.chain(land).min()
    }

    fn land_due(&mut self, land: LandId, at: Time, expired: &mut Expired) {
        let Some(id) = self.lands.get(&land).cloned() else { return };
        let Some(server) = self.servers.get_mut(&id) else {
            // Elsewhere: the replica there gives it back for itself.
            self.free(&land);
            expired.room = true;
            return;
        };
        let Some(placed) = server.lands.get_mut(&land).filter(|placed| placed.due == Some(at)) else {
            return;
        };
        placed.due = None;
        if placed.confirmed && server.registration.instance.is_some() {
            let (seats, players) = placed.seats.free();
            server.seats_taken -= seats;
            if seats > 0 {
                expired.room |= server.registration.player_capacity.is_some();
                expired.no_shows.push(NoShows { server: id.clone(), land, seats, players });
                self.index(&id);
            }
            return;
        }
        let unconfirmed = !placed.confirmed;
        self.free(&land);
        expired.room = true;
        if unconfirmed {
            self.unwant(&id, &land, at);
            let reason = "nobody waits for it any more".to_owned();
            expired.ended.push(Ended { server: id, land, reason });
        }
    }
}
