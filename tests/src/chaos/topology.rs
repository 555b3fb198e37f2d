//! Which programs run, as a value.

use std::time::Duration;

use super::{check::Shape, history::QueueKey};

/// After this long without a word, a queue's owner has lost it. Short, so that a short run shows what happens then.
pub const LEASE: Duration = Duration::from_secs(2);

/// The queues that the players use, and what a match of each takes. The last one is so large that its tickets expire.
pub const QUEUES: [(&str, &str); 5] = [
    ("demo", "anybody at once"),
    ("demo:2", "any two"),
    ("demo:4", "any four"),
    ("demo:2v2", "two teams of two"),
    ("demo:crowd", "more than ever come"),
];

/// The configuration file of the control planes.
pub(super) const CONFIGURATION: &str =
    "[queues.\"demo:crowd\"]\nland_type = \"demo\"\nteams = [50, 50]\nticket_lifetime = \"3s\"\n";

/// The queues whose shape their key doesn't tell.
pub(super) fn configured() -> Vec<(QueueKey, Shape)> {
    vec![("demo:crowd".into(), Shape::Teams(vec![50, 50]))]
}

/// A set of programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Its name, for people.
    pub name: &'static str,
    /// Where the state is kept.
    pub state: State,
    /// The control planes.
    pub control_planes: Vec<Role>,
    /// How many gateways.
    pub gateways: usize,
    /// How many game servers, each with its agent.
    pub servers: usize,
    /// How many lands each of them has room for: about as many as are played on at once, so that the last place counts.
    pub capacity: usize,
    /// How many parties play at once.
    pub parties: usize,
}

/// Where the state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In a file.
    Embedded,
    /// In a Redis of the run's own.
    Redis,
}

/// What a control plane does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// All of it.
    All,
    /// Serves calls.
    Api,
    /// Forms matches.
    QueueWorker,
}

impl Topology {
    /// One control plane with its state in a file.
    pub fn embedded() -> Self {
        let control_planes = vec![Role::All];
        let state = State::Embedded;
        Self { name: "embedded", state, control_planes, gateways: 1, servers: 2, capacity: 8, parties: 24 }
    }

    /// Several of everything, around a Redis.
    pub fn redis() -> Self {
        let control_planes = vec![Role::Api, Role::Api, Role::QueueWorker, Role::QueueWorker];
        let state = State::Redis;
        Self { name: "redis", state, control_planes, gateways: 2, servers: 4, capacity: 5, parties: 32 }
    }

    /// The topology of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::embedded(), Self::redis()].into_iter().find(|topology| topology.name == name)
    }
}

impl Role {
    /// As the setting names it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::QueueWorker => "queue-worker",
        }
    }

    pub(super) fn serves_calls(self) -> bool {
        self != Self::QueueWorker
    }
}
