//! The oldest tickets with which a match comes out, whatever "comes out" means to a strategy.
//!
//! A strategy can only ask for a number of parties of each size, and of one size the older always goes first. So the
//! question is never "which tickets" but "one more of this size, or not": the pool's size doesn't matter.

use std::iter::Peekable;

use crate::simple::pool::Pool;

/// What a match may take, and has taken, of one party size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stock {
    /// Players of each of these parties.
    pub(super) size: u32,
    /// How many parties the match has.
    pub(super) taken: u32,
    /// How many it can have at most, those taken included.
    pub(super) limit: u32,
}

/// A party that was selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Party {
    /// Its ticket.
    pub(super) order: u64,
    /// Its players.
    pub(super) size: u32,
}

/// Selects parties of `total` players, among them the oldest one of `anchor` players: oldest first, each one taken if
/// `comes_out` says that what is taken then can be completed within the limits. They come back oldest first.
///
/// The set is the oldest one in the sense that no other set with this anchor differs from it first in an older ticket.
/// `comes_out` may give up and say no where the answer is yes. That costs age, never correctness, as long as it says
/// yes to everything that is part of the completion on which its last yes rested.
///
/// Once a size is refused it stays so for this match. Suppose one more party of that size could be taken later, when
/// others have been taken too: then those others together with the completion found then would have completed the
/// match at the time of the refusal. They did not, so it can't.
pub(super) fn oldest(
    pool: &Pool,
    anchor: u32,
    total: u32,
    mut comes_out: impl FnMut(&[Stock]) -> bool,
) -> Option<Vec<Party>> {
    let fitting = || pool.buckets().rev().filter(|&(size, _)| size <= total);
    let mut stocks: Vec<Stock> = fitting()
        .map(|(size, bucket)| Stock {
            size,
            taken: 0,
            limit: u32::try_from(bucket.len()).unwrap_or(u32::MAX).min(total / size),
        })
        .collect();
    // Stock by stock, the parties that are not taken.
    let mut waiting: Vec<_> = fitting().map(|(_, bucket)| bucket.iter().copied().peekable()).collect();
    let mut parties = Vec::new();
    let mut room = total;
    let mut next = stocks.iter().position(|stock| stock.size == anchor);
    while let Some(index) = next {
        stocks[index].taken += 1;
        if comes_out(&stocks) {
            let size = stocks[index].size;
            parties.extend(waiting[index].next().map(|order| Party { order, size }));
            room -= size;
        } else if parties.is_empty() {
            return None;
        } else {
            stocks[index].taken -= 1;
            stocks[index].limit = stocks[index].taken;
        }
        next = oldest_open(&stocks, &mut waiting, room);
    }
    parties.sort_unstable();
    (room == 0).then_some(parties)
}

/// Where the oldest party lies of which one more can be asked for.
fn oldest_open<I: Iterator<Item = u64>>(
    stocks: &[Stock],
    waiting: &mut [Peekable<I>],
    room: u32,
) -> Option<usize> {
    stocks
        .iter()
        .zip(waiting)
        .enumerate()
        .filter(|(_, (stock, _))| stock.taken < stock.limit && stock.size <= room)
        .filter_map(|(index, (_, waiting))| Some((*waiting.peek()?, index)))
        .min()
        .map(|(_, index)| index)
}
