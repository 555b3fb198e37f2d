//! The search for a packing: exact, deterministic, and bounded in its steps.
//!
//! Teams are filled largest first. A way to fill a team is a number of parties of each size; ways are tried with large
//! parties first, since small ones fit into what remains. Teams of one size are interchangeable, so a way is laid on as
//! many of them at once as it can be, and every next way comes later in the order of trying: no packing is met twice.
//!
//! What cuts branches early: what must be placed has to fit into what is open, so what need not be placed may only take
//! the rest; what may be placed has to suffice, without the parties that the order of trying has passed; and the space
//! in a team has to be a sum that the smaller sizes reach.

use super::{Alike, Fill};
use crate::simple::strategy::{selection::Stock, sums::Sums};

/// One search.
#[derive(Debug)]
pub(super) struct Search<'a> {
    alikes: &'a [Alike],
    stocks: &'a [Stock],
    /// How many parties of each stock are placed.
    placed: Vec<u32>,
    /// The ways chosen so far.
    fills: Vec<Fill>,
    steps: &'a mut u32,
}

/// Teams of one size that are still to be filled.
struct Open {
    alike: usize,
    size: u32,
    teams: u32,
    /// Players missing in all teams together, these and the later ones.
    room: u32,
    /// By stock: what it and all smaller ones can give. One more at the end, which gives nothing.
    tails: Vec<Tail>,
    /// Parties of more players than this have no other teams to go to.
    next_size: u32,
    /// How many players of those that need not be placed they can take together.
    slack: u32,
    /// The way that the teams before these were filled, if they are of the same size: the next comes later.
    last: Option<Vec<u32>>,
}

/// What a stock and all that have smaller parties can still give to teams of one size.
#[derive(Clone)]
struct Tail {
    /// How many players.
    players: u32,
    /// Which numbers of players in one team.
    sums: Sums,
}

/// A way to fill one of these teams, as far as it is chosen.
#[derive(Clone)]
struct Way {
    /// By stock.
    parties: Vec<u32>,
    /// Players still missing.
    space: u32,
    /// What it leaves of the open teams' slack.
    slack: u32,
    /// Whether it is the last way so far, and so may not become larger.
    bound: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(alikes: &'a [Alike], stocks: &'a [Stock], steps: &'a mut u32) -> Self {
        Self { alikes, stocks, placed: vec![0; stocks.len()], fills: Vec::new(), steps }
    }

    /// A packing, or `None` where there is none or the steps are used up.
    pub(super) fn run(mut self) -> Option<Vec<Fill>> {
        let room = self.alikes.iter().map(|alike| alike.size * team_count(alike)).sum();
        let teams = self.alikes.first().map(team_count)?;
        self.fill(0, teams, room).then_some(self.fills)
    }

    /// Fills the last `teams` teams of one size, and all smaller ones: `room` players.
    fn fill(&mut self, alike: usize, teams: u32, room: u32) -> bool {
        if !self.step() {
            return false;
        }
        if room == 0 {
            return self.slack(0, 0).is_some();
        }
        if teams == 0 {
            return self.fill(alike + 1, team_count(&self.alikes[alike + 1]), room);
        }
        let size = self.alikes[alike].size;
        let Some(slack) = self.slack(size, room) else {
            return false;
        };
        let before = self.fills.last().filter(|fill| fill.alike == alike);
        let open = Open {
            alike,
            size,
            teams,
            room,
            tails: self.tails(size),
            next_size: self.alikes.get(alike + 1).map_or(0, |next| next.size),
            slack,
            last: before.map(|fill| fill.parties.clone()),
        };
        let way = Way { parties: vec![0; self.stocks.len()], space: size, slack, bound: open.last.is_some() };
        open.tails[0].sums.contains(size) && self.choose(&open, 0, way)
    }

