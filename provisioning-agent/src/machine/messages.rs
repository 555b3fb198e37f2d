//! What goes into the machine and comes out of it, in its own words: no wire type, no socket.

use std::sync::Arc;

use super::sdk::{SdkTerms, Standing};
use crate::ids::{CommandId, InstanceId, LandId, LandType, PlayerId};

/// What the machine needs to know of the game server.
#[derive(Debug, Clone)]
pub struct Terms {
    /// This start of the agent.
    pub instance_id: InstanceId,
    /// What kinds of land are taken.
    pub land_types: Vec<LandType>,
    /// How many lands there may be at once.
    pub capacity: u32,
    /// How many players in all of them; `None`: as many as they take.
    pub player_capacity: Option<u32>,
    /// Who decides about a new land.
    pub mode: Mode,
    /// What a game server that speaks the Agones SDK is promised.
    pub sdk: SdkTerms,
}

/// Who decides about a new land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The game server.
    Report,
    /// The machine: every land is ready at once and ends by itself after a time.
    Auto {
        /// That time.
        lifetime_ms: u64,
    },
}

/// A land that the control plane wants.
#[derive(Debug, Clone)]
pub struct Allocation {
    /// What the answer names.
    pub command_id: CommandId,
    /// The land.
    pub land_id: LandId,
    /// Its kind.
    pub land_type: LandType,
    /// For the game server; passed on as it is, like everything below.
    pub match_id: String,
    /// The queue that the match comes from.
    pub queue_key: String,
    /// Everyone who will come.
    pub players: Vec<PlayerId>,
    /// Empty where the queue has no teams.
    pub teams: Vec<Team>,
    /// A JSON object on one line, or nothing.
    pub constraints: Option<Box<serde_json::value::RawValue>>,
    /// How long the control plane waits for the answer. Zero: not told.
    pub answer_within_ms: u64,
}

/// One team of a roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its name.
    pub name: String,
    /// Who is in it.
    pub players: Vec<PlayerId>,
}

/// What the control plane says.
#[derive(Debug, Clone)]
pub enum Down {
    /// The server is registered; a heartbeat is wanted this often.
    Welcome {
        /// Zero: not told.
        heartbeat_interval_ms: u64,
    },
    /// Make a land.
    Allocate(Allocation),
    /// A command that can't be understood, though its id can.
    Unusable {
        /// What the answer names.
        command_id: CommandId,
        /// What is wrong with it.
        reason: String,
    },
    /// End a land.
    Release {
        /// Which.
        land_id: LandId,
        /// For people.
        reason: String,
    },
    /// Take no new lands.
    Drain {
        /// For people.
        reason: String,
        /// After how long the lands that are left end. Zero: in their own time.
        deadline_ms: u64,
    },
    /// These players of a land never came.
    SeatsFreed {
        /// Which.
        land_id: LandId,
        /// Who.
        players: Vec<PlayerId>,
    },
    /// Another instance holds the server id.
    Superseded {
        /// That instance, as the control plane named it.
        by_instance_id: String,
    },
}

/// What the control plane is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up {
    /// First on every stream, with all that lives on the server.
    Hello {
        /// Every land that is ready.
        lands: Vec<LandReport>,
        /// Whether no new lands are taken.
        draining: bool,
        /// How much fits.
        capacity: Capacity,
    },
    /// That the server lives, and all of its state.
    Heartbeat {
        /// Grows with each heartbeat of a stream, from 1.
        sequence: u64,
        /// Whether the game server is there to answer.
        healthy: bool,
        /// Every land that is ready.
        lands: Vec<LandReport>,
        /// Whether no new lands are taken.
        draining: bool,
        /// How much fits, where that has changed since the hello of this stream.
        capacity: Option<Capacity>,
    },
    /// The land is ready.
    LandReady {
        /// Of the command that is answered.
        command_id: CommandId,
    },
    /// The land won't be.
    LandRefused {
        /// Of the command that is answered.
        command_id: CommandId,
        /// For people, at most 512 bytes.
        reason: String,
    },
    /// The server goes for good. Nothing is sent after it.
    Goodbye {
        /// For people.
        reason: &'static str,
    },
}

/// How much fits into a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// How many lands, at least one: a server that takes none drains.
    pub lands: u32,
    /// How many players. Zero: as many as its lands take.
    pub players: u32,
}

/// One land in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandReport {
    /// Which.
    pub land_id: LandId,
    /// Who is in it now.
    pub players: Arc<[PlayerId]>,
    /// Who is still expected.
    pub awaited: Vec<PlayerId>,
}

/// What the game server is told.
#[derive(Debug, Clone)]
pub enum Notice {
    /// Make this land, and answer.
    Allocate(Arc<Allocation>),
    /// This land is not needed.
    Release {
        /// Which.
        land_id: LandId,
        /// For people.
        reason: String,
    },
    /// These players of a land never came: their seats are free again.
    SeatsFreed {
        /// Which.
        land_id: LandId,
        /// Who.
        players: Arc<[PlayerId]>,
    },
    /// There will be no new lands.
    Drain(Draining),
    /// The drain's deadline has come, and no land is left: the game server is to end.
    Shutdown {
        /// For people.
        reason: String,
    },
    /// Another watch took this one's place. Nothing follows.
    Replaced,
}

/// That no new lands are taken.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Draining {
    /// For people.
    pub reason: String,
    /// After how many milliseconds the lands that are left have to be over; `None`: in their own time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

/// What whoever drives the machine has to do, in this order.
#[derive(Debug, Clone)]
pub enum Output {
    /// Open a stream, and report it opened or lost.
    Connect,
    /// Give the stream up, whatever its state; nothing more is to be reported of it.
    Disconnect,
    /// Send this on the stream.
    Send(Up),
    /// Tell the game server, where it listens.
    Tell(Notice),
    /// Something that people want to read in the log, once for each change.
    Note(Note),
    /// The machine has ended; there is nothing more to do.
    Finished(End),
}

/// A change that people want to know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The control plane has the server on its list.
    Registered {
        /// Whether it had been before.
        again: bool,
    },
    /// The control plane is out of reach. Said once, however many tries follow.
    Lost {
        /// Why.
        cause: String,
    },
    /// A land will not be made here.
    Refused {
        /// Which; empty where it can't be read.
        land_id: String,
        /// Why.
        reason: String,
    },
    /// A land that was ready broke.
    Failed {
        /// Which.
        land_id: LandId,
        /// Why.
        reason: String,
    },
    /// No new lands from now on.
    Draining(Draining),
    /// The drain's deadline has come.
    Drained {
        /// How many lands were left.
        left: usize,
    },
    /// The game server stands otherwise than before: it fell silent, or was heard of again.
    GameServer {
        /// How it stands now.
        standing: Standing,
    },
}

/// How a stream was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// It broke, or never was: worth another try.
    Broken(String),
    /// This replica is not for agents: nothing is wrong, another is.
    PassedOver(String),
    /// The control plane says that a newer instance holds the server id.
    Superseded,
    /// The control plane can't take what it was told; the same again won't help.
    Refused(String),
}

/// How the machine ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// It was told to.
    #[error("stopped")]
    Stopped,
    /// Another agent took over.
    #[error(
        "a newer instance holds this server id{}; this one has stopped: give each running game server an id of its own",
        by_whom(.0)
    )]
    Superseded(String),
    /// The first registration was refused.
    #[error("the control plane refuses this server: {0}")]
    Refused(String),
}

fn by_whom(instance_id: &str) -> String {
    if instance_id.is_empty() { String::new() } else { format!(" (instance {instance_id})") }
}
