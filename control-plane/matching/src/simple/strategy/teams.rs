//! Teams: every team filled exactly, and no party split over two of them.

use std::collections::BTreeMap;

use super::{
    Place, Selection,
    packing::Packing,
    selection::{self, Party},
};
use crate::{Rules, simple::pool::Pool};

/// The oldest parties that fill teams of these `sizes`, around the oldest party of `anchor` players. The older of two
/// parties of one size plays in the earlier team.
///
/// Whether parties can fill several teams is a packing question, and its answer may take longer than anyone waits.
/// Where the search gives up ([`Packing::STEPS`]), a match may have younger parties than it could, and an anchor may
/// wait though there is a match for it; the sizes are right in any case. Small teams and common mixes of parties stay
/// far below.
pub(super) fn select(pool: &Pool, anchor: u32, sizes: &[u32]) -> Option<Selection> {
    let total = sizes.iter().fold(0, |sum: u32, &size| sum.saturating_add(size));
    if total > Rules::MAX_PLAYERS {
        return None;
    }
    let mut packing = Packing::new(sizes);
    let parties = selection::oldest(pool, anchor, total, |stocks| packing.comes_out(stocks))?;
    Some(Selection { tickets: seat(&parties, &packing), teams: sizes.len() })
}

/// Gives every party its team.
fn seat(parties: &[Party], packing: &Packing) -> Vec<Place> {
    let mut seats: BTreeMap<u32, _> =
        packing.seats().into_iter().map(|(size, teams)| (size, teams.into_iter())).collect();
    parties
        .iter()
        .map(|&Party { order, size }| {
            let team = seats.get_mut(&size).and_then(Iterator::next);
            let team = team.expect("the last packing is one of just these parties");
            Place { order, team }
        })
        .collect()
}
