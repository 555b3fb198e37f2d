//! What the engine knows of a ticket.

use std::{collections::BTreeMap, sync::Arc};

use crate::{GroupId, PlayerId, TicketId, Time};

/// One request for a match: a group of one or more players that stay together.
///
/// Cheap to clone: what is large is shared.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Ticket {
    /// Which ticket.
    pub id: TicketId,
    /// Whose.
    pub group: GroupId,
    /// Who plays, at least one, in the order of the enqueue.
    pub players: Arc<[Player]>,
    /// The ticket's place among those of its queue: lower is older. Unique within a queue, and kept when a
    /// ticket comes back from a match that did not happen.
    pub order: u64,
    /// When it was enqueued: its age counts from here.
    pub enqueued_at: Time,
    /// When it expires if it is still queued.
    pub expires_at: Time,
}

impl Ticket {
    /// How many players it has.
    pub fn size(&self) -> usize {
        self.players.len()
    }
}

/// One player of a ticket, with what rules may ask about.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Player {
    /// Who.
    pub id: PlayerId,
    /// By name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Attribute>,
    /// Round-trip time in milliseconds by region.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latencies: BTreeMap<String, u32>,
    /// The team asked for, where rules have teams by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The role asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Player {
    /// A player of whom nothing but the id is known.
    pub fn new(id: PlayerId) -> Self {
        Self { id, attributes: BTreeMap::new(), latencies: BTreeMap::new(), team: None, role: None }
    }
}

/// A value that rules can speak about.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// A finite number.
    Number(f64),
    /// A text.
    String(String),
    /// Several texts.
    StringList(Vec<String>),
    /// A number by text.
    StringNumberMap(BTreeMap<String, f64>),
}