    /// Chooses how many parties of each stock, from the one at `from` on, complete this way to fill a team.
    fn choose(&mut self, open: &Open, from: usize, mut way: Way) -> bool {
        if !self.step() {
            return false;
        }
        if way.space == 0 {
            // Still bound, it is the last way again, which has been laid on as many teams as was wanted.
            return !way.bound && self.lay(open, &way.parties);
        }
        for stock in from..self.stocks.len() {
            let size = self.stocks[stock].size;
            // What this way begins with is the largest party that any later way has.
            let begins = way.space == open.size;
            if begins && open.tails[stock].players < open.teams * open.size {
                return false;
            }
            let ceiling = match &open.last {
                Some(last) if way.bound => last[stock],
                _ => u32::MAX,
            };
            let must = self.must(stock);
            let most = (way.space / size).min(self.left(stock)).min(must + way.slack / size).min(ceiling);
            for parties in (1..=most).rev() {
                let space = way.space - parties * size;
                if !open.tails[stock + 1].sums.contains(space) {
                    continue;
                }
                let mut next = Way {
                    space,
                    slack: way.slack - parties.saturating_sub(must) * size,
                    bound: way.bound && parties == ceiling,
                    ..way.clone()
                };
                next.parties[stock] = parties;
                if self.choose(open, stock + 1, next) {
                    return true;
                }
            }
            // Now no later way has this size either, and it may not fit into smaller teams.
            if begins && must > 0 && size > open.next_size {
                return false;
            }
            way.bound &= ceiling == 0;
        }
        false
    }

    /// Fills teams in this way, as many as can be, and then the others.
    fn lay(&mut self, open: &Open, way: &[u32]) -> bool {
        let most =
            (1..=open.teams).take_while(|&teams| self.can_repeat(open, way, teams)).last().unwrap_or(0);
        for teams in (1..=most).rev() {
            for (placed, parties) in self.placed.iter_mut().zip(way) {
                *placed += parties * teams;
            }
            self.fills.push(Fill { alike: open.alike, teams, parties: way.to_vec() });
            if self.fill(open.alike, open.teams - teams, open.room - teams * open.size) {
                return true;
            }
            self.fills.pop();
            for (placed, parties) in self.placed.iter_mut().zip(way) {
                *placed -= parties * teams;
            }
        }
        false
    }

    /// Whether there is enough to fill that many teams in this way, and enough room for what must be placed beside it.
    fn can_repeat(&self, open: &Open, way: &[u32], teams: u32) -> bool {
        let mut extra = 0;
        for (stock, parties) in way.iter().map(|parties| parties * teams).enumerate() {
            if parties > self.left(stock) {
                return false;
            }
            extra += parties.saturating_sub(self.must(stock)) * self.stocks[stock].size;
        }
        extra <= open.slack
    }

    /// How many of `room` players in teams of `size` and less need not come from what must be placed. `None` where that
    /// doesn't fit, or where all there is doesn't suffice.
    fn slack(&self, size: u32, room: u32) -> Option<u32> {
        let (mut must, mut may) = (0, 0_u32);
        for (index, stock) in self.stocks.iter().enumerate() {
            if stock.size > size && self.must(index) > 0 {
                return None;
            }
            must += self.must(index) * stock.size;
            may = may.saturating_add(self.left(index) * stock.size);
        }
        room.checked_sub(must).filter(|_| may >= room)
    }

    /// See [`Open::tails`], for teams of `size` players.
    fn tails(&self, size: u32) -> Vec<Tail> {
        let nothing = Tail { players: 0, sums: Sums::up_to(size) };
        let mut tails = vec![nothing; self.stocks.len() + 1];
        for (stock, party) in self.stocks.iter().map(|stock| stock.size).enumerate().rev() {
            tails[stock] = tails[stock + 1].clone();
            if party <= size {
                tails[stock].players += party * self.left(stock);
                tails[stock].sums.add(party, self.left(stock));
            }
        }
        tails
    }

    /// How many parties of this stock must still be placed.
    fn must(&self, stock: usize) -> u32 {
        self.stocks[stock].taken.saturating_sub(self.placed[stock])
    }

    /// How many parties of this stock may still be placed.
    fn left(&self, stock: usize) -> u32 {
        self.stocks[stock].limit - self.placed[stock]
    }

    /// Counts a step; `false` when they are used up.
    fn step(&mut self) -> bool {
        match self.steps.checked_sub(1) {
            Some(steps) => {
                *self.steps = steps;
                true
            }
            None => false,
        }
    }
}

fn team_count(alike: &Alike) -> u32 {
    u32::try_from(alike.teams.len()).unwrap_or(u32::MAX)
}
