//! What the engine knows of a ticket.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::{ByName, GroupId, PlayerId, TicketId, Time};

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
    #[serde(default, skip_serializing_if = "ByName::is_empty")]
    pub attributes: ByName<Attribute>,
    /// Round-trip time in milliseconds by region.
    #[serde(default, skip_serializing_if = "ByName::is_empty")]
    pub latencies: ByName<u32>,
    /// The team asked for, where rules have teams by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<SmolStr>,
    /// The role asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<SmolStr>,
}

impl Player {
    /// A player of whom nothing but the id is known.
    pub fn new(id: PlayerId) -> Self {
        Self { id, attributes: ByName::default(), latencies: ByName::default(), team: None, role: None }
    }
}

/// A value that rules can speak about.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// A finite number.
    Number(f64),
    /// A text.
    String(SmolStr),
    /// Several texts.
    StringList(Box<[SmolStr]>),
    /// A number by text.
    StringNumberMap(ByName<f64>),
}
