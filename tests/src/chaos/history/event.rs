//! The kinds of events.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::names::{AssignmentId, LandId, MatchId, Op, PlayerId, QueueKey, ServerId, TicketId, Watcher};

/// Something that was done or seen.
#[expect(missing_docs, reason = "the sentence at each kind says what its fields are")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A round begins; its faults and its load follow from the seed.
    Round { number: u32, seed: u64 },
    /// Faults have stopped, all is mended, nobody enqueues any more.
    Rest,
    /// The round is over: whoever had to be told has had the time for it.
    Over,

    /// A group asks for a ticket. One that got no answer is asked for again, with the same group, as another operation.
    Enqueue { op: Op, queue: QueueKey, group: String, players: Vec<PlayerId>, by: String },
    /// It has one.
    Enqueued { op: Op, ticket: TicketId },
    /// Somebody asks that a ticket be taken out of its queue. `at_rest`: because nobody can be matched with it.
    Cancel { op: Op, ticket: TicketId, at_rest: bool, by: String },
    /// Whether it was; where not, what it is instead.
    Cancelled { op: Op, cancelled: bool, status: Option<String> },
    /// The operation was refused, and did nothing.
    Refused { op: Op, code: String },
    /// Nobody can tell whether the operation was done.
    Unknown { op: Op, why: String },

    /// A client begins to wait for news of a ticket.
    Watch { watcher: Watcher, ticket: TicketId, by: String },
    /// It has got the ticket's final state, or that there is no such ticket.
    Told { watcher: Watcher, ticket: TicketId, seen: Seen },
    /// A ticket was read; it was asked for at `since`, in nanoseconds since the history's start.
    Read { ticket: TicketId, since: u64, seen: Seen },

    /// A game server runs, without any land.
    ServerUp { server: ServerId, capacity: usize },
    /// It has ended, and all its lands with it.
    ServerDown { server: ServerId },
    /// A game server has made a land, for these players.
    LandOpened { server: ServerId, land: LandId, players: Vec<PlayerId> },
    /// A land of a game server is over.
    LandOver { server: ServerId, land: LandId },
    /// A player on a land saw who else is there.
    Present { land: LandId, player: PlayerId, players: Vec<PlayerId> },
    /// A player came to a game server in time, and was not let in.
    TurnedAway { land: LandId, player: PlayerId, code: u16, reason: String },

    /// Something was done to a program or a connection.
    Fault { what: String },
    /// Faults were over, and something did not become well again.
    NotMended { what: String },
    /// A program ended though nobody ended it. `crash`: in a way in which no program of ours ends.
    Ended { program: String, how: String, crash: bool },
}

/// A ticket, as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Seen {
    /// There is no such ticket.
    Missing,
    /// It waits.
    Queued,
    /// It has its assignment.
    Assigned(Assignment),
    /// It was taken out.
    Cancelled,
    /// It waited too long.
    Expired,
}

/// Where a ticket's players play, and with whom.
#[expect(missing_docs, reason = "they are the names that the contract gives")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub assignment: AssignmentId,
    #[serde(rename = "match")]
    pub match_id: MatchId,
    pub land: LandId,
    pub server: ServerId,
    /// Empty where the queue has no teams.
    pub teams: Vec<Vec<PlayerId>>,
    /// The land that each player's own token is for.
    pub tokens: BTreeMap<PlayerId, LandId>,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Round { number, seed } => write!(f, "round {number} begins, seed {seed}"),
            Self::Rest => write!(f, "rest: faults stop, all is mended, nobody enqueues any more"),
            Self::Over => write!(f, "the round is over"),
            Self::Enqueue { op, queue, group, players, by } => {
                write!(f, "op {} {by}: enqueue {group} [{}] into {queue}", op.0, list(players))
            }
            Self::Enqueued { op, ticket } => write!(f, "op {}: enqueued as ticket {ticket}", op.0),
            Self::Cancel { op, ticket, at_rest, by } => {
                let why = if *at_rest { " because nobody can be matched with it" } else { "" };
                write!(f, "op {} {by}: cancel ticket {ticket}{why}", op.0)
            }
            Self::Cancelled { op, cancelled: true, .. } => write!(f, "op {}: cancelled", op.0),
            Self::Cancelled { op, status, .. } => {
                write!(
                    f,
                    "op {}: not cancelled, it is {}",
                    op.0,
                    status.as_deref().unwrap_or("something else")
                )
            }
            Self::Refused { op, code } => write!(f, "op {}: refused, {code}", op.0),
            Self::Unknown { op, why } => write!(f, "op {}: may have been done or not, {why}", op.0),
            Self::Watch { watcher, ticket, by } => {
                write!(f, "watcher {} waits for ticket {ticket} {by}", watcher.0)
            }
            Self::Told { watcher, ticket, seen } => {
                write!(f, "watcher {} is told: ticket {ticket} is {seen}", watcher.0)
            }
            Self::Read { ticket, seen, .. } => write!(f, "read: ticket {ticket} is {seen}"),
            Self::ServerUp { server, capacity } => {
                write!(f, "{server} is up, with room for {capacity} lands")
            }
            Self::ServerDown { server } => write!(f, "{server} is down, and its lands are over"),
            Self::LandOpened { server, land, players } => {
                write!(f, "{server} made {land} for [{}]", list(players))
            }
            Self::LandOver { server, land } => write!(f, "{server} ended {land}"),
            Self::Present { land, player, players } => {
                write!(f, "{player} plays on {land} and sees [{}]", list(players))
            }
            Self::TurnedAway { land, player, code, reason } => {
                write!(f, "{player} was not let into {land}: {code} {reason}")
            }
            Self::Fault { what } => write!(f, "FAULT {what}"),
            Self::NotMended { what } => write!(f, "NOT MENDED {what}"),
            Self::Ended { program, how, crash } => {
                write!(f, "{program} {} by itself: {how}", if *crash { "CRASHED" } else { "ended" })
            }
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("not there"),
            Self::Queued => f.write_str("queued"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Expired => f.write_str("expired"),
            Self::Assigned(to) => {
                let Assignment { assignment, match_id, land, server, teams, tokens } = to;
                write!(f, "assigned ({assignment}) to match {match_id} on {land} of {server}")?;
                for team in teams {
                    write!(f, ", team [{}]", list(team))?;
                }
                for (player, other) in tokens.iter().filter(|(_, other)| *other != land) {
                    write!(f, ", but the token of {player} is for {other}")?;
                }
                Ok(())
            }
        }
    }
}

fn list(players: &[PlayerId]) -> String {
    players.iter().map(PlayerId::as_str).collect::<Vec<_>>().join(" ")
}
