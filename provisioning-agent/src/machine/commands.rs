//! What the control plane says, and what the machine makes of it.

use std::sync::Arc;

use super::{
    Machine,
    lands::{Origin, State},
    messages::{Allocation, Down, Mode, Note, Notice, Output, Up},
    sdk::Order,
};
use crate::ids::{LandId, PlayerId};

/// For how long the control plane waits where it doesn't say, and the longest that is taken from it.
const DEFAULT_ANSWER_MS: u64 = 5_000;
const LONGEST_ANSWER_MS: u64 = 10 * 60_000;

impl Machine {
    /// The control plane has spoken. `jitter` is a random number from 0 to 1.
    pub fn received(&mut self, now_ms: u64, jitter: f64, message: Down) {
        // On a stream that is not open nothing can come; after our goodbye nothing counts.
        if !self.link.is_open() {
            return;
        }
        match message {
            Down::Welcome { heartbeat_interval_ms } => self.welcomed(now_ms, heartbeat_interval_ms),
            Down::Allocate(allocation) => self.allocate(now_ms, allocation),
            Down::Unusable { command_id, reason } => self.refuse(command_id, "", &reason),
            Down::Release { land_id, reason } => self.release(now_ms, land_id, reason),
            Down::Drain { reason, deadline_ms } => {
                self.drain(now_ms, reason, (deadline_ms > 0).then_some(deadline_ms));
            }
            Down::SeatsFreed { land_id, players } => self.seats_freed(&land_id, &players),
            // Our own next stream took this one's place: nobody else has the server id.
            Down::Superseded { by_instance_id } if by_instance_id == self.terms.instance_id.as_str() => {
                self.outputs.push_back(Output::Disconnect);
                self.lost(now_ms, jitter, "another stream of this agent took over".to_owned());
            }
            Down::Superseded { by_instance_id } => self.superseded(by_instance_id),
        }
    }

    fn welcomed(&mut self, now_ms: u64, interval_ms: u64) {
        if self.link.is_registered() {
            return;
        }
        self.link.welcomed(now_ms, interval_ms);
        self.link.noted_lost = false;
        let again = std::mem::replace(&mut self.link.ever_registered, true);
        self.note(Note::Registered { again });
    }

    fn allocate(&mut self, now_ms: u64, allocation: Allocation) {
        match self.lands.get(&allocation.land_id).map(|land| &land.state) {
            Some(State::Ready) => {
                self.lands.set_command(&allocation.land_id, allocation.command_id.clone());
                self.send(Up::LandReady { command_id: allocation.command_id });
            }
            // The command came twice: its game server has been asked.
            Some(State::Allocating(asked)) if asked.command_id == allocation.command_id => {}
            // Who asks anew waits for an answer to the new question; the game server needs to hear it only once.
            Some(State::Allocating(_)) => {
                self.lands.remove(&allocation.land_id);
                self.decide(now_ms, allocation, false);
            }
            None => self.decide(now_ms, allocation, true),
        }
    }

    fn decide(&mut self, now_ms: u64, allocation: Allocation, tell: bool) {
        if let Some(reason) = self.objection(&allocation) {
            self.refuse(allocation.command_id, allocation.land_id.as_str(), &reason);
            return;
        }
        let id = allocation.land_id.clone();
        let land_type = allocation.land_type.clone();
        let allocation = Arc::new(allocation);
        let (state, due_ms) = match self.terms.mode {
            Mode::Auto { lifetime_ms } => (State::Ready, Some(now_ms.saturating_add(lifetime_ms))),
            // Nobody listens for lands who could answer.
            Mode::Report if !self.ever_watched && self.sdk.answers_at_once() => (State::Ready, None),
            Mode::Report => {
                let due_ms = now_ms + answer_within_ms(&allocation);
                (State::Allocating(Arc::clone(&allocation)), Some(due_ms))
            }
        };
        let is_ready = matches!(state, State::Ready);
        if let Err(too_much) = self.lands.insert(id.clone(), land_type, state, due_ms) {
            self.refuse(allocation.command_id.clone(), id.as_str(), &too_much.to_string());
            return;
        }
        self.lands.set_origin(&id, Origin::Ordered(Arc::new(Order::of(&allocation))));
        self.lands.set_command(&id, allocation.command_id.clone());
        if is_ready {
            self.send(Up::LandReady { command_id: allocation.command_id.clone() });
        } else if tell {
            self.tell(Notice::Allocate(allocation));
        }
    }

    /// Why a new land can't be taken, where it can't.
    fn objection(&self, allocation: &Allocation) -> Option<String> {
        let capacity = self.terms.capacity;
        if let Some(drain) = &self.draining {
            Some(format!("the server takes no new lands: {}", drain.reason))
        } else if self.exited {
            Some("the game server has ended and is not back".to_owned())
        } else if self.sdk.is_reserved() {
            Some("the game server has reserved itself".to_owned())
        } else if self.sdk.standing().is_silent() {
            Some("the game server has fallen silent".to_owned())
        } else if !self.terms.land_types.contains(&allocation.land_type) {
            Some(format!("the server doesn't host lands of type {}", allocation.land_type))
        } else if self.lands.len() >= self.most_lands() {
            Some(format!("the server is full: it holds {capacity} lands"))
        } else {
            let most = self.seats_short(allocation.players.len());
            most.map(|most| format!("the server is full: it holds {most} players"))
        }
    }

    fn release(&mut self, now_ms: u64, land_id: LandId, reason: String) {
        if self.lands.remove(&land_id).is_some() {
            self.link.hurry(now_ms);
        }
        // Also where it is unknown: it may live on in a game server that was told of it before this agent started.
        if self.terms.mode == Mode::Report {
            self.tell(Notice::Release { land_id, reason });
        }
    }

    /// Players who never came. The game server hears of it, again where it was away.
    fn seats_freed(&mut self, land_id: &LandId, players: &[PlayerId]) {
        if let Some(players) = self.lands.free_seats(land_id, players) {
            self.tell(Notice::SeatsFreed { land_id: land_id.clone(), players });
        }
    }
}

fn answer_within_ms(allocation: &Allocation) -> u64 {
    match allocation.answer_within_ms {
        0 => DEFAULT_ANSWER_MS,
        told => told.min(LONGEST_ANSWER_MS),
    }
}
