//! Whether parties can fill teams, and which party size then goes where.
//!
//! Adding up is not enough: two parties of two and two solos are six players and no `3v3` if one of the solos
//! isn't there. So what is kept here is a whole packing, the last one that was found. A question to which it is the
//! answer already costs nothing; only the others are searched for ([`search`]).

mod search;

use std::{cmp::Reverse, collections::BTreeMap};

use super::selection::Stock;
use search::Search;

/// Teams of the same size.
#[derive(Debug)]
struct Alike {
    /// Players of each.
    size: u32,
    /// Which teams, counted from 0, in rising order.
    teams: Vec<usize>,
}

/// Some teams of the same size that are filled in the same way.
#[derive(Debug, Clone)]
struct Fill {
    /// Which of the [`Alike`]s they belong to.
    alike: usize,
    /// How many they are.
    teams: u32,
    /// The parties of each, by size as the stocks are ordered.
    parties: Vec<u32>,
}

/// The packing of one match while its parties are being selected.
#[derive(Debug)]
pub(super) struct Packing {
    /// Largest teams first: they are the hardest to fill.
    alikes: Vec<Alike>,
    /// The last packing that was found; empty until one was.
    fills: Vec<Fill>,
    /// The party sizes that it speaks of, as the stocks are ordered.
    sizes: Vec<u32>,
    /// How many steps may still be searched for this match.
    steps: u32,
}

impl Packing {
    /// How many steps the search for one match takes at most, all its questions together. A step is a few nanoseconds
    /// times the number of party sizes, so that one match can't hold up the others for more than some milliseconds.
    pub(super) const STEPS: u32 = 10_000;

    /// Nothing packed yet into teams of these sizes.
    pub(super) fn new(sizes: &[u32]) -> Self {
        let mut alikes: BTreeMap<Reverse<u32>, Vec<usize>> = BTreeMap::new();
        for (team, &size) in sizes.iter().enumerate() {
            alikes.entry(Reverse(size)).or_default().push(team);
        }
        Self {
            alikes: alikes.into_iter().map(|(Reverse(size), teams)| Alike { size, teams }).collect(),
            fills: Vec::new(),
            sizes: Vec::new(),
            steps: Self::STEPS,
        }
    }

    /// Whether every team can be filled with what is taken of the stocks and more within their limits.
    pub(super) fn comes_out(&mut self, stocks: &[Stock]) -> bool {
        if self.covers(stocks) {
            return true;
        }
        let Some(fills) = Search::new(&self.alikes, stocks, &mut self.steps).run() else {
            return false;
        };
        self.fills = fills;
        self.sizes = stocks.iter().map(|stock| stock.size).collect();
        true
    }

    /// By party size: the team of each party in the last packing, in rising order of teams.
    pub(super) fn seats(&self) -> BTreeMap<u32, Vec<usize>> {
        let mut seats: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut free: Vec<_> = self.alikes.iter().map(|alike| alike.teams.iter().copied()).collect();
        for fill in &self.fills {
            for team in free[fill.alike].by_ref().take(fill.teams as usize) {
                for (&size, &parties) in self.sizes.iter().zip(&fill.parties) {
                    let parties = std::iter::repeat_n(team, parties as usize);
                    seats.entry(size).or_default().extend(parties);
                }
            }
        }
        seats.values_mut().for_each(|teams| teams.sort_unstable());
        seats
    }

    /// Whether the last packing has all that is taken.
    fn covers(&self, stocks: &[Stock]) -> bool {
        let packed =
            |index: usize| -> u32 { self.fills.iter().map(|fill| fill.teams * fill.parties[index]).sum() };
        !self.fills.is_empty() && stocks.iter().enumerate().all(|(index, stock)| stock.taken <= packed(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stocks of these party sizes and counts, of which some are taken.
    fn stocks(parties: &[(u32, u32, u32)]) -> Vec<Stock> {
        let stock = |&(size, taken, limit)| Stock { size, taken, limit };
        parties.iter().map(stock).collect()
    }

    /// Whether it comes out, and after how many steps.
    fn ask(teams: &[u32], parties: &[(u32, u32, u32)]) -> (bool, u32) {
        let mut packing = Packing::new(teams);
        let answer = packing.comes_out(&stocks(parties));
        (answer, Packing::STEPS - packing.steps)
    }

    #[test]
    fn adding_up_is_not_enough() {
        assert!(ask(&[3, 3], &[(2, 0, 2), (1, 0, 2)]).0);
        assert!(!ask(&[3, 3], &[(2, 0, 3)]).0);
        assert!(!ask(&[3, 3], &[(2, 3, 3), (1, 0, 9)]).0, "three parties of two have no place in two teams");
        assert!(!ask(&[4, 4], &[(3, 2, 2), (2, 0, 9)]).0);
        assert!(ask(&[5, 2, 5], &[(4, 2, 2), (1, 0, 4)]).0);
        assert!(!ask(&[1, 4], &[(4, 0, 9)]).0);
    }

    #[test]
    fn what_is_taken_has_a_place() {
        let mut packing = Packing::new(&[2, 4, 2]);
        let stocks = stocks(&[(4, 0, 1), (3, 1, 1), (2, 1, 5), (1, 1, 3)]);
        assert!(packing.comes_out(&stocks));
        let seats = packing.seats();
        assert_eq!(seats[&3], [1]);
        let mut filled = [0; 3];
        for (size, teams) in seats {
            teams.into_iter().for_each(|team| filled[team] += size);
        }
        assert_eq!(filled, [2, 4, 2]);
    }

    #[test]
    fn the_last_packing_answers_for_nothing() {
        let mut packing = Packing::new(&[3, 3]);
        assert!(packing.comes_out(&stocks(&[(2, 0, 2), (1, 0, 2)])));
        let steps = packing.steps;
        assert!(packing.comes_out(&stocks(&[(2, 1, 2), (1, 2, 2)])));
        assert_eq!(packing.steps, steps);
    }

    #[test]
    fn common_questions_take_few_steps() {
        for (teams, parties, answer) in [
            (vec![5; 2], vec![(5, 1, 2), (3, 0, 3), (2, 1, 5), (1, 1, 10)], true),
            (vec![4; 25], vec![(4, 0, 12), (3, 0, 15), (2, 0, 10), (1, 0, 5)], false),
            (vec![3; 20], vec![(3, 2, 20), (2, 9, 30), (1, 17, 60)], true),
            (
                vec![10; 100],
                vec![(5, 60, 200), (4, 60, 250), (3, 60, 333), (2, 60, 500), (1, 60, 1000)],
                true,
            ),
            (vec![100; 2], vec![(10, 3, 20), (9, 2, 22), (7, 2, 28), (4, 3, 50), (3, 2, 66)], true),
        ] {
            let (found, steps) = ask(&teams, &parties);
            assert_eq!(found, answer, "{parties:?}");
            assert!(steps < Packing::STEPS / 10, "{steps} steps for {parties:?}");
        }
    }

    #[test]
    fn a_question_too_hard_is_given_up() {
        // Nothing goes with the one solo, and there are more ways than anyone can count to find that out last.
        let mut parties: Vec<_> = (1..26).rev().map(|half| (2 * half, 0, 50)).collect();
        parties.push((1, 1, 1));
        assert_eq!(ask(&[100; 9], &parties), (false, Packing::STEPS));
    }
}
