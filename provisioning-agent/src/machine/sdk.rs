//! What a game server says and asks through the Agones SDK, and how the states of Agones follow from what is so.
//!
//! A state is not kept beside the lands but read off them: a server that has lands is `Allocated`, whoever gave them. What
//! only the game server knows (ready, reserved, shut down) is kept here, with its health, its metadata and its own counters and
//! lists. Lands are `rooms`, players are `players`: those two are another view of `lands.rs` and have no memory of their own.

mod counters;
mod health;
mod life;
mod lists;
mod metadata;
mod order;
mod view;

use std::collections::BTreeMap;

pub use counters::{Counter, CounterChange};
pub use health::{HealthTerms, Standing};
pub use lists::{List, ListChange, MOST_VALUES};
pub use view::SdkView;

pub(super) use order::Order;

use health::Health;
use metadata::Metadata;

/// The counter that is the lands.
pub const ROOMS: &str = "rooms";
/// The list that is who plays in them.
pub const PLAYERS: &str = "players";

/// What a game server that speaks the SDK is promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdkTerms {
    /// Who says that a land is ready, where the game server speaks nothing but the SDK.
    pub lands: SdkLands,
    /// When it counts as silent.
    pub health: HealthTerms,
    /// Its own counters, and how far each may count.
    pub counters: BTreeMap<String, i64>,
    /// Its own lists, and how many values each may hold. May name `players`.
    pub lists: BTreeMap<String, i64>,
}

impl Default for SdkTerms {
    fn default() -> Self {
        Self {
            lands: SdkLands::AtOnce,
            health: HealthTerms { period_ms: 5_000, failures: 3 },
            counters: BTreeMap::new(),
            lists: BTreeMap::new(),
        }
    }
}

/// Who says that a land is ready, where the game server speaks nothing but the SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SdkLands {
    /// The agent, at once: the game server said that it is ready, and has room.
    AtOnce,
    /// The game server, once it has seen that it is allocated: with `Allocate`, or the annotation `muster-land-ready`.
    Reported,
}

/// Why the SDK can't have what it asks for. The texts are for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdkError {
    /// There is nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// It is there already.
    #[error("{0}")]
    AlreadyExists(String),
    /// It would leave its limits.
    #[error("{0}")]
    OutOfRange(String),
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// It makes sense, but not here.
    #[error("{0}")]
    Precondition(String),
    /// It would be too much to keep.
    #[error("{0}")]
    Exhausted(String),
}

/// What only the game server knows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has said nothing yet.
    Scheduled,
    Ready,
    /// It wants no lands, until then or for good.
    Reserved {
        until_ms: Option<u64>,
    },
    Shutdown,
}

/// The SDK's part of the machine.
#[derive(Debug)]
pub(super) struct Sdk {
    terms: SdkTerms,
    phase: Phase,
    /// Whether the game server has spoken through the SDK: it is alive then, even where it doesn't listen for lands.
    spoken: bool,
    health: Health,
    labels: Metadata,
    annotations: Metadata,
    counters: BTreeMap<String, Counter>,
    lists: BTreeMap<String, List>,
    /// Grows with every change that can be seen here.
    revision: u64,
}

impl Sdk {
    pub(super) fn new(terms: SdkTerms) -> Self {
        let mut lists: BTreeMap<_, _> =
            terms.lists.iter().map(|(name, capacity)| (name.clone(), List::empty(*capacity))).collect();
        // Its values are the players of no land.
        lists.entry(PLAYERS.to_owned()).or_insert_with(|| List::empty(MOST_VALUES));
        let counters = terms.counters.iter();
        Self {
            phase: Phase::Scheduled,
            spoken: false,
            health: Health::new(terms.health),
            labels: Metadata::default(),
            annotations: Metadata::default(),
            counters: counters.map(|(name, capacity)| (name.clone(), Counter::zero(*capacity))).collect(),
            lists,
            revision: 1,
            terms,
        }
    }

    /// Whether it wants no lands for now.
    pub(super) fn is_reserved(&self) -> bool {
        matches!(self.phase, Phase::Reserved { .. })
    }

    /// Whether it has spoken through the SDK.
    pub(super) fn has_spoken(&self) -> bool {
        self.spoken
    }

    /// Whether lands are answered for it, where nobody listens for them.
    pub(super) fn answers_at_once(&self) -> bool {
        self.phase == Phase::Ready && self.terms.lands == SdkLands::AtOnce
    }

    /// How it stands.
    pub(super) fn standing(&self) -> Standing {
        self.health.told()
    }

    /// When something happens by itself.
    pub(super) fn next_ms(&self) -> Option<u64> {
        let reserved = match self.phase {
            Phase::Reserved { until_ms } => until_ms,
            _ => None,
        };
        [reserved, self.health.next_ms()].into_iter().flatten().min()
    }

    /// Something that is shown has changed elsewhere.
    pub(super) fn changed(&mut self) {
        self.revision += 1;
    }

    /// Nothing is known of the game server any more: its next life begins.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { revision: self.revision + 1, ..Self::new(self.terms.clone()) };
    }

    /// That many players fit, now and in its next life.
    pub(super) fn set_player_capacity(&mut self, players: u32) {
        let capacity = i64::from(players).min(MOST_VALUES);
        self.terms.lists.insert(PLAYERS.to_owned(), capacity);
        if let Some(list) = self.lists.get_mut(PLAYERS) {
            list.capacity = capacity;
        }
    }

    /// The game server lives again, by whatever way it said so.
    pub(super) fn revive(&mut self) {
        if self.phase == Phase::Shutdown {
            self.enter(Phase::Scheduled);
        }
    }

    fn enter(&mut self, phase: Phase) {
        if self.phase != phase {
            self.phase = phase;
            self.revision += 1;
        }
    }
}
