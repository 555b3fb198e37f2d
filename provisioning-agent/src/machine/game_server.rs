//! What the game server says and asks through the local API, and what it gets to know.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Machine,
    lands::{State, TooMuch},
    messages::{Draining, LandReport, Notice, Up},
    sdk::Standing,
};
use crate::ids::{LandId, LandType, PlayerId};

/// The most players of one land.
pub const MOST_PLAYERS: usize = 1000;

/// Where the agent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Waits for its game server to be ready.
    Starting,
    /// Looks for the control plane.
    Connecting,
    /// Takes lands.
    Registered,
    /// Takes no new lands.
    Draining,
    /// Is about to end.
    Stopping,
}

/// What there is to know.
#[derive(Debug, Clone)]
pub struct Status {
    /// Where the agent stands.
    pub phase: Phase,
    /// How its game server stands, where that speaks the Agones SDK.
    pub health: Standing,
    /// Every land, in the order of their ids.
    pub lands: Vec<LandStatus>,
    /// How many lands fit.
    pub capacity: u32,
    /// How many players; `None`: as many as its lands take.
    pub player_capacity: Option<u32>,
    /// Set while no new lands are taken.
    pub draining: Option<Draining>,
}

/// One land.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LandStatus {
    /// Which.
    pub land_id: LandId,
    /// Its kind.
    pub land_type: LandType,
    /// `allocating` or `ready`.
    pub state: &'static str,
    /// Who is in it, as last reported.
    pub players: Arc<[PlayerId]>,
}

/// Why nothing could be done to a land.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LandError {
    /// It isn't there, or not any more.
    #[error("this agent has no such land; it may have been given up or released")]
    NotFound,
    /// It can't be refused any more.
    #[error("the land is ready already; end it instead of refusing it")]
    AlreadyReady,
    /// Too many players in one land.
    #[error("a land has at most {MOST_PLAYERS} players")]
    TooManyPlayers,
    /// Too many players in all.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
}

/// Why a land that a game server brings along can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdoptError {
    /// Its id doesn't begin with a land type of this server.
    #[error("doesn't begin with one of this server's land types and a colon")]
    LandType,
    /// There are more than the server can hold.
    #[error("is one land more than the capacity of this server")]
    Full,
    /// Too much in all.
    #[error("can't be taken: {0}")]
    TooMuch(#[from] TooMuch),
}

impl Machine {
    /// The game server can take lands; registration begins. `lands` are those that live on it already, because it has outlived
    /// an earlier agent. Repeating it changes nothing, whatever `lands` says. Fails with the place of the first land that
    /// can't be taken, and then nothing has changed.
    pub fn game_server_ready(
        &mut self,
        now_ms: u64,
        lands: &[LandReport],
    ) -> Result<(), (usize, AdoptError)> {
        if self.link.is_stopping() || (self.ready && !self.exited) {
            return Ok(());
        }
        for (place, land) in lands.iter().enumerate() {
            if let Err(error) = self.adopt(land) {
                // Before this there was no land at all.
                for land in lands {
                    self.lands.remove(&land.land_id);
                }
                return Err((place, error));
            }
        }
        self.open(now_ms);
        Ok(())
    }

    fn adopt(&mut self, land: &LandReport) -> Result<(), AdoptError> {
        let id = &land.land_id;
        let name = id.as_str().rsplit_once(':').map_or("", |(name, _)| name);
        let known = self.terms.land_types.iter().find(|known| known.as_str() == name);
        let land_type = known.cloned().ok_or(AdoptError::LandType)?;
        if self.lands.get(id).is_some() {
            return Ok(());
        }
        if self.lands.len() >= self.most_lands() {
            return Err(AdoptError::Full);
        }
        self.lands.insert(id.clone(), land_type, State::Ready, None)?;
        self.lands.set_players(id, Arc::clone(&land.players))?;
        Ok(())
    }

    /// Somebody listens for lands now. Returns what they have to know: every land that is to end and of which nobody was
    /// told, every land that waits for their answer, and what else was said that still holds.
    pub fn watcher_came(&mut self, now_ms: u64) -> Vec<Notice> {
        if !self.healthy(now_ms) {
            self.link.hurry(now_ms);
        }
        self.unwatched_since_ms = None;
        self.ever_watched = true;
        let released = self.take_untold().into_iter();
        let undecided = self.lands.undecided().into_iter().map(Notice::Allocate);
        let freed =
            self.lands.iter().filter(|(_, land)| !land.freed.is_empty()).map(|(id, land)| {
                Notice::SeatsFreed { land_id: id.clone(), players: Arc::clone(&land.freed) }
            });
        let draining = self.drain_told(now_ms).map(Notice::Drain);
        let over =
            self.drain_is_over().then(|| Notice::Shutdown { reason: "the server is drained".to_owned() });
        released.chain(undecided).chain(freed).chain(draining).chain(over).collect()
    }

