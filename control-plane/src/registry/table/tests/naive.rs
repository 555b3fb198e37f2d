//! The table, looked at without its indexes: what has to be true of it, and which server a pick has to take.

use std::{cmp::Reverse, collections::BTreeSet};

use storage::ServerId;

use crate::registry::{
    server::{Fits, Registration},
    table::Table,
    wish::{Pick, Policy, Selector},
};

/// The server that suits best, from looking at all of them.
pub(super) fn pick(table: &Table, pick: &Pick<'_>) -> Option<ServerId> {
    let all = offers(table, pick.land_type);
    let any = [Selector::default()];
    let selectors = if pick.selectors.is_empty() { &any } else { pick.selectors };
    for avoided in [false, true] {
        for selector in selectors {
            let will_do = |(server, fits): &&(&Registration, Fits)| {
                fits.avoided == avoided
                    && fits.seats >= pick.land.seats
                    && selector.takes(server, fits.occupied)
                    && !pick.except.contains(&server.server)
            };
            let these: Vec<_> = all.iter().filter(will_do).copied().collect();
            if let Some(preferred) = pick.prefer
                && these.iter().any(|(server, _)| server.server == *preferred)
            {
                return Some(preferred.clone());
            }
            for rank in pick.regions.ranks() {
                let mut regions: Vec<_> = rank.iter().map(|(region, _)| region).collect();
                let places = |region| -> usize {
                    let there = all.iter().filter(|(server, _)| server.region.as_ref() == Some(region));
                    there.map(|(_, fits)| fits.lands).sum()
                };
                regions.sort_by_key(|region| (Reverse(places(*region)), *region));
                for region in regions {
                    let there = these.iter().filter(|(server, _)| server.region.as_ref() == Some(region));
                    if let Some(best) = best(there, pick.policy) {
                        return Some(best);
                    }
                }
            }
            if let Some(best) = best(these.iter(), pick.policy) {
                return Some(best);
            }
        }
    }
    None
}

/// How many lands of the type fit.
pub(super) fn places(table: &Table, land_type: &str) -> usize {
    offers(table, land_type).iter().map(|(_, fits)| fits.lands).sum()
}

/// What is kept twice says the same twice.
pub(super) fn check(table: &Table) {
    let (mut due, mut deadlines) = (BTreeSet::new(), BTreeSet::new());
    let (mut drains, mut avoided) = (BTreeSet::new(), BTreeSet::new());
    for (id, server) in &table.servers {
        deadlines.insert((server.expires_at, id.clone()));
        drains.extend(server.drain.iter().filter_map(|drain| drain.deadline).map(|at| (at, id.clone())));
        avoided.extend(server.avoidance.until().map(|at| (at, id.clone())));
        due.extend(server.lands.iter().filter_map(|(land, placed)| Some((placed.due?, land.clone()))));
        let taken: usize = server.lands.values().map(|land| land.seats.kept() + land.players.len()).sum();
        assert_eq!(server.seats_taken, taken, "{id}");
        for (land, placed) in &server.lands {
            let open = !placed.confirmed || placed.due.is_some();
            assert!(!open || table.lands.get(land) == Some(id), "{land} is expected where it isn't");
        }
    }
    for (id, far) in &table.elsewhere.servers {
        assert!(!table.servers.contains_key(id), "{id} is here and elsewhere");
        avoided.extend(far.avoidance.until().map(|at| (at, id.clone())));
        assert!(far.asked.keys().all(|land| table.lands.get(land) == Some(id)), "{id}");
        due.extend(far.asked.iter().map(|(land, asked)| (asked.due, land.clone())));
    }
    assert_eq!((&table.due, &table.deadlines, &table.avoided), (&due, &deadlines, &avoided));
    assert!(table.drains.is_subset(&drains), "those whose time is over are not looked at again");
    for (land, id) in &table.lands {
        let here = table.servers.get(id).is_some_and(|server| server.lands.contains_key(land));
        let far = table.elsewhere.servers.get(id).is_some_and(|far| far.asked.contains_key(land));
        assert!(here || far, "{land} is nowhere");
    }
}

/// Every server that has room for lands of the type.
fn offers<'a>(table: &'a Table, land_type: &str) -> Vec<(&'a Registration, Fits)> {
    let own = table.servers.values().map(|server| (&*server.registration, server.fits()));
    let far = table.elsewhere.servers.values();
    let far = far.map(|far| (&*far.notice.registration, table.elsewhere.fits(far)));
    own.chain(far).filter(|(server, fits)| fits.lands > 0 && server.hosts(Some(land_type))).collect()
}

fn best<'a>(these: impl Iterator<Item = &'a (&'a Registration, Fits)>, policy: Policy) -> Option<ServerId> {
    let best = match policy {
        Policy::Spread => these.min_by_key(|(server, fits)| (Reverse(fits.lands), &server.server)),
        Policy::Packed => these.min_by_key(|(server, fits)| (fits.lands, &server.server)),
    };
    best.map(|(server, _)| server.server.clone())
}
