//! Fill a group: any parties whose players add up to the right number.

use std::ops::RangeInclusive;

use super::{
    selection::{self, Party, Stock},
    sums::Sums,
};
use crate::simple::pool::Pool;

/// The oldest parties that make the largest group of these numbers of players, around the oldest party of `anchor`
/// players. Oldest first.
pub(super) fn select(pool: &Pool, anchor: u32, players: RangeInclusive<u32>) -> Option<Vec<Party>> {
    let total = largest_group(pool, anchor, players)?;
    selection::oldest(pool, anchor, total, |stocks| can_be_filled(stocks, total))
}

/// The most players that come together with this anchor.
fn largest_group(pool: &Pool, anchor: u32, players: RangeInclusive<u32>) -> Option<u32> {
    let (fewest, most) = players.into_inner();
    let room = most.checked_sub(anchor)?;
    let mut company = Sums::up_to(room);
    for (size, bucket) in pool.buckets().take_while(|&(size, _)| size <= room) {
        let others = bucket.len() - usize::from(size == anchor);
        company.add(size, u32::try_from(others).unwrap_or(u32::MAX));
    }
    let company = company.largest(fewest.saturating_sub(anchor)..=room)?;
    Some(anchor + company)
}

/// Whether what is left of the stocks can add up to what is missing.
fn can_be_filled(stocks: &[Stock], total: u32) -> bool {
    let taken: u32 = stocks.iter().map(|stock| stock.size * stock.taken).sum();
    let Some(missing) = total.checked_sub(taken) else {
        return false;
    };
    let mut sums = Sums::up_to(missing);
    for stock in stocks {
        sums.add(stock.size, stock.limit - stock.taken);
    }
    sums.contains(missing)
}
