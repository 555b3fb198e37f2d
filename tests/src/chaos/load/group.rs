//! Who wants to play together, and what.

use rand::{RngExt as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::chaos::{
    history::{PlayerId, QueueKey},
    topology::QUEUES,
};

/// A group of players that nobody else has: an enqueue of it that is repeated is the same one.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) queue: QueueKey,
    pub(super) players: Vec<PlayerId>,
}

impl Group {
    pub(super) fn new(round: u32, number: u64, rng: &mut StdRng) -> Self {
        // Few who expire, for they take seconds; most where parties have to be fitted together.
        let place = [0, 1, 1, 1, 2, 2, 3, 3, 3, 4][rng.random_range(0..10)];
        let players = if rng.random_bool(0.4) { 2 } else { 1 };
        Self {
            id: format!("r{round}-g{number}"),
            queue: QUEUES[place].0.into(),
            players: (1..=players).map(|player| format!("r{round}-g{number}-p{player}").into()).collect(),
        }
    }

    /// The enqueue's body.
    pub(super) fn body(&self) -> Value {
        json!({ "queueKey": self.queue, "groupId": self.id, "members": self.players })
    }
}
