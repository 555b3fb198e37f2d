//! What a run is, all of it decided by its seed: how many servers and players, what kind of servers, which faults and when.
//!
//! Most runs are small, because what goes wrong goes wrong between few; some have hundreds of servers. Some have no faults at all,
//! and must be perfect; in some every kind of fault comes.

mod made;

use std::ops::RangeInclusive;

use super::names::ServerNo;

/// The queues, and how large the parties in each may be. All want lands of one type.
pub(super) const QUEUES: [(&str, usize); 4] = [("demo", 3), ("demo:2", 2), ("demo:4", 3), ("demo:2v2", 2)];
pub(super) const REGIONS: [&str; 3] = ["east", "north", "west"];

#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) servers: Vec<Host>,
    pub(super) groups: Vec<Group>,
    pub(super) orders: Vec<Order>,
    /// For how long players come and faults happen; rest follows.
    pub(super) load_ms: u64,
    pub(super) faults: Vec<(u64, Fault)>,
    pub(super) ways: Ways,
    pub(super) storage: StorageWays,
    /// How long a seat is kept for who doesn't come; zero: for ever.
    pub(super) no_show_ms: u64,
    /// How long a land lives.
    pub(super) land_ms: RangeInclusive<u64>,
}

/// A game server with its agent.
#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) capacity: usize,
    /// How many players fit; `None`: as many as its lands take.
    pub(super) seats: Option<usize>,
    pub(super) region: Option<&'static str>,
    pub(super) manner: Manner,
    /// Something that no server does, for trying the checker.
    pub(super) flaw: Option<Flaw>,
}

/// How a game server answers when it is asked for a land.
#[derive(Debug, Clone)]
pub(super) enum Manner {
    /// Its agent answers for it at once, and ends each land after a time.
    Auto,
    /// It answers itself: it refuses and says nothing so many times in a thousand, else it takes so long.
    Answers { refuses: u64, silent: u64, after_ms: RangeInclusive<u64> },
}

/// What a broken game server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It leaves one land out of every report, and takes more lands than it has room for.
    HidesALand,
    /// It makes lands for other players than it was told.
    OtherPlayers,
    /// It reports a land that it doesn't have.
    MadeUpLand,
}

/// Somebody who wants to play.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) at_ms: u64,
    pub(super) queue: &'static str,
    pub(super) players: usize,
    pub(super) region: Option<&'static str>,
    pub(super) lifetime_ms: u64,
    /// So long after it asked, it wants it no more.
    pub(super) cancel_after_ms: Option<u64>,
}

/// A service that wants a land.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) at_ms: u64,
    pub(super) players: usize,
    /// How long each of its calls waits.
    pub(super) patience_ms: u64,
    /// So long after it has the land, it gives it back; `None`: never.
    pub(super) keeps_ms: Option<u64>,
}

/// What may befall a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The agent's connection breaks; both ends hear of it.
    Break(ServerNo),
    /// The host is not reached for so long.
    Cut(ServerNo, u64),
    /// No host is reached.
    CutAll(u64),
    /// Agent and game server are gone for so long. `silently`: and nothing tells the other end.
    KillHost { server: ServerNo, down_ms: u64, silently: bool },
    /// The agent alone; its game server lives on.
    KillAgent(ServerNo, u64),
    /// The game server alone; its lands are over.
    KillGame(ServerNo, u64),
    /// The agent is told to stop.
    StopAgent(ServerNo, u64),
    /// The game server wants no more lands, and is started anew after so long.
    DrainByGame(ServerNo, u64),
    /// An operator drains the server, with a deadline (zero: none), and it is started anew after so long.
    Drain { server: ServerNo, deadline_ms: u64, down_ms: u64 },
    /// The control plane dies.
    KillControl(u64),
    /// The control plane is told to stop.
    StopControl(u64),
    /// Storage answers nobody for so long: also past the leases.
    StallStorage(u64),
}

/// How the network is, in milliseconds and times in a thousand.
#[derive(Debug, Clone)]
pub(super) struct Ways {
    pub(super) latency_ms: RangeInclusive<u64>,
    pub(super) slow: u64,
    pub(super) slow_ms: RangeInclusive<u64>,
    pub(super) beats_lost: u64,
    pub(super) beats_doubled: u64,
    pub(super) beats_late: u64,
    /// How late those are.
    pub(super) stray_ms: RangeInclusive<u64>,
}

/// How storage is.
#[derive(Debug, Clone)]
pub(super) struct StorageWays {
    pub(super) latency_ms: RangeInclusive<u64>,
    /// Calls that fail so many times in a thousand, before anything was done.
    pub(super) refuses: u64,
    /// And after it was done.
    pub(super) loses_answer: u64,
}

impl Ways {
    pub(super) fn good() -> Self {
        Self {
            latency_ms: 1..=3,
            slow: 0,
            slow_ms: 0..=0,
            beats_lost: 0,
            beats_doubled: 0,
            beats_late: 0,
            stray_ms: 0..=3_000,
        }
    }

    /// Whether streams keep their order, as real ones do.
    pub(super) fn keep_order(&self) -> bool {
        self.beats_lost + self.beats_doubled + self.beats_late == 0
    }
}

impl Host {
    pub(super) fn manner_is_auto(&self) -> bool {
        matches!(self.manner, Manner::Auto)
    }
}
