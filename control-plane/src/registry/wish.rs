//! What a match wants of a server: which will do, in which order they are tried, and which of equals is taken.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use matching::{ByName, PlayerId};
use smol_str::SmolStr;
use storage::{LandId, ServerId};

use super::server::Registration;

/// What a match wants of a server.
#[derive(Debug)]
pub(crate) struct Pick<'a> {
    pub(crate) land_type: &'a SmolStr,
    pub(crate) land: NewLand<'a>,
    /// Tried in order; none: any server.
    pub(crate) selectors: &'a [Selector],
    pub(crate) policy: Policy,
    /// Tried before any other, of the servers that a selector without a region takes.
    pub(crate) regions: &'a Latencies,
    /// Taken before all others, where it has room and the selector takes it.
    pub(crate) prefer: Option<&'a ServerId>,
    /// Servers that were asked already.
    pub(crate) except: &'a [ServerId],
}

/// A land that is to be placed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewLand<'a> {
    pub(crate) id: &'a LandId,
    /// Who will come, as far as their names are known.
    pub(crate) roster: &'a Arc<[PlayerId]>,
    /// How many will come.
    pub(crate) seats: usize,
    /// How long its server may take to answer.
    pub(crate) answer_within: Duration,
}

/// Which of several servers that will do. Of equals, the one whose id comes first in byte order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Policy {
    /// The one with the most room: what fails, fails for few.
    #[default]
    Spread,
    /// The one with the least room, so that others become empty and can be stopped.
    Packed,
}

/// What a server must be. What is empty, any server is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    /// The server has all of them.
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) region: Option<SmolStr>,
    pub(crate) version: Option<String>,
    pub(crate) in_use: Use,
}

/// Whether lands live on a server, or are about to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Use {
    /// It doesn't matter.
    #[default]
    Any,
    Empty,
    Occupied,
}

/// Regions by the latency of the player who is worst off there, in milliseconds: the best first. Where somebody's latency
/// isn't known, that counts as the worst of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Latencies(Vec<(SmolStr, u32)>);

impl Selector {
    /// Takes any server.
    pub(super) const ANY: Self =
        Self { labels: BTreeMap::new(), region: None, version: None, in_use: Use::Any };

    /// Whether a server like this will do; `occupied`: lands live on it.
    pub(super) fn takes(&self, server: &Registration, occupied: bool) -> bool {
        let in_use = match self.in_use {
            Use::Any => true,
            Use::Empty => !occupied,
            Use::Occupied => occupied,
        };
        in_use
            && self.region.as_ref().is_none_or(|region| server.region.as_ref() == Some(region))
            && self.version.as_ref().is_none_or(|version| server.version == *version)
            && self.labels.iter().all(|(name, value)| server.labels.get(name) == Some(value))
    }
}

impl Latencies {
    /// Of these players, each with what is known of it.
    pub(crate) fn of<'a>(players: impl Iterator<Item = &'a ByName<u32>>) -> Self {
        let players: Vec<_> = players.collect();
        let all = players.iter().flat_map(|player| player.iter());
        let regions: BTreeSet<_> = all.map(|(region, _)| region).collect();
        let worst = |region: &SmolStr| {
            let known = players.iter().map(|player| player.get(region).copied().unwrap_or(u32::MAX));
            known.max().unwrap_or(u32::MAX)
        };
        let mut by_worst: Vec<_> =
            regions.into_iter().map(|region| (region.clone(), worst(region))).collect();
        by_worst.sort_by_key(|(_, worst)| *worst);
        Self(by_worst)
    }

    /// As if this one were the best for everybody.
    pub(crate) fn only(region: &SmolStr) -> Self {
        Self(vec![(region.clone(), 0)])
    }

    /// The regions, the best first; those that are equal stand together, in the order of their names.
    pub(crate) fn ranks(&self) -> impl Iterator<Item = &[(SmolStr, u32)]> {
        self.0.chunk_by(|(_, one), (_, other)| one == other)
    }
}

#[cfg(test)]
pub(super) mod wants;

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(players: &[&[(&str, u32)]]) -> Vec<Vec<String>> {
        let players: Vec<ByName<u32>> =
            players.iter().map(|player| player.iter().copied().collect()).collect();
        let latencies = Latencies::of(players.iter());
        latencies.ranks().map(|rank| rank.iter().map(|(region, _)| region.to_string()).collect()).collect()
    }

    #[test]
    fn the_player_who_is_worst_off_decides() {
        // The mean is better in the east, but somebody would have 200 ms there.
        let players: [&[_]; 3] = [
            &[("east", 10), ("west", 90), ("north", 90)],
            &[("west", 80), ("east", 10)],
            &[("north", 20), ("east", 200), ("west", 70)],
        ];
        assert_eq!(ranks(&players), [vec!["west"], vec!["east"], vec!["north"]]);
        assert_eq!(ranks(&[&[("b", 5), ("a", 5), ("c", 4)]]), [vec!["c"], vec!["a", "b"]]);
        assert_eq!(ranks(&[&[], &[]]), Vec::<Vec<String>>::new());
    }
}
