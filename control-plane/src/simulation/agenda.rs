//! What is to happen, and when. Of things due at one time, the one that was planned first comes first.

use std::collections::BTreeMap;

use matching::TicketId;

use super::{
    game::GameEvent,
    names::ServerNo,
    network::{ConnectionNo, Side, Stray},
    plan::Fault,
};

/// Something that is due.
#[derive(Debug)]
pub(super) enum Due {
    /// The agent has something to do.
    Agent(ServerNo),
    /// In the game server's `life`-th run.
    Game {
        server: ServerNo,
        life: u32,
        event: GameEvent,
    },
    /// A connection is made, or refused.
    Reached(ConnectionNo),
    /// Something may have come to that end of the connection.
    Arrived(ConnectionNo, Side),
    /// A message comes out of its turn.
    Stray(ConnectionNo, Box<Stray>),
    /// That end has heard nothing for so long that it gives the connection up, where the cut with this number lasts.
    Unheard(ConnectionNo, Side, u32),
    /// Somebody wants to play.
    Enqueue(usize),
    Cancel(TicketId),
    /// A service wants a land.
    Order(usize),
    Fault(Fault),
    Mend(Mend),
}

/// The end of a fault.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mend {
    /// The server's host is reached again, where the cut has this number.
    Cut(ServerNo, u32),
    /// The parts of a host that are down come back.
    Host(ServerNo),
    /// The control plane comes back.
    Control,
}

#[derive(Debug, Default)]
pub(super) struct Agenda {
    due: BTreeMap<(u64, u64), Due>,
    planned: u64,
}

impl Agenda {
    pub(super) fn add(&mut self, at_ms: u64, due: Due) {
        self.planned += 1;
        self.due.insert((at_ms, self.planned), due);
    }

    /// When the next thing is due.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.due.first_key_value().map(|((at_ms, _), _)| *at_ms)
    }

    /// Takes out what is due next, by `now_ms`.
    pub(super) fn take(&mut self, now_ms: u64) -> Option<Due> {
        let entry = self.due.first_entry().filter(|entry| entry.key().0 <= now_ms)?;
        Some(entry.remove())
    }

    /// Leaves out all faults that have not happened, and whoever would still come.
    pub(super) fn calm(&mut self) {
        self.due.retain(|_, due| !matches!(due, Due::Fault(_) | Due::Enqueue(_) | Due::Order(_)));
    }
}
