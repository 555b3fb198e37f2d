//! The lands of one server: which there are, who is in them, and until when something has to happen.
//!
//! Knows nothing of commands or streams; the machine decides, this remembers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    messages::{Allocation, LandReport},
    sdk::Order,
};
use crate::ids::{CommandId, LandId, LandType, PlayerId};

/// What one report of all lands may hold, in bytes of identifiers. The control plane takes messages of up to 4 MiB; a server
/// whose report is refused could never come back, so what would not fit is refused before.
const REPORT_BYTES: usize = 3 * 1024 * 1024;
/// What it may hold with those who are still expected. They are left out where it would grow larger.
const REPORT_BYTES_AND_AWAITED: usize = REPORT_BYTES + 512 * 1024;
/// What the encoding adds to each identifier, at most.
const OVERHEAD: usize = 8;

/// All lands of a server.
#[derive(Debug, Default)]
pub(super) struct Lands {
    all: BTreeMap<LandId, Land>,
    /// Every land that something has to happen to, by when. One entry for each land with `due_ms`, and no other.
    due: BTreeSet<(u64, LandId)>,
    report_bytes: usize,
    /// How many lands there ever were: the next one's number.
    ever: u64,
    /// Grows with every change that can be seen.
    revision: u64,
}

#[derive(Debug)]
pub(super) struct Land {
    pub(super) land_type: LandType,
    pub(super) state: State,
    pub(super) players: Arc<[PlayerId]>,
    /// Greater than that of every older land.
    pub(super) number: u64,
    pub(super) origin: Origin,
    /// The command that ordered it, the newest where there were several.
    pub(super) command: Option<CommandId>,
    /// Who of its roster never came.
    pub(super) freed: Arc<[PlayerId]>,
    /// Those of the roster who have come: they have a seat while they are there, and none is kept for them.
    came: BTreeSet<PlayerId>,
    due_ms: Option<u64>,
}

/// Where a land comes from.
#[derive(Debug, Clone, Default)]
pub(super) enum Origin {
    /// It was there before this agent.
    #[default]
    Brought,
    /// The game server gave it to itself.
    Own,
    /// The control plane ordered it.
    Ordered(Arc<Order>),
}

#[derive(Debug, Clone)]
pub(super) enum State {
    /// The game server has not answered this command yet.
    Allocating(Arc<Allocation>),
    Ready,
}

/// One report of all lands would grow too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the report of this server's lands would grow over 3 MiB")]
pub struct TooMuch;

