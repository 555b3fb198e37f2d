//! What rules look at in a ticket, taken out of it once.
//!
//! A match is judged very often before it is made, so lists are sorted and parties' numbers aggregated here, when the ticket comes. A
//! million of these lie in memory: what the ticket has already is shared with it.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{Arc, LazyLock},
};

use smol_str::SmolStr;

use super::{
    numbers::party,
    slots::{NumberOf, Slots, Wanted},
};
use crate::{Player, Ticket, Time, rule_set::SetAggregation};

/// What rules look at in a ticket. Means something only to the [`Judge`](super::Judge) that made it.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The ticket's place among those of its queue.
    pub order: u64,
    /// When it was enqueued.
    pub enqueued_at: Time,
    pub(super) players: Arc<[Player]>,
    /// By slot; NaN where it has none.
    pub(super) numbers: Box<[f64]>,
    /// Many rule sets look at numbers only; their tickets carry nothing of this.
    texts: Option<Box<Texts>>,
    /// NaN: none.
    near: f64,
    /// The teams that it may be in, as an index and one past the last.
    teams: (u32, u32),
}

/// What rules look at in a ticket beside numbers.
#[derive(Debug, Clone, Default, PartialEq)]
struct Texts {
    /// By slot, each sorted and without repetitions.
    lists: Box<[Box<[SmolStr]>]>,
    /// Those that all players have a latency for, sorted.
    regions: Box<[SmolStr]>,
    /// By slot and then by region.
    latencies: Box<[f64]>,
    key: Box<[SmolStr]>,
    /// Which attributes a player of it lacks, sorted.
    lacks: Box<[u16]>,
}

/// Why no match can ever take a ticket: a sentence for its owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

impl Facts {
    /// How many players the ticket has.
    pub fn size(&self) -> usize {
        self.players.len()
    }

    /// The number by which tickets fit well that are close: [`Plan::near`](super::Plan::near). `None`: it has none.
    pub fn near(&self) -> Option<f64> {
        (!self.near.is_nan()).then_some(self.near)
    }

    /// Tickets of different keys never meet. As many texts as [`Plan::keys`](super::Plan::keys) says.
    pub fn key(&self) -> &[SmolStr] {
        &self.texts().key
    }

    /// The regions for which all its players have a latency, sorted; empty where no rule is about latency.
    pub fn regions(&self) -> &[SmolStr] {
        &self.texts().regions
    }

    /// Of the lists of which any two tickets of a match share a value, this one's, sorted and without repetitions. There are
    /// as many as [`Plan::shared`](super::Plan::shared) says.
    pub fn shared(&self, list: usize) -> &[SmolStr] {
        &self.lists()[list]
    }

    /// Whether it may be in the team of this index into [`Plan::teams`](super::Plan::teams), as far as its players asked for one.
    pub fn may_join(&self, team: usize) -> bool {
        self.teams().contains(&team)
    }

    pub(super) fn new(ticket: &Ticket, slots: &Slots, near: Option<Nearness>, teams: Range<usize>) -> Self {
        let players = &ticket.players;
        let numbers: Box<[f64]> = slots
            .numbers
            .iter()
            .map(|(wanted, of)| number(players, wanted, *of).unwrap_or(f64::NAN))
            .collect();
        let lists =
            slots.lists.iter().map(|(wanted, by)| list(players, wanted, *by).unwrap_or_default()).collect();
        let regions = if slots.latencies.is_empty() { Box::default() } else { regions(players) };
        let latency = |by, region: &SmolStr| {
            let of_players = players.iter().filter_map(|player| player.latencies.get(region));
            party(by, of_players.map(|&latency| f64::from(latency))).unwrap_or(f64::INFINITY)
        };
        let latencies = slots
            .latencies
            .iter()
            .flat_map(|&by| regions.iter().map(move |region| latency(by, region)))
            .collect();
        // All its players have the same, or it is unfit; what it lacks makes it unfit too.
        let key = |wanted: &Wanted| wanted.text(&players[0]).cloned().unwrap_or_default();
        let key = slots.keys.iter().map(key).collect();
        let texts = Texts { lists, latencies, regions, key, lacks: lacks(players, slots) };
        let near = near.map_or(f64::NAN, |near| {
            let number = numbers[near.slot];
            if near.is_sum { number / players.len() as f64 } else { number }
        });
        Self {
            order: ticket.order,
            enqueued_at: ticket.enqueued_at,
            players: Arc::clone(players),
            texts: (texts != Texts::default()).then(|| Box::new(texts)),
            near,
            numbers,
            teams: (teams.start as u32, teams.end as u32),
        }
    }

