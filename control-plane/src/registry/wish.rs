//! What a match wants of a server: which will do, in which order they are tried, and which of equals is taken.

use std::collections::{BTreeMap, BTreeSet};

use matching::ByName;
use smol_str::SmolStr;

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

impl Latencies {
    /// Of these players, each with what is known of it.
    pub(crate) fn of<'a>(players: impl Iterator<Item = &'a ByName<u32>> + Clone) -> Self {
        let regions: BTreeSet<_> = players.clone().flat_map(ByName::iter).map(|(region, _)| region).collect();
        let worst = |region: &SmolStr| {
            let known = players.clone().map(|player| player.get(region).copied().unwrap_or(u32::MAX));
            known.max().unwrap_or(u32::MAX)
        };
        let mut by_worst: Vec<_> =
            regions.into_iter().map(|region| (region.clone(), worst(region))).collect();
        by_worst.sort_by_key(|(_, worst)| *worst);
        Self(by_worst)
    }

    /// The regions, the best first; those that are equal stand together.
    pub(crate) fn ranks(&self) -> impl Iterator<Item = &[(SmolStr, u32)]> {
        self.0.chunk_by(|(_, one), (_, other)| one == other)
    }
}

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
