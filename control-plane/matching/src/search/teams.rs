//! Which ticket plays in which team.
//!
//! Tickets are put into teams the largest first, each into the team that lacks most of its share: so the first arrangement
//! is a balanced one already (longest-processing-time scheduling, Graham 1969). Where the judge doesn't take it, other
//! arrangements are tried in the order of how far they are from it, as long as there is effort left.

use super::{
    Effort,
    waiting::{Slot, Waiting},
};
use std::time::Duration;

use crate::{
    Time,
    judge::{Facts, Judge, Lineup, Plan, PlayedTeam},
    rule_set::AgeBasis,
};

/// Tickets in teams that the judge takes.
#[derive(Debug)]
pub(super) struct Arranged {
    /// In the order of the teams as played.
    pub(super) teams: Vec<Vec<Slot>>,
    /// What the judge says it costs.
    pub(super) cost: f64,
}

/// How many players every match has, where that is one number at all times.
pub(super) fn fixed_total(plan: &Plan) -> Option<usize> {
    let fixed = |team: &PlayedTeam| {
        let fixed = team.min_players == team.max_players && team.min_players.steps.is_empty();
        fixed.then_some(team.min_players.first as usize)
    };
    plan.teams.iter().map(fixed).sum()
}

/// How many players a team as played has at least and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) min: usize,
    pub(super) max: usize,
    /// Teams of one kind can be exchanged.
    kind: usize,
}

/// The rooms of the teams as played, for a match whose newest and oldest tickets have these ages.
pub(super) fn rooms(judge: &Judge, newest: Duration, oldest: Duration) -> Vec<Room> {
    let age = match judge.rules().algorithm.expansion_age {
        AgeBasis::Newest => newest,
        AgeBasis::Oldest => oldest,
    };
    let room = |team: &PlayedTeam| Room {
        min: team.min_players.at(age).ceil() as usize,
        max: team.max_players.at(age).floor() as usize,
        kind: team.alike,
    };
    judge.plan().teams.iter().map(room).collect()
}

/// Puts these tickets, all of them, into teams. `None`: they don't fit, or the judge takes no arrangement that was tried.
pub(super) fn arrange(
    judge: &Judge,
    waiting: &Waiting,
    slots: &[Slot],
    now: Time,
    effort: &mut Effort,
) -> Option<Arranged> {
    let age = |slot: &Slot| now.since(waiting[*slot].ticket.enqueued_at);
    let (newest, oldest) = (slots.iter().map(age).min()?, slots.iter().map(age).max()?);
    let mut rooms = rooms(judge, newest, oldest);
    for team in 0..rooms.len() {
        // Who asks for one of several teams of a kind makes it another.
        let asked = |slot: &Slot| {
            let facts = &waiting[*slot].facts;
            (0..team).any(|before| facts.may_join(before) != facts.may_join(team))
        };
        if slots.iter().any(asked) {
            rooms[team].kind = 2 * rooms.len() + team;
        }
    }
    let mut order = slots.to_vec();
    let weight = |slot: &Slot| {
        let facts = &waiting[*slot].facts;
        facts.near().unwrap_or(0.0) * facts.size() as f64
    };
    order.sort_by(|a, b| {
        let size = |slot: &Slot| waiting[*slot].facts.size();
        (size(b), weight(b)).partial_cmp(&(size(a), weight(a))).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut arranging = Arranging {
        judge,
        waiting,
        now,
        order: &order,
        teams: vec![Vec::new(); rooms.len()],
        filled: vec![(0, 0.0); rooms.len()],
        rooms: &rooms,
        left: order.iter().map(|slot| waiting[*slot].facts.size()).sum(),
        best: None,
        done: false,
    };
    arranging.place(0, effort);
    arranging.best
}

struct Arranging<'a> {
    judge: &'a Judge,
    waiting: &'a Waiting,
    now: Time,
    order: &'a [Slot],
    rooms: &'a [Room],
    teams: Vec<Vec<Slot>>,
    /// Players, and the sum of the number that the rules want to be close.
    filled: Vec<(usize, f64)>,
    /// Players that have no place yet.
    left: usize,
    best: Option<Arranged>,
    done: bool,
}

impl Arranging<'_> {
    /// Places the tickets from `next` on. Ends when nothing better is looked for, or without effort.
    fn place(&mut self, next: usize, effort: &mut Effort) {
        let Some(&slot) = self.order.get(next) else {
            self.ask(effort);
            return;
        };
        let facts = &self.waiting[slot].facts;
        let (size, near) = (facts.size(), facts.near().unwrap_or(0.0) * facts.size() as f64);
        for team in self.by_need(facts) {
            if self.done || !effort.spend(|effort| &mut effort.steps) {
                return;
            }
            self.teams[team].push(slot);
            self.filled[team].0 += size;
            self.filled[team].1 += near;
            self.left -= size;
            if self.can_be_filled() {
                self.place(next + 1, effort);
            }
            self.left += size;
            self.filled[team].1 -= near;
            self.filled[team].0 -= size;
            self.teams[team].pop();
        }
    }

    /// The teams with room for so many, those first that lack players, then those that lack most of the number. Of empty teams
    /// of one kind only the first: they are the same.
    fn by_need(&self, facts: &Facts) -> Vec<usize> {
        let mut teams: Vec<usize> = (0..self.rooms.len())
            .filter(|&team| self.filled[team].0 + facts.size() <= self.rooms[team].max)
            .filter(|&team| facts.may_join(team))
            .filter(|&team| {
                let same = |before: usize| {
                    self.rooms[before].kind == self.rooms[team].kind && self.teams[before].is_empty()
                };
                !(self.teams[team].is_empty() && (0..team).any(same))
            })
            .collect();
        let need = |team: usize| {
            let (players, sum) = self.filled[team];
            let short = self.rooms[team].min.saturating_sub(players);
            (std::cmp::Reverse(short.min(1)), sum, players)
        };
        teams.sort_by(|&a, &b| need(a).partial_cmp(&need(b)).unwrap_or(std::cmp::Ordering::Equal));
        teams
    }

    /// Whether those that have no place yet are enough for the teams' minimum.
    fn can_be_filled(&self) -> bool {
        let short = self.rooms.iter().zip(&self.filled);
        short.map(|(room, (players, _))| room.min.saturating_sub(*players)).sum::<usize>() <= self.left
    }

    fn ask(&mut self, effort: &mut Effort) {
        if !effort.spend(|effort| &mut effort.judgements) {
            return;
        }
        let facts: Vec<Vec<&Facts>> = self
            .teams
            .iter()
            .map(|team| team.iter().map(|slot| &self.waiting[*slot].facts).collect())
            .collect();
        let verdict = self.judge.judge(&Lineup { teams: &facts }, self.now);
        if verdict.broken.is_none() {
            if self.best.as_ref().is_none_or(|best| verdict.cost < best.cost) {
                self.best = Some(Arranged { teams: self.teams.clone(), cost: verdict.cost });
            }
            self.done = !effort.choose_on();
        }
    }
}
