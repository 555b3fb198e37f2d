//! The set of lands that live on this server.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{agent::LivingLand, ids::LandId, land::Land};

/// All lands, by their id, and how many there may be.
#[derive(Debug)]
pub(super) struct Lands {
    // Held for one look or one change, never over an await.
    by_id: Mutex<HashMap<LandId, Arc<Land>>>,
    limit: usize,
}

/// What became of a request to open a land.
#[derive(Debug)]
pub(super) enum Opened {
    /// It is new: somebody has to look after it.
    New(Arc<Land>),
    /// It was there already: asked twice, it is made once.
    Known(Arc<Land>),
    /// There is no room.
    Full,
}

impl Lands {
    pub(super) fn new(limit: usize) -> Self {
        Self { by_id: Mutex::default(), limit }
    }

    /// Finds a land.
    pub(super) fn get(&self, id: &LandId) -> Option<Arc<Land>> {
        self.by_id.lock().get(id).cloned()
    }

    /// Adds a land, where it isn't there and there is room.
    pub(super) fn open(&self, land: Land) -> Opened {
        let mut by_id = self.by_id.lock();
        let full = by_id.len() >= self.limit;
        match by_id.entry(land.id.clone()) {
            Entry::Occupied(known) => Opened::Known(Arc::clone(known.get())),
            Entry::Vacant(_) if full => Opened::Full,
            Entry::Vacant(place) => Opened::New(Arc::clone(place.insert(Arc::new(land)))),
        }
    }

    /// Forgets a land that is over.
    pub(super) fn forget(&self, id: &LandId) {
        self.by_id.lock().remove(id);
    }

    /// Ends every land; each is forgotten as its life ends.
    pub(super) fn end_all(&self) {
        let all: Vec<_> = self.by_id.lock().values().cloned().collect();
        for land in all {
            land.end();
        }
    }

    /// All lands, and who is in them: also those whose players are still on their way, for they have a place too.
    pub(super) fn living(&self) -> Vec<LivingLand> {
        let by_id = self.by_id.lock();
        let all = by_id.values();
        all.map(|land| LivingLand { land_id: land.id.clone(), players: land.players().borrow().clone() })
            .collect()
    }

    /// How many lands there are, and how many players in all of them.
    pub(super) fn count(&self) -> (usize, usize) {
        let by_id = self.by_id.lock();
        let players = by_id.values().map(|land| land.players().borrow().len()).sum();
        (by_id.len(), players)
    }
}
