//! The engine of one queue.

use crate::{PlayerId, Rules, Ticket, TicketId, Time};

/// The tickets of one queue, and what its rules make of them.
#[derive(Debug)]
pub struct Engine {
    rules: Rules,
}

/// Tickets that may play together, under the rules at the time of asking.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Oldest first. They have left the engine.
    pub tickets: Vec<Ticket>,
    /// Who plays with whom; empty where the rules have no teams.
    pub teams: Vec<Team>,
}

/// One team of a match.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Team {
    /// `team-1`, `team-2`, … where rules name none.
    pub name: String,
    /// Its players, ticket by ticket.
    pub players: Vec<PlayerId>,
}

impl Engine {
    /// An empty queue under these rules.
    pub fn new(rules: Rules) -> Self {
        Self { rules }
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Adds a ticket, or puts one back with the age and order that it had. A ticket that is there already, or that has more
    /// players than [`Rules::max_party`], is left as it is and `false` returned.
    pub fn insert(&mut self, _ticket: Ticket) -> bool {
        todo!()
    }

    /// Takes a ticket out. `None` where it isn't there, for example because it is in a proposal.
    pub fn remove(&mut self, _id: &TicketId) -> Option<Ticket> {
        todo!()
    }

    /// The matches that can be made now, oldest ticket first, at most `limit` of them. Their tickets leave the engine.
    pub fn next_matches(&mut self, _now: Time, _limit: usize) -> Vec<Proposal> {
        todo!()
    }

    /// Takes out the tickets whose lifetime is over, at most `limit` of them, earliest first.
    pub fn take_expired(&mut self, _now: Time, _limit: usize) -> Vec<Ticket> {
        todo!()
    }

    /// When something may change by time alone: the next expiry, or the next time at which the rules let a ticket do what they
    /// did not let it do in the last pass. `None`: only an insert changes anything.
    pub fn next_deadline(&self) -> Option<Time> {
        todo!()
    }

    /// How many tickets wait here.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether none waits here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tickets, oldest first.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        std::iter::empty()
    }
}
