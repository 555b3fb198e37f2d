//! What rules look at in a ticket, taken out of it once.
//!
//! A match is judged very often before it is made, so names are looked up, lists sorted and parties' numbers aggregated here, when the
//! ticket comes. A million of these lie in memory: what the ticket has already is shared with it.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::{Player, Ticket, Time};

/// What rules look at in a ticket. Means something only to the [`Judge`](super::Judge) that made it.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The ticket's place among those of its queue.
    pub order: u64,
    /// When it was enqueued.
    pub enqueued_at: Time,
    pub(super) players: Arc<[Player]>,
    /// NaN: none.
    pub(super) near: f64,
    pub(super) key: Box<[SmolStr]>,
}

/// Why no match can ever take a ticket: a sentence for its owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

impl Facts {
    pub(super) fn new(ticket: &Ticket) -> Result<Self, Unfit> {
        Ok(Self {
            order: ticket.order,
            enqueued_at: ticket.enqueued_at,
            players: Arc::clone(&ticket.players),
            near: f64::NAN,
            key: Box::default(),
        })
    }

    /// How many players the ticket has.
    pub fn size(&self) -> usize {
        self.players.len()
    }

    /// The number by which tickets fit well that are close: [`Plan::near`](super::Plan::near).
    pub fn near(&self) -> Option<f64> {
        (!self.near.is_nan()).then_some(self.near)
    }

    /// Tickets of different keys never meet. As many texts as [`Plan::keys`](super::Plan::keys) says.
    pub fn key(&self) -> &[SmolStr] {
        &self.key
    }

    /// The regions it has a latency for, sorted.
    pub fn regions(&self) -> &[SmolStr] {
        &[]
    }

    /// Of the lists that tickets must share a value of, this one's, sorted: as many as [`Plan::shared`](super::Plan::shared) says.
    pub fn shared(&self, _list: usize) -> &[SmolStr] {
        &[]
    }

    /// Whether it may be in the team of this index into [`Plan::teams`](super::Plan::teams), as far as its players asked for one.
    pub fn may_join(&self, _team: usize) -> bool {
        true
    }
}
