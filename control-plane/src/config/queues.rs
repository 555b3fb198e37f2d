//! The `[queues."<queueKey>"]` tables of the configuration file.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use matching::QueueConfig;
use runtime::config::FileSections;
use serde::{Deserialize, Deserializer};

/// What the file holds beside the settings.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Sections {
    /// By queue key.
    #[serde(default)]
    pub queues: BTreeMap<String, QueueEntry>,
}

impl FileSections for Sections {
    const NAMES: &'static [&'static str] = &["queues"];
}

/// One queue. What is absent follows the queue's key, or the program's settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueEntry {
    /// The kind of land that its matches are played on.
    pub land_type: Option<String>,
    /// Fewest players of a match, from `relax_after` on.
    pub min_players: Option<u32>,
    /// Most players of a match, and what it waits for until `relax_after`.
    pub max_players: Option<u32>,
    /// Players per team, one entry a team.
    pub teams: Option<Vec<u32>>,
    /// The file of its rule set, relative to the configuration file; excludes all that a rule set says itself.
    pub rule_set: Option<PathBuf>,
    /// How long the oldest ticket of a match has waited at least.
    #[serde(default, deserialize_with = "span")]
    pub min_wait: Option<Duration>,
    /// After how long the oldest ticket takes a match of `min_players`.
    #[serde(default, deserialize_with = "span")]
    pub relax_after: Option<Duration>,
    /// How long a ticket may wait.
    #[serde(default, deserialize_with = "span")]
    pub ticket_lifetime: Option<Duration>,
    /// After how long without its players a ticket is dropped. None: it waits.
    #[serde(default, deserialize_with = "span")]
    pub drop_absent_after: Option<Duration>,
    /// The URL of the match function that proposes its matches, beside what says how large they are.
    pub match_function: Option<String>,
    /// How long a call of it may take.
    #[serde(default, deserialize_with = "span")]
    pub match_function_deadline: Option<Duration>,
    /// How many tickets are sent to it at most, the oldest.
    pub match_function_tickets: Option<usize>,
    /// The least time from the begin of a call to the begin of the next.
    #[serde(default, deserialize_with = "span")]
    pub match_function_interval: Option<Duration>,
    /// Whether the queue's matches are made without it where it fails.
    pub match_function_fallback: Option<bool>,
    /// Which servers its matches are placed on.
    pub allocation: Option<AllocationEntry>,
}

/// Which servers a queue's matches are placed on: the table `[queues."<queueKey>".allocation]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllocationEntry {
    /// Which of several servers that will do: `spread` or `packed`.
    pub policy: Option<String>,
    /// Which servers will do, in order: the first that one with room fits decides. None: any.
    #[serde(default)]
    pub selectors: Vec<SelectorEntry>,
}

/// What a server must be. What is absent, any server is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectorEntry {
    /// The server has all of them.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Where it is.
    pub region: Option<String>,
    /// The game server's version.
    pub version: Option<String>,
    /// Whether lands live on it: `empty` or `occupied`.
    pub r#use: Option<String>,
}

impl QueueEntry {
    pub(crate) fn matching(&self) -> QueueConfig {
        QueueConfig {
            min_players: self.min_players,
            max_players: self.max_players,
            teams: self.teams.clone(),
            min_wait: self.min_wait,
            relax_after: self.relax_after,
        }
    }
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    runtime::config::duration(&text).map(Some).map_err(serde::de::Error::custom)
}
