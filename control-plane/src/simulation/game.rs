//! A game server, as the agent beside it sees it: it is asked for lands, answers in its manner, and its lands end in their time.

use std::{collections::BTreeMap, sync::Arc};

use provisioning_agent::{
    ids::{LandId, PlayerId},
    machine::{Allocation, LandReport, Machine, Notice},
};

use super::{
    agenda::Due,
    dice::Dice,
    history::Event,
    names::{LandNo, MatchNo, Roster, ServerNo},
    plan::{Flaw, Manner},
    stage::Stage,
};

/// What a game server does by itself.
#[derive(Debug, Clone)]
pub(super) enum GameEvent {
    Ready(LandId),
    Refuse(LandId),
    Over(LandId),
    Comes(LandId, PlayerId),
    Leaves(LandId, PlayerId),
}

/// The game server's process.
#[derive(Debug)]
pub(super) struct Game {
    server: ServerNo,
    manner: Manner,
    flaw: Option<Flaw>,
    dice: Dice,
    pub(super) up: bool,
    /// Counts its starts: what an earlier process was about to do, nobody does.
    pub(super) life: u32,
    lands: BTreeMap<LandId, Land>,
}

#[derive(Debug)]
struct Land {
    number: LandNo,
    the_match: MatchNo,
    roster: Vec<PlayerId>,
    /// Whether the agent has taken that it is ready.
    live: bool,
    present: Vec<PlayerId>,
}

impl Game {
    pub(super) fn new(server: ServerNo, manner: Manner, flaw: Option<Flaw>, dice: Dice) -> Self {
        Self { server, manner, flaw, dice, up: false, life: 0, lands: BTreeMap::new() }
    }

    /// Starts without any land.
    pub(super) fn start(&mut self) {
        self.up = true;
        self.life += 1;
    }

    /// Is gone, and all its lands with it.
    pub(super) fn die(&mut self) {
        self.up = false;
        self.lands.clear();
    }

    /// The lands that live on it.
    pub(super) fn lands(&self) -> impl Iterator<Item = LandNo> {
        self.lands.values().filter(|land| land.live).map(|land| land.number)
    }

    /// What it tells an agent that knows nothing.
    pub(super) fn report(&self) -> Vec<LandReport> {
        let live = self.lands.iter().filter(|(_, land)| land.live);
        live.map(|(id, land)| LandReport {
            land_id: id.clone(),
            players: land.present.clone().into(),
            awaited: Vec::new(),
        })
        .collect()
    }

    pub(super) fn has(&self, id: &LandId) -> bool {
        self.lands.contains_key(id)
    }

    /// The agent says something.
    pub(super) fn told(&mut self, stage: &mut Stage, notice: Notice) {
        match notice {
            _ if !self.up => {}
            Notice::Allocate(order) => self.asked(stage, &order),
            Notice::Release { land_id, .. } => {
                if let Some(land) = self.lands.remove(&land_id).filter(|land| land.live) {
                    stage.log.note(Event::LandOver { server: self.server, land: land.number });
                }
            }
            // Who has to end the process does so.
            Notice::SeatsFreed { .. } | Notice::Drain(_) | Notice::Shutdown { .. } | Notice::Replaced => {}
        }
    }

    fn asked(&mut self, stage: &mut Stage, order: &Arc<Allocation>) {
        let Manner::Answers { refuses, silent, after_ms } = &self.manner else { return };
        let id = order.land_id.clone();
        if self.lands.contains_key(&id) {
            return;
        }
        let (refuses, silent) = (self.dice.chance(*refuses), self.dice.chance(*silent));
        let after_ms = if stage.rest { 1 } else { self.dice.within(after_ms) };
        let land = Land {
            number: stage.log.land(id.as_str()),
            the_match: stage.log.the_match(&order.match_id),
            roster: order.players.clone(),
            live: false,
            present: Vec::new(),
        };
        self.lands.insert(id.clone(), land);
        if silent && !stage.rest {
            return;
        }
        let event = if refuses && !stage.rest { GameEvent::Refuse(id) } else { GameEvent::Ready(id) };
        self.later(stage, after_ms, event);
    }

    /// It does what it was about to do. Without an agent nobody hears of it, and one that was started since may know nothing of
    /// the land.
    pub(super) fn acts(&mut self, stage: &mut Stage, agent: Option<&mut Machine>, event: GameEvent) {
        let now_ms = stage.now_ms;
        match event {
            GameEvent::Ready(id) => {
                // An agent that doesn't know of it has given it up.
                if agent.is_some_and(|agent| agent.land_ready(&id).is_ok()) {
                    self.made(stage, &id);
                } else {
                    self.lands.remove(&id);
                }
            }
            GameEvent::Refuse(id) => {
                self.lands.remove(&id);
                if let Some(agent) = agent {
                    let _ = agent.land_refused(&id, "no mood");
                }
            }
            GameEvent::Over(_) if stage.frozen => {}
            GameEvent::Over(id) => {
                let Some(land) = self.lands.remove(&id) else { return };
                stage.log.note(Event::LandOver { server: self.server, land: land.number });
                agent.map(|agent| agent.land_ended(now_ms, &id));
            }
            GameEvent::Comes(id, player) => {
                let Some(land) = self.lands.get_mut(&id) else { return };
                land.present.push(player);
                let present = land.present.clone().into();
                if let Some(agent) = agent {
                    let _ = agent.players_are(now_ms, &id, present);
                }
            }
            GameEvent::Leaves(id, player) => {
                let Some(land) = self.lands.get_mut(&id) else { return };
                land.present.retain(|present| *present != player);
                let (number, present) = (land.number, land.present.clone().into());
                let player = player.to_string();
                stage.log.note(Event::Left { server: self.server, land: number, player });
                if let Some(agent) = agent {
                    let _ = agent.players_are(now_ms, &id, present);
                }
            }
        }
    }

    fn made(&mut self, stage: &mut Stage, id: &LandId) {
        let lives_ms = self.dice.within(&stage.land_ms);
        let Some(land) = self.lands.get_mut(id) else { return };
        land.live = true;
        let mut players = Roster(land.roster.iter().map(ToString::to_string).collect());
        if self.flaw == Some(Flaw::OtherPlayers) {
            players.0.pop_first();
        }
        let (server, number, the_match) = (self.server, land.number, land.the_match);
        stage.log.note(Event::Accepted { server, land: number, the_match, players });
        let roster = land.roster.clone();
        // A service says itself when it doesn't need its land any more.
        if !roster.iter().any(|player| player.as_str().starts_with("a-")) {
            self.later(stage, lives_ms, GameEvent::Over(id.clone()));
        }
        for player in roster {
            // Some never come.
            if self.dice.chance(850) {
                let comes_ms = self.dice.below(lives_ms);
                self.later(stage, comes_ms, GameEvent::Comes(id.clone(), player.clone()));
                if self.dice.chance(300) {
                    let leaves_ms = comes_ms + 1 + self.dice.below(lives_ms - comes_ms);
                    self.later(stage, leaves_ms, GameEvent::Leaves(id.clone(), player));
                }
            }
        }
    }

    fn later(&self, stage: &mut Stage, after_ms: u64, event: GameEvent) {
        let due = Due::Game { server: self.server, life: self.life, event };
        stage.agenda.add(stage.now_ms + after_ms, due);
    }
}
