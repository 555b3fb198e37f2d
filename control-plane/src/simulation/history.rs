//! What happened in a run, in order: all that the checker knows, and what a person reads when it found something.
//!
//! Ids that are new in every run (lands, matches) get numbers in the order in which they are heard of, so that two runs of one
//! seed have the same history, word by word.

mod show;

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::names::{LandNo, MatchNo, OrderNo, Roster, ServerNo, TicketNo};

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Since the start of the run, in virtual time.
    pub(super) at_ms: u64,
    pub(super) event: Event,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A ticket was acknowledged; it may wait for `lifetime_ms`.
    Enqueued {
        ticket: TicketNo,
        queue: &'static str,
        players: usize,
        asked_ms: u64,
        lifetime_ms: u64,
    },
    CancelAsked {
        ticket: TicketNo,
    },
    /// The cancel was answered: whether the ticket is taken out by it.
    CancelAnswered {
        ticket: TicketNo,
        yes: bool,
    },
    /// Committed: these tickets play there.
    Assigned {
        the_match: MatchNo,
        land: LandNo,
        server: ServerNo,
        tickets: Vec<TicketNo>,
    },
    Expired {
        ticket: TicketNo,
    },

    /// A service was given a land. Not heard: the answer was lost on its way.
    Allocated {
        order: OrderNo,
        land: LandNo,
        server: ServerNo,
        heard: bool,
    },
    /// It doesn't need it any more.
    ReleaseAsked {
        order: OrderNo,
        land: LandNo,
    },
    /// It was told that the land is given back.
    Released {
        order: OrderNo,
        land: LandNo,
    },

    /// A game server runs, without any land.
    ServerUp {
        server: ServerNo,
        capacity: usize,
        seats: Option<usize>,
    },
    /// It has ended, and all its lands with it.
    ServerDown {
        server: ServerNo,
    },
    /// Its agent runs, as this instance.
    AgentUp {
        server: ServerNo,
        instance: u32,
    },
    AgentDown {
        server: ServerNo,
        how: &'static str,
    },
    /// It has said hello on a new connection, with all that it knows.
    Hello {
        server: ServerNo,
    },
    /// The control plane has taken that.
    Welcomed {
        server: ServerNo,
    },
    /// The control plane has told the agent to make a land.
    Asked {
        server: ServerNo,
        instance: u32,
        /// Which control plane, by its life.
        by: u32,
        land: LandNo,
        the_match: MatchNo,
    },
    /// The game server has made it, for these players.
    Accepted {
        server: ServerNo,
        land: LandNo,
        the_match: MatchNo,
        players: Roster,
    },
    Refused {
        server: ServerNo,
        land: Option<LandNo>,
        why: String,
    },
    /// The control plane has told the agent that it doesn't need the land.
    TakenBack {
        server: ServerNo,
        land: LandNo,
        why: String,
    },
    LandOver {
        server: ServerNo,
        land: LandNo,
    },
    /// The control plane has told the agent that these players' seats are free again.
    SeatsFreed {
        server: ServerNo,
        land: LandNo,
        players: Roster,
    },
    /// The player has left the land.
    Left {
        server: ServerNo,
        land: LandNo,
        player: String,
    },
    /// The control plane has told the agent that no lands will come; those that are left are ended after so long.
    Drained {
        server: ServerNo,
        instance: u32,
        deadline_ms: u64,
    },

    /// A control plane runs.
    ControlUp {
        life: u32,
    },
    ControlDown {
        life: u32,
        how: &'static str,
    },
    Fault(String),
    /// Faults have stopped, all is mended, nobody enqueues any more.
    Rest,
}

/// The history of a run that goes on. All clones write the same.
#[derive(Debug, Clone)]
pub(super) struct Log(Arc<Mutex<Written>>);

#[derive(Debug)]
struct Written {
    started: Instant,
    entries: Vec<Entry>,
    lands: HashMap<String, LandNo>,
    matches: HashMap<String, MatchNo>,
}

impl Log {
    pub(super) fn start() -> Self {
        Self(Arc::new(Mutex::new(Written {
            started: Instant::now(),
            entries: Vec::new(),
            lands: HashMap::new(),
            matches: HashMap::new(),
        })))
    }

    pub(super) fn note(&self, event: Event) {
        let mut written = self.0.lock();
        let at_ms = millis_since(written.started);
        written.entries.push(Entry { at_ms, event });
    }

    pub(super) fn now_ms(&self) -> u64 {
        millis_since(self.0.lock().started)
    }

    pub(super) fn instant_of(&self, at_ms: u64) -> Instant {
        self.0.lock().started + std::time::Duration::from_millis(at_ms)
    }

    /// The number of a land.
    pub(super) fn land(&self, id: &str) -> LandNo {
        let mut written = self.0.lock();
        let next = LandNo(written.lands.len());
        *written.lands.entry(id.to_owned()).or_insert(next)
    }

    /// The number of a match.
    pub(super) fn the_match(&self, id: &str) -> MatchNo {
        let mut written = self.0.lock();
        let next = MatchNo(written.matches.len());
        *written.matches.entry(id.to_owned()).or_insert(next)
    }

    /// How much has happened so far.
    pub(super) fn len(&self) -> usize {
        self.0.lock().entries.len()
    }

    /// All of it so far.
    pub(super) fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.0.lock().entries)
    }
}

fn millis_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).expect("a run is short")
}
