//! Which servers have room, in the order in which they are taken: found without asking each of them.
//!
//! Every server with room is here once for each land type, and once more for its region, under the number of lands that fit and
//! then its id. The first that will do is the one to take, from one end for [`Policy::Spread`] and from the other for
//! [`Policy::Packed`]; a selector, or a need for more seats than a server has, passes over those that won't do.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use smol_str::SmolStr;
use storage::ServerId;

use crate::registry::{
    server::{Fits, Registration},
    wish::{Pick, Policy, Selector},
};

/// See the file's header.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// By land type.
    types: HashMap<SmolStr, Places>,
    /// As every server stands in there.
    offers: HashMap<ServerId, Offer>,
}

/// What a server has room for.
#[derive(Debug, Clone)]
struct Offer {
    server: Arc<Registration>,
    fits: Fits,
}

/// The servers of one land type.
#[derive(Debug, Default)]
struct Places {
    all: Shelf,
    by_region: HashMap<SmolStr, Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    ready: InOrder,
    /// Those that are asked after all others.
    avoided: InOrder,
    /// How many lands fit on all of them.
    places: usize,
}

/// By the number of lands that fit, then by id.
type InOrder = BTreeMap<usize, BTreeMap<ServerId, Offer>>;

impl Room {
    /// Notes what fits on a server.
    pub(super) fn set(&mut self, server: &Arc<Registration>, fits: Fits) {
        let id = &server.server;
        if fits.lands == 0 {
            return self.forget(id);
        }
        let is_known = |known: &Offer| known.fits == fits && Arc::ptr_eq(&known.server, server);
        if self.offers.get(id).is_some_and(is_known) {
            return;
        }
        self.forget(id);
        let offer = Offer { server: Arc::clone(server), fits };
        for land_type in &server.land_types {
            let places = self.types.entry(land_type.clone()).or_default();
            places.all.put(id, &offer);
            if let Some(region) = &server.region {
                places.by_region.entry(region.clone()).or_default().put(id, &offer);
            }
        }
        self.offers.insert(id.clone(), offer);
    }

    /// Nothing fits on the server, or it is gone.
    pub(super) fn forget(&mut self, id: &ServerId) {
        let Some(offer) = self.offers.remove(id) else { return };
        for land_type in &offer.server.land_types {
            let Some(places) = self.types.get_mut(land_type) else { continue };
            places.all.take(id, &offer);
            if let Some(region) = &offer.server.region
                && let Some(shelf) = places.by_region.get_mut(region)
            {
                shelf.take(id, &offer);
                if shelf.places == 0 {
                    places.by_region.remove(region);
                }
            }
            // Land types and regions are made up by servers: none stays for ever.
            if places.all.places == 0 {
                self.types.remove(land_type);
            }
        }
    }

    /// How many lands of the type fit on all servers together. A server of several types counts for each.
    pub(super) fn places(&self, land_type: &str) -> usize {
        self.types.get(land_type).map_or(0, |places| places.all.places)
    }

    /// The server to take. Those that are avoided are looked at after all others, whatever a match wants.
    pub(super) fn pick(&self, pick: &Pick<'_>) -> Option<ServerId> {
        const ANY: &[Selector] = &[Selector::ANY];
        let places = self.types.get(pick.land_type)?;
        let selectors = if pick.selectors.is_empty() { ANY } else { pick.selectors };
        [false, true].into_iter().find_map(|avoided| {
            selectors.iter().find_map(|selector| {
                let preferred = pick.prefer.filter(|id| self.will_do(id, pick, selector, avoided));
                preferred.or_else(|| places.first(pick, selector, avoided)).cloned()
            })
        })
    }

    fn will_do(&self, id: &ServerId, pick: &Pick<'_>, selector: &Selector, avoided: bool) -> bool {
        let hosts = |offer: &Offer| offer.server.hosts(Some(pick.land_type));
        let offer = self.offers.get(id).filter(|offer| offer.fits.avoided == avoided && hosts(offer));
        offer.is_some_and(|offer| offer.will_do(id, pick, selector))
    }

    /// How many kinds of room are kept in mind.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.types.values().map(|places| 1 + places.by_region.len()).sum()
    }
}

impl Places {
    fn first(&self, pick: &Pick<'_>, selector: &Selector, avoided: bool) -> Option<&ServerId> {
        if let Some(region) = &selector.region {
            return self.by_region.get(region)?.first(pick, selector, avoided);
        }
        let preferred = pick.regions.ranks().find_map(|rank| {
            let mut equal: Vec<_> =
                rank.iter().filter_map(|(region, _)| self.by_region.get(region)).collect();
            // Of regions that are equally good, the one with the most room; stable, so that the name decides in the end.
            equal.sort_by_key(|shelf| Reverse(shelf.places));
            equal.into_iter().find_map(|shelf| shelf.first(pick, selector, avoided))
        });
        preferred.or_else(|| self.all.first(pick, selector, avoided))
    }
}

impl Shelf {
    fn order(&mut self, offer: &Offer) -> &mut InOrder {
        if offer.fits.avoided { &mut self.avoided } else { &mut self.ready }
    }

    fn put(&mut self, id: &ServerId, offer: &Offer) {
        self.order(offer).entry(offer.fits.lands).or_default().insert(id.clone(), offer.clone());
        self.places += offer.fits.lands;
    }

    fn take(&mut self, id: &ServerId, offer: &Offer) {
        let order = self.order(offer);
        if let Some(equal) = order.get_mut(&offer.fits.lands) {
            let was_there = equal.remove(id).is_some();
            if equal.is_empty() {
                order.remove(&offer.fits.lands);
            }
            if was_there {
                self.places -= offer.fits.lands;
            }
        }
    }

    fn first(&self, pick: &Pick<'_>, selector: &Selector, avoided: bool) -> Option<&ServerId> {
        let order = if avoided { &self.avoided } else { &self.ready };
        let mut equals = order.values();
        loop {
            let equal = match pick.policy {
                Policy::Spread => equals.next_back(),
                Policy::Packed => equals.next(),
            }?;
            let first = equal.iter().find(|(id, offer)| offer.will_do(id, pick, selector));
            if let Some((id, _)) = first {
                return Some(id);
            }
        }
    }
}

impl Offer {
    fn will_do(&self, id: &ServerId, pick: &Pick<'_>, selector: &Selector) -> bool {
        self.fits.seats >= pick.land.seats
            && selector.takes(&self.server, self.fits.occupied)
            && !pick.except.contains(id)
    }
}