    /// Nobody listens for lands any more.
    pub fn watcher_went(&mut self, now_ms: u64) {
        self.unwatched_since_ms.get_or_insert(now_ms);
    }

    /// The land is made. Repeating it changes nothing.
    pub fn land_ready(&mut self, id: &LandId) -> Result<(), LandError> {
        self.found(id)?;
        if let Some(command) = self.lands.make_ready(id) {
            self.send(Up::LandReady { command_id: command.command_id.clone() });
        }
        Ok(())
    }

    /// The land can't be made here.
    pub fn land_refused(&mut self, id: &LandId, reason: &str) -> Result<(), LandError> {
        let State::Allocating(command) = self.found(id)? else {
            return Err(LandError::AlreadyReady);
        };
        self.lands.remove(id);
        self.refuse(command.command_id.clone(), id.as_str(), reason);
        Ok(())
    }

    /// The land broke. One that is not ready is refused; one that is has ended, and the reason is told on. Returns whether it was
    /// ready.
    pub fn land_failed(&mut self, now_ms: u64, id: &LandId, reason: &str) -> Result<bool, LandError> {
        self.untold.forget(id);
        self.found(id)?;
        Ok(self.fail(now_ms, id, reason))
    }

    /// These players came into the land; those who are there stay. Returns how many are there now.
    pub fn players_joined(
        &mut self,
        now_ms: u64,
        id: &LandId,
        players: &[PlayerId],
    ) -> Result<usize, LandError> {
        let land = self.lands.get(id).ok_or(LandError::NotFound)?;
        let mut there: BTreeSet<_> = land.players.iter().cloned().collect();
        let new: Vec<_> = players.iter().filter(|player| there.insert((*player).clone())).cloned().collect();
        let all: Arc<[_]> = land.players.iter().cloned().chain(new).collect();
        if all.len() > MOST_PLAYERS {
            return Err(LandError::TooManyPlayers);
        }
        let count = all.len();
        self.players_are(now_ms, id, all).map(|()| count)
    }

    /// These players left the land. Who wasn't there has left, too. Returns how many are there now.
    pub fn players_left(
        &mut self,
        now_ms: u64,
        id: &LandId,
        players: &[PlayerId],
    ) -> Result<usize, LandError> {
        let land = self.lands.get(id).ok_or(LandError::NotFound)?;
        let gone: BTreeSet<_> = players.iter().collect();
        let all: Arc<[_]> = land.players.iter().filter(|player| !gone.contains(player)).cloned().collect();
        let count = all.len();
        self.players_are(now_ms, id, all).map(|()| count)
    }

    /// These players are in the land now, and no others.
    pub fn players_are(
        &mut self,
        now_ms: u64,
        id: &LandId,
        players: Arc<[PlayerId]>,
    ) -> Result<(), LandError> {
        self.found(id)?;
        if self.lands.set_players(id, players)? {
            self.link.soon(now_ms);
        }
        Ok(())
    }

    /// The land is over. Returns whether there was one.
    pub fn land_ended(&mut self, now_ms: u64, id: &LandId) -> bool {
        self.untold.forget(id);
        let Some(land) = self.lands.remove(id) else {
            return false;
        };
        match land.state {
            State::Ready => self.link.hurry(now_ms),
            State::Allocating(command) => self.refuse(
                command.command_id.clone(),
                id.as_str(),
                "the game server ended the land before it was ready",
            ),
        }
        true
    }

    /// What there is to know now.
    pub fn status(&self, now_ms: u64) -> Status {
        let lands = self.lands.iter().map(|(id, land)| LandStatus {
            land_id: id.clone(),
            land_type: land.land_type.clone(),
            state: match land.state {
                State::Allocating(_) => "allocating",
                State::Ready => "ready",
            },
            players: Arc::clone(&land.players),
        });
        Status {
            phase: self.phase(),
            health: self.sdk.standing(),
            lands: lands.collect(),
            capacity: self.terms.capacity,
            player_capacity: self.terms.player_capacity,
            draining: self.drain_told(now_ms),
        }
    }

    fn phase(&self) -> Phase {
        if self.link.is_stopping() {
            Phase::Stopping
        } else if self.draining.is_some() {
            Phase::Draining
        } else if !self.ready {
            Phase::Starting
        } else if self.link.is_registered() {
            Phase::Registered
        } else {
            Phase::Connecting
        }
    }

    fn found(&self, id: &LandId) -> Result<State, LandError> {
        let land = self.lands.get(id).ok_or(LandError::NotFound)?;
        Ok(land.state.clone())
    }
}