impl Lands {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, id: &LandId) -> Option<&Land> {
        self.all.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&LandId, &Land)> {
        self.all.iter()
    }

    /// A new land, to which something happens at `due_ms`. The caller has seen that there is none of this id.
    pub(super) fn insert(
        &mut self,
        id: LandId,
        land_type: LandType,
        state: State,
        due_ms: Option<u64>,
    ) -> Result<(), TooMuch> {
        let bytes = self.report_bytes + land_bytes(&id, &[]);
        if bytes > REPORT_BYTES {
            return Err(TooMuch);
        }
        self.report_bytes = bytes;
        if let Some(due_ms) = due_ms {
            self.due.insert((due_ms, id.clone()));
        }
        let (players, number, origin) = (Arc::default(), self.ever, Origin::default());
        self.ever += 1;
        self.revision += 1;
        let (command, freed) = (None, Arc::default());
        let came = BTreeSet::new();
        let land = Land { land_type, state, players, number, origin, command, freed, came, due_ms };
        self.all.insert(id, land);
        Ok(())
    }

    /// Where the land comes from, where that can't be seen from its id. The caller has seen that it is there.
    pub(super) fn set_origin(&mut self, id: &LandId, origin: Origin) {
        if let Some(land) = self.all.get_mut(id) {
            land.origin = origin;
        }
    }

    /// The command that ordered it. The caller has seen that it is there.
    pub(super) fn set_command(&mut self, id: &LandId, command: CommandId) {
        if let Some(land) = self.all.get_mut(id) {
            land.command = Some(command);
        }
    }

    /// These players of the land's roster never came. Returns all of them who have not come by now; `None` where there is no such
    /// land, or nothing has changed.
    pub(super) fn free_seats(&mut self, id: &LandId, players: &[PlayerId]) -> Option<Arc<[PlayerId]>> {
        let land = self.all.get_mut(id)?;
        let Origin::Ordered(order) = &land.origin else { return None };
        let is_free = |player: &&PlayerId| {
            (land.freed.contains(player) || players.contains(player)) && !land.players.contains(player)
        };
        let freed: Arc<[PlayerId]> = order.players.iter().filter(is_free).cloned().collect();
        if freed == land.freed {
            return None;
        }
        land.freed = Arc::clone(&freed);
        Some(freed)
    }

    /// Grows with every change that can be seen.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Every land, the oldest first.
    pub(super) fn by_age(&self) -> Vec<(&LandId, &Land)> {
        let mut all: Vec<_> = self.all.iter().collect();
        all.sort_unstable_by_key(|(_, land)| land.number);
        all
    }

    /// The land is ready; the command that was waiting for it, where one was.
    pub(super) fn make_ready(&mut self, id: &LandId) -> Option<Arc<Allocation>> {
        let land = self.all.get_mut(id)?;
        let State::Allocating(allocation) = std::mem::replace(&mut land.state, State::Ready) else {
            return None;
        };
        if let Some(due_ms) = land.due_ms.take() {
            self.due.remove(&(due_ms, id.clone()));
        }
        self.revision += 1;
        Some(allocation)
    }

    /// Whether the players have changed. The caller has seen that the land is there.
    pub(super) fn set_players(&mut self, id: &LandId, players: Arc<[PlayerId]>) -> Result<bool, TooMuch> {
        let Some(land) = self.all.get_mut(id) else {
            return Ok(false);
        };
        if land.players == players {
            return Ok(false);
        }
        let others = self.report_bytes - land_bytes(id, &land.players);
        let bytes = others + land_bytes(id, &players);
        if bytes > REPORT_BYTES {
            return Err(TooMuch);
        }
        self.report_bytes = bytes;
        self.revision += 1;
        if land.freed.iter().any(|player| players.contains(player)) {
            // Who comes after all has a seat again.
            land.freed = land.freed.iter().filter(|player| !players.contains(player)).cloned().collect();
        }
        if let Origin::Ordered(order) = &land.origin {
            land.came.extend(order.players.iter().filter(|player| players.contains(player)).cloned());
        }
        land.players = players;
        Ok(true)
    }

    pub(super) fn remove(&mut self, id: &LandId) -> Option<Land> {
        let land = self.all.remove(id)?;
        self.revision += 1;
        self.report_bytes -= land_bytes(id, &land.players);
        if let Some(due_ms) = land.due_ms {
            self.due.remove(&(due_ms, id.clone()));
        }
        Some(land)
    }

    /// When the next thing happens to a land.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    /// Takes out one land whose time has come.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Option<(LandId, Land)> {
        let (due_ms, id) = self.due.first()?;
        if *due_ms > now_ms {
            return None;
        }
        let id = id.clone();
        let land = self.remove(&id)?;
        Some((id, land))
    }

    /// What the game server has not answered yet.
    pub(super) fn undecided(&self) -> Vec<Arc<Allocation>> {
        let undecided = self.all.values().filter_map(|land| match &land.state {
            State::Allocating(allocation) => Some(Arc::clone(allocation)),
            State::Ready => None,
        });
        undecided.collect()
    }

    /// Every land that is ready: what a heartbeat lists.
    pub(super) fn report(&self) -> Vec<LandReport> {
        let ready = self.all.iter().filter(|(_, land)| matches!(land.state, State::Ready));
        let mut bytes = self.report_bytes;
        let report = |(id, land): (&LandId, &Land)| {
            let mut awaited: Vec<_> = land.awaited().cloned().collect();
            let with_them = bytes + bytes_of(&awaited);
            if with_them > REPORT_BYTES_AND_AWAITED {
                awaited.clear();
            } else {
                bytes = with_them;
            }
            LandReport { land_id: id.clone(), players: Arc::clone(&land.players), awaited }
        };
        ready.map(report).collect()
    }
}

impl Land {
    /// How many seats it takes: who is in it, and who is still expected.
    pub(super) fn seats(&self) -> usize {
        self.players.len() + self.awaited().count()
    }

    /// Who of its roster is still expected.
    fn awaited(&self) -> impl Iterator<Item = &PlayerId> {
        let roster = match &self.origin {
            Origin::Ordered(order) => order.players.iter(),
            Origin::Brought | Origin::Own => [].iter(),
        };
        roster.filter(|player| !self.came.contains(*player) && !self.freed.contains(player))
    }
}

fn land_bytes(id: &LandId, players: &[PlayerId]) -> usize {
    id.as_str().len() + OVERHEAD + bytes_of(players)
}

fn bytes_of(players: &[PlayerId]) -> usize {
    players.iter().map(|player| player.as_str().len() + OVERHEAD).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_stays_small_enough_to_be_taken() {
        let mut lands = Lands::default();
        let arena = LandType::parse("arena").unwrap();
        let id = |n: usize| LandId::parse(&format!("arena:{n}")).unwrap();
        let crowd: Arc<[PlayerId]> =
            (0..1000).map(|n| PlayerId::parse(&format!("{n:0>128}")).unwrap()).collect();
        let mut full = None;
        for n in 0..100 {
            lands.insert(id(n), arena.clone(), State::Ready, None).unwrap();
            if lands.set_players(&id(n), Arc::clone(&crowd)).is_err() {
                full = Some(n);
                break;
            }
        }
        let full = full.unwrap();
        assert!((20..30).contains(&full), "{full}");
        assert_eq!(lands.set_players(&id(0), Arc::default()), Ok(true), "who leaves makes room");
        assert_eq!(lands.set_players(&id(full), crowd), Ok(true));
        for n in 0..=full {
            lands.remove(&id(n));
        }
        assert_eq!((lands.report_bytes, lands.due.len()), (0, 0));
    }
}
