//! Which servers have room, found without asking each of them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Bound,
};

use smol_str::SmolStr;
use storage::ServerId;

use crate::registry::server::Registration;

/// Servers with room by land type, and by land type and region, each taken in turn.
#[derive(Debug, Default)]
pub(super) struct Room(HashMap<(SmolStr, Option<SmolStr>), Turn>);

#[derive(Debug, Default)]
struct Turn {
    /// How many lands fit on each; none of them is full.
    free: BTreeMap<ServerId, usize>,
    /// How many lands fit on all of them.
    places: usize,
    /// Whose turn was last; it may have gone since.
    last: Option<ServerId>,
}

impl Room {
    /// Notes how many lands fit on a server. One that fills up and empties again doesn't come first because of it.
    pub(super) fn set(&mut self, registration: &Registration, free: usize) {
        for key in keys(registration) {
            self.0.entry(key).or_default().set(&registration.server, free);
        }
    }

    /// The server is gone, or is about to be described anew.
    pub(super) fn forget(&mut self, registration: &Registration) {
        for key in keys(registration) {
            if let Some(turn) = self.0.get_mut(&key) {
                turn.set(&registration.server, 0);
                // Land types are made up by servers: none stays for ever.
                if turn.free.is_empty() {
                    self.0.remove(&key);
                }
            }
        }
    }

    /// How many lands of the type fit on all servers together. A server of several types counts for each.
    pub(super) fn places(&self, land_type: &str) -> usize {
        self.0.get(&(SmolStr::new(land_type), None)).map_or(0, |turn| turn.places)
    }

    /// The next server in turn: in the region where one there has room, else anywhere.
    pub(super) fn next(
        &mut self,
        land_type: &str,
        region: Option<&SmolStr>,
        except: &HashSet<ServerId>,
    ) -> Option<ServerId> {
        let regional = region.cloned().map(Some);
        let mut places = regional.into_iter().chain([None]);
        places.find_map(|place| self.0.get_mut(&(SmolStr::new(land_type), place))?.next(except))
    }

    /// How many kinds of room are kept in mind.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Turn {
    fn set(&mut self, server: &ServerId, free: usize) {
        let before = match free {
            0 => self.free.remove(server),
            _ => self.free.insert(server.clone(), free),
        };
        self.places = self.places - before.unwrap_or(0) + free;
    }

    fn next(&mut self, except: &HashSet<ServerId>) -> Option<ServerId> {
        let from = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.free.range((from, Bound::Unbounded));
        let next = rest.chain(&self.free).map(|(id, _)| id).find(|id| !except.contains(*id)).cloned()?;
        self.last = Some(next.clone());
        Some(next)
    }
}

fn keys(registration: &Registration) -> impl Iterator<Item = (SmolStr, Option<SmolStr>)> {
    registration.land_types.iter().flat_map(|land_type| {
        let regional = registration.region.as_ref().map(|region| (land_type.clone(), Some(region.clone())));
        std::iter::once((land_type.clone(), None)).chain(regional)
    })
}
