//! Tickets as they are kept, and what they become.

use std::{sync::Arc, time::Duration};

use matching::{GroupId, Player, QueueKey, Team, Ticket, TicketId, Time};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{AssignmentId, LandId, MatchId, ServerId};

/// A ticket to be enqueued. Whoever makes one has checked it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTicket {
    /// Makes the enqueue repeatable.
    pub id: TicketId,
    /// Where it waits.
    pub queue: QueueKey,
    /// Whose it is.
    pub group: GroupId,
    /// At least one, each once.
    pub players: Arc<[Player]>,
    /// Where its players want to play.
    pub region: Option<SmolStr>,
    /// A JSON object for the allocation, unread.
    pub constraints: Option<Arc<str>>,
    /// How long it may wait.
    pub lifetime: Duration,
    /// How many tickets the queue may hold with it.
    pub queue_limit: usize,
    /// How many queues there may be with its own, where that is new. A queue is there while it has tickets or an owner.
    pub queues_limit: usize,
}

/// What is known of a ticket from its enqueue on, and doesn't change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketRecord {
    /// What the engine sees of it.
    pub ticket: Ticket,
    /// Where it waits, or waited.
    pub queue: QueueKey,
    /// Where its players want to play.
    pub region: Option<SmolStr>,
    /// A JSON object for the allocation, unread.
    pub constraints: Option<Arc<str>>,
}

impl TicketRecord {
    /// Whether `new` asks for the same thing: the same request, sent again.
    pub fn same_content(&self, new: &NewTicket) -> bool {
        self.queue == new.queue
            && self.ticket.group == new.group
            && self.ticket.players == new.players
            && self.region == new.region
            && self.constraints == new.constraints
    }
}

/// A ticket and what became of it so far.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketState {
    /// What doesn't change.
    pub record: Arc<TicketRecord>,
    /// What does.
    pub status: Status,
}

/// Where a ticket is in its life. All but `Queued` are final.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Status {
    /// It waits.
    Queued,
    /// Its players can play.
    Assigned(Arc<Assignment>),
    /// It was taken out.
    Cancelled,
    /// It outlived its lifetime.
    Expired,
    /// It was taken out because its players were gone.
    Absent,
}

impl Status {
    /// Whether nothing can change it any more.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Queued)
    }
}

/// What one ticket got. Holds no token: those are signed when they are delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Which assignment.
    pub id: AssignmentId,
    /// The match that the ticket is part of.
    pub match_id: MatchId,
    /// Where it is played.
    pub server: ServerId,
    /// Where on that server.
    pub land: LandId,
    /// Where players connect.
    pub connect_url: String,
    /// When its tokens expire, by the wall clock: for who reads the assignment, not for storage.
    pub expires_at: Time,
    /// Who plays with whom; empty where the queue has no teams.
    pub teams: Arc<[Team]>,
}

/// A match that has its land, to be committed.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMatch {
    /// The tickets, each with the assignment that it is to get.
    pub assignments: Vec<(TicketId, Arc<Assignment>)>,
    /// How long the assignments can be used from now on, and so for how long their tickets stay readable.
    pub lasting: Duration,
}

/// What an enqueue came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Enqueued {
    /// The ticket is new.
    New(TicketState),
    /// The request was sent before; this is the ticket that it made.
    Known(TicketState),
}

impl Enqueued {
    /// The ticket, whichever.
    pub fn state(&self) -> &TicketState {
        let (Self::New(state) | Self::Known(state)) = self;
        state
    }
}

/// What a cancel came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancelled {
    /// The ticket is cancelled, by this call or an earlier one.
    Yes,
    /// It ended otherwise before.
    No(Status),
}
