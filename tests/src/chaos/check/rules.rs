//! What a history is held to.

use std::{collections::BTreeMap, time::Duration};

use super::super::history::QueueKey;

/// What the run that made the history had configured, and what it grants.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The queues whose shape their key doesn't tell.
    pub queues: BTreeMap<QueueKey, Shape>,
    /// How long after a ticket's end, or after the beginning of rest, its watchers may be told of it.
    pub told_within: Duration,
    /// For how long after its enqueue a ticket has to be readable, whatever becomes of it.
    pub readable_for: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            queues: BTreeMap::new(),
            told_within: Duration::from_secs(15),
            readable_for: Duration::from_secs(5 * 60),
        }
    }
}

/// How many players a match of a queue takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Each ticket is a match.
    Alone,
    /// Teams of these sizes, each filled exactly. One team: any group of that many.
    Teams(Vec<usize>),
}

impl Rules {
    /// The shape of a queue: what was configured, or what its key says.
    pub fn shape(&self, queue: &QueueKey) -> Shape {
        self.queues.get(queue).cloned().unwrap_or_else(|| Shape::of_key(queue.as_str()))
    }
}

impl Shape {
    /// `x:3v3` is two teams of three, `x:4` any four, anything else starts as soon as one ticket is there.
    fn of_key(key: &str) -> Self {
        let sizes = key.rsplit_once(':').map_or("", |(_, sizes)| sizes);
        let sizes: Result<Vec<usize>, _> = sizes.split('v').map(str::parse).collect();
        sizes.map_or(Self::Alone, Self::Teams)
    }

    /// How many players a match has, where that is fixed.
    pub(super) fn players(&self) -> Option<usize> {
        match self {
            Self::Alone => None,
            Self::Teams(sizes) => Some(sizes.iter().sum()),
        }
    }
}
