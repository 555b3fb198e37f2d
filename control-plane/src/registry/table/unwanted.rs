//! Lands that were given back, though a server may still have them: its agent was not told because its stream had broken, or is
//! not back yet since this control plane started.
//!
//! What a server reports counts, so such a land would be there for as long as its server keeps it, and nobody would know what
//! for. So it is remembered for a while, and its server is told again whenever it reports it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use matching::Time;
use storage::{LandId, ServerId};

use super::{Ended, Table};

/// How long it is remembered: a server that is away for longer is taken to have gone.
pub(super) const KEEP: Duration = Duration::from_secs(5 * 60);
/// How many are remembered; beyond them, the oldest are not.
pub(super) const MOST: usize = 100_000;

/// Which land isn't wanted, and where.
type Where = (ServerId, LandId);

/// See the file's header.
#[derive(Debug, Default)]
pub(super) struct Unwanted {
    until: BTreeMap<Where, Time>,
    due: BTreeSet<(Time, Where)>,
}

impl Unwanted {
    /// How many there are, by both of its indexes.
    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.until.len(), self.due.len())
    }

    fn remove(&mut self, place: &Where) {
        if let Some((place, until)) = self.until.remove_entry(place) {
            self.due.remove(&(until, place));
        }
    }

    fn on(&self, id: &ServerId) -> impl Iterator<Item = &LandId> {
        let from = (id.clone(), LandId::new(""));
        self.until.range(from..).take_while(move |((on, _), _)| on == id).map(|((_, land), _)| land)
    }
}

impl Table {
    /// The land was given back, and the server may still have it.
    pub(crate) fn unwant(&mut self, server: &ServerId, land: &LandId, now: Time) {
        let place = (server.clone(), land.clone());
        self.unwanted.remove(&place);
        self.unwanted.due.insert((now + KEEP, place.clone()));
        self.unwanted.until.insert(place, now + KEEP);
        while let Some((at, place)) = self.unwanted.due.pop_first() {
            if at > now && self.unwanted.until.len() <= MOST {
                self.unwanted.due.insert((at, place));
                break;
            }
            self.unwanted.until.remove(&place);
        }
    }

    /// The server is about to be asked for it.
    pub(super) fn want(&mut self, server: &ServerId, land: &LandId) {
        if !self.unwanted.until.is_empty() {
            self.unwanted.remove(&(server.clone(), land.clone()));
        }
    }

    /// Frees the lands that a server has reported and that nobody wants there.
    pub(super) fn end_unwanted(&mut self, id: &ServerId) -> Vec<Ended> {
        let Some(server) = self.servers.get(id) else { return Vec::new() };
        let reported = |land: &&LandId| server.lands.contains_key(*land);
        let lands: Vec<_> = self.unwanted.on(id).filter(reported).cloned().collect();
        let ended = |land: LandId| {
            self.drop_land(id, &land);
            Ended { server: id.clone(), land, reason: "it was given back".to_owned() }
        };
        lands.into_iter().map(ended).collect()
    }

    /// The server's record of a land goes, whoever else has the land.
    fn drop_land(&mut self, id: &ServerId, land: &LandId) {
        if self.lands.get(land) == Some(id) {
            self.free(land);
        } else if let Some(server) = self.servers.get_mut(id)
            && let Some(placed) = server.lands.remove(land)
        {
            server.seats_taken -= placed.taken();
            self.not_due(land, placed.due);
            self.index(id);
        }
    }
}
