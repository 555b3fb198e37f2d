//! Which numbers of players can be reached with parties of given sizes: a set of sums as bits.
//!
//! The bounded knapsack, where only yes or no is asked: one more party of size n shifts the set by n. A match has at
//! most [`Rules::MAX_PLAYERS`] players, so a set is a few words on the stack and a shift a few instructions.

use std::ops::RangeInclusive;

use crate::Rules;

const WORDS: usize = 16;
const _: () = assert!(Rules::MAX_PLAYERS < WORDS as u32 * u64::BITS, "a set holds every number of players");

/// A set of sums, 0 always among them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    bits: [u64; WORDS],
    /// How many words are in use; sums beyond them are not kept.
    words: usize,
}

impl Sums {
    /// Only 0, with room for sums up to `most`.
    pub(super) fn up_to(most: u32) -> Self {
        let mut bits = [0; WORDS];
        bits[0] = 1;
        Self { bits, words: (word(most) + 1).min(WORDS) }
    }

    /// Adds what can be reached with up to `count` parties of `size` players more.
    pub(super) fn add(&mut self, size: u32, count: u32) {
        // 1, 2, 4, … parties at once, and the rest: their sums are all numbers of parties from 0 to `count`.
        let (mut parties, mut left) = (1, count);
        while left > 0 {
            let step = parties.min(left);
            let by = u64::from(size) * u64::from(step);
            if by >= self.end() {
                // The numbers of parties before this step reach to the end of the set already.
                return;
            }
            self.shift(by as usize);
            left -= step;
            parties *= 2;
        }
    }

    /// Whether `sum` can be reached.
    pub(super) fn contains(&self, sum: u32) -> bool {
        word(sum) < self.words && self.bits[word(sum)] >> (sum % u64::BITS) & 1 == 1
    }

    /// The largest sum of these that can be reached.
    pub(super) fn largest(&self, among: RangeInclusive<u32>) -> Option<u32> {
        among.rev().find(|&sum| self.contains(sum))
    }

    /// The first sum that is not kept.
    fn end(&self) -> u64 {
        self.words as u64 * u64::from(u64::BITS)
    }

    /// Adds every sum once more, `by` higher.
    fn shift(&mut self, by: usize) {
        let (whole, part) = (by / 64, by % 64);
        // From the top, so that what is read has not been changed yet.
        for at in (whole..self.words).rev() {
            let mut moved = self.bits[at - whole] << part;
            if part > 0 && at > whole {
                moved |= self.bits[at - whole - 1] >> (64 - part);
            }
            self.bits[at] |= moved;
        }
    }
}

/// In which word a sum lies.
fn word(sum: u32) -> usize {
    (sum / u64::BITS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can be reached, the slow way: every party by itself.
    fn one_by_one(parties: &[(u32, u32)], most: u32) -> Vec<u32> {
        let mut reached = vec![false; most as usize + 1];
        reached[0] = true;
        for &(size, count) in parties {
            for _ in 0..count {
                for sum in (size..=most).rev() {
                    reached[sum as usize] |= reached[(sum - size) as usize];
                }
            }
        }
        (0..=most).filter(|&sum| reached[sum as usize]).collect()
    }

    #[test]
    fn the_bits_say_what_counting_says() {
        for parties in [
            &[] as &[(u32, u32)],
            &[(1, 3)],
            &[(2, 1000), (7, 3)],
            &[(3, 5), (5, 2), (64, 2), (65, 1)],
            &[(128, 7), (1, 63)],
            &[(999, 1), (1000, 9), (1, 1)],
            &[(1, 1000)],
        ] {
            for most in [1, 63, 64, 65, 500, 1000] {
                let mut sums = Sums::up_to(most);
                for &(size, count) in parties {
                    sums.add(size, count);
                }
                let reached: Vec<u32> = (0..=most).filter(|&sum| sums.contains(sum)).collect();
                assert_eq!(reached, one_by_one(parties, most), "{parties:?} up to {most}");
                assert_eq!(sums.largest(0..=most), reached.last().copied());
            }
        }
    }

    #[test]
    fn nothing_beyond_the_set_is_reached() {
        let mut sums = Sums::up_to(u32::MAX);
        sums.add(u32::MAX, u32::MAX);
        sums.add(1, u32::MAX);
        assert!(sums.contains(Rules::MAX_PLAYERS));
        assert!(!sums.contains(u32::MAX));
    }
}