    /// Its latency in a region, by the slot of how a party's becomes one.
    pub(super) fn latency(&self, region: &str, slot: usize) -> Option<f64> {
        let Texts { regions, latencies, .. } = self.texts();
        let index = regions.binary_search_by(|known| known.as_str().cmp(region)).ok()?;
        Some(latencies[slot * regions.len() + index])
    }

    /// Whether one of its players lacks the attribute.
    pub(super) fn lacks(&self, wanted: &Wanted) -> bool {
        self.texts().lacks.binary_search(&wanted.index).is_ok()
    }

    /// Whether its list names a player of the other ticket.
    pub(super) fn names_one_of(&self, slot: usize, other: &Self) -> bool {
        let list = &self.lists()[slot];
        let named = |id: &str| list.binary_search_by(|known| known.as_str().cmp(id)).is_ok();
        !list.is_empty() && other.players.iter().any(|player| named(player.id.as_str()))
    }

    /// Its lists of texts, by slot.
    pub(super) fn lists(&self) -> &[Box<[SmolStr]>] {
        &self.texts().lists
    }

    fn texts(&self) -> &Texts {
        static NONE: LazyLock<Texts> = LazyLock::new(Texts::default);
        self.texts.as_deref().unwrap_or(&NONE)
    }

    /// The teams it may be in.
    pub(super) fn teams(&self) -> Range<usize> {
        self.teams.0 as usize..self.teams.1 as usize
    }
}

/// Where [`Facts::near`] is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nearness {
    pub(super) slot: usize,
    /// Whether the slot has a sum over the players, whose average is meant.
    pub(super) is_sum: bool,
}

fn number(players: &[Player], wanted: &Wanted, of: NumberOf) -> Option<f64> {
    let all = |read: &dyn Fn(&Player) -> Option<f64>| players.iter().map(read).collect::<Option<Vec<f64>>>();
    match of {
        NumberOf::Party(by) => party(by, all(&|player| wanted.number(player))?.into_iter()),
        NumberOf::Mu => Some(all(&|player| wanted.of_map(player, "mu"))?.iter().sum()),
        NumberOf::Variance => {
            Some(all(&|player| wanted.of_map(player, "sigma"))?.iter().map(|sigma| sigma * sigma).sum())
        }
    }
}

/// `None`: a player has none.
fn list(players: &[Player], wanted: &Wanted, by: SetAggregation) -> Option<Box<[SmolStr]>> {
    let mut texts: Option<BTreeSet<&SmolStr>> = None;
    for player in players {
        let own: BTreeSet<&SmolStr> = wanted.list(player)?.iter().collect();
        texts = Some(match (texts, by) {
            (None, _) => own,
            (Some(texts), SetAggregation::Union) => &texts | &own,
            (Some(texts), SetAggregation::Intersection) => &texts & &own,
        });
    }
    Some(texts.unwrap_or_default().into_iter().cloned().collect())
}

fn regions(players: &[Player]) -> Box<[SmolStr]> {
    let Some((first, rest)) = players.split_first() else {
        return Box::default();
    };
    let known = |region: &SmolStr| rest.iter().all(|player| player.latencies.get(region).is_some());
    first.latencies.iter().map(|(region, _)| region).filter(|region| known(region)).cloned().collect()
}

fn lacks(players: &[Player], slots: &Slots) -> Box<[u16]> {
    let lacks = |wanted: &&Wanted| {
        players.iter().any(|player| {
            let half = |key| slots.is_skill(wanted) && wanted.of_map(player, key).is_none();
            wanted.of(player).is_none() || half("mu") || half("sigma")
        })
    };
    let mut lacking: Vec<u16> = slots.looked_at.iter().filter(lacks).map(|wanted| wanted.index).collect();
    lacking.sort_unstable();
    lacking.into_boxed_slice()
}
