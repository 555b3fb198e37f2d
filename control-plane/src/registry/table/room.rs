//! Which servers have room, found without asking each of them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
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
    servers: BTreeSet<ServerId>,
    /// Whose turn was last; it may have gone since.
    last: Option<ServerId>,
}

impl Room {
    pub(super) fn insert(&mut self, registration: &Registration) {
        for key in keys(registration) {
            self.0.entry(key).or_default().servers.insert(registration.server.clone());
        }
    }

    /// Keeps the turn: a server that fills up and empties again doesn't come first because of it.
    pub(super) fn remove(&mut self, registration: &Registration) {
        for key in keys(registration) {
            if let Some(turn) = self.0.get_mut(&key) {
                turn.servers.remove(&registration.server);
            }
        }
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
}

impl Turn {
    fn next(&mut self, except: &HashSet<ServerId>) -> Option<ServerId> {
        let from = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.servers.range((from, Bound::Unbounded));
        let next = rest.chain(self.servers.iter()).find(|id| !except.contains(*id)).cloned()?;
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
