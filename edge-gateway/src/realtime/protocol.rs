//! The messages of `/realtime`, in both directions, and the codes with which a socket is closed.

use std::time::SystemTime;

use proto::{
    error::{Reason, Refusal},
    matchmaking::v1 as pb,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    http::parse,
    identity::{KnownPlayer, Secret},
    problem::{FieldProblem, bad_field, in_seconds},
    wire::{
        read_socket_cancel, read_socket_token, rfc3339,
        ticket::{AssignmentBody, CancelReason, Enqueued},
    },
};

/// What a client wants.
pub(super) enum Action {
    /// A match: the whole message, to be read once it is clear that its sender may enqueue.
    Enqueue(Value),
    /// No match: of this ticket, or of all the socket's tickets.
    Cancel(Option<String>),
    /// To be known as alive.
    Heartbeat,
    /// To be known as the player whom this token proves.
    Authenticate(Secret),
}

impl Action {
    /// Reads a client's message.
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let value = parse(text.as_bytes())?;
        let action = value.get("action").and_then(Value::as_str);
        match action {
            Some("enqueue") => Ok(Self::Enqueue(value)),
            Some("cancel") => Ok(Self::Cancel(read_socket_cancel(&value)?)),
            Some("heartbeat") => Ok(Self::Heartbeat),
            Some("authenticate") => Ok(Self::Authenticate(read_socket_token(&value)?)),
            Some(_) => {
                Err(bad_field("action", "is unknown; known are enqueue, cancel, heartbeat, authenticate"))
            }
            None => Err(bad_field("action", "is missing; send an object like {\"action\":\"heartbeat\"}")),
        }
    }
}

#[derive(Serialize)]
struct Push<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    v: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
}

/// A message to a client, with the name by which it is counted.
pub(super) struct Outgoing {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

impl Outgoing {
    fn push<T: Serialize>(kind: &'static str, data: Option<T>) -> Self {
        let text = serde_json::to_string(&Push { kind, v: 1, data });
        Self { kind, text: text.expect("texts and numbers are always JSON") }
    }

    /// The answer to an enqueue.
    pub(super) fn enqueued(enqueued: &Enqueued) -> Self {
        Self::push("enqueued", Some(enqueued))
    }

    /// The answer to a heartbeat.
    pub(super) fn heartbeat() -> Self {
        Self::push("heartbeat", None::<()>)
    }

    /// The answer to an authentication.
    pub(super) fn authenticated(player: &KnownPlayer) -> Self {
        let until = player.until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let expires_at = rfc3339(u64::try_from(until.as_millis()).unwrap_or(u64::MAX));
        Self::push("authenticated", Some(Authenticated { player_id: player.id.as_str(), expires_at }))
    }

    /// A ticket was cancelled, by somebody or for another reason.
    pub(super) fn cancelled(ticket_id: &str, reason: Option<CancelReason>) -> Self {
        Self::push("ticket.cancelled", Some(OfCancelled { ticket_id, reason }))
    }

    /// A final state of a ticket.
    pub(super) fn final_state(ticket: pb::Ticket) -> Self {
        let (ticket_id, reason) = (ticket.ticket_id.as_str(), CancelReason::of(&ticket));
        match (ticket.status(), ticket.assignment) {
            (pb::TicketStatus::Assigned, Some(assignment)) => {
                Self::push("match.assigned", Some(Assigned { ticket_id, assignment: assignment.into() }))
            }
            (pb::TicketStatus::Cancelled, _) => Self::cancelled(ticket_id, reason),
            (pb::TicketStatus::Expired, _) => Self::push("ticket.expired", Some(OfTicket { ticket_id })),
            (status, _) => {
                tracing::error!(?status, "a ticket's final state lacks what belongs to it");
                Self::error(&Refusal::internal().with("ticketId", ticket_id))
            }
        }
    }

    /// Where a ticket stands in its queue.
    pub(super) fn queue_update(ticket_id: &str, place: pb::QueuePlace) -> Self {
        Self::push(
            "queue.update",
            Some(QueueUpdate {
                ticket_id,
                position: place.position,
                estimated_wait_ms: place.estimated_wait_ms,
                estimated_wait_low_ms: place.estimated_wait_low_ms,
                estimated_wait_high_ms: place.estimated_wait_high_ms,
            }),
        )
    }

    /// Why an action can't be done, or a message not be understood.
    pub(super) fn error(refusal: &Refusal) -> Self {
        let error = ErrorMessage {
            kind: "error",
            message: &refusal.message,
            code: refusal.reason.name(),
            errors: refusal.fields.iter().take(32).map(FieldProblem::from).collect(),
            ticket_id: refusal.metadata.get("ticketId"),
            player_id: refusal.metadata.get("playerId"),
            retry_after: refusal.retry_after.map(in_seconds),
        };
        Self { kind: "error", text: serde_json::to_string(&error).expect("texts are always JSON") }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Authenticated<'a> {
    player_id: &'a str,
    expires_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfTicket<'a> {
    ticket_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfCancelled<'a> {
    ticket_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<CancelReason>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Assigned<'a> {
    ticket_id: &'a str,
    assignment: AssignmentBody,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueUpdate<'a> {
    ticket_id: &'a str,
    position: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_low_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_high_ms: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorMessage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket_id: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    player_id: Option<&'a String>,
    /// As the header of that name has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// Why a socket is closed. The reason is for people, at most 123 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    GoingAway,
    ProtocolError,
    NotUtf8,
    TooLarge,
    TooSlow,
    TryAgain,
    Replaced,
    BadSubscription,
    NotAuthenticated,
    NoSuchTicket,
}

impl Close {
    /// The code on the wire.
    pub(super) const fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::ProtocolError => 1002,
            Self::NotUtf8 => 1007,
            Self::TooLarge => 1009,
            Self::TooSlow | Self::TryAgain => 1013,
            Self::Replaced => 4000,
            Self::BadSubscription => 4400,
            Self::NotAuthenticated => 4401,
            Self::NoSuchTicket => 4404,
        }
    }

    /// What to do about it.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::GoingAway => "this gateway is going away; connect again with your ticketId",
            Self::ProtocolError => "this is not the WebSocket protocol",
            Self::NotUtf8 => "text must be UTF-8",
            Self::TooLarge => "messages may be 16 KiB at most",
            Self::TooSlow => {
                "messages were not read in time; connect again with your ticketId, nothing is lost"
            }
            Self::BadSubscription => "ticketId must be given once, as the id that the enqueue answered",
            Self::TryAgain => "this can't be done at the moment; connect again shortly",
            Self::Replaced => "a newer session of the same player has taken this one's place",
            Self::NotAuthenticated => {
                "not authenticated, or no longer: connect again with a good identity token"
            }
            Self::NoSuchTicket => "there is no such ticket; enqueue again",
        }
    }

    /// The close that a refused subscription deserves.
    pub(super) fn of_refused_subscription(reason: Reason) -> Option<Self> {
        match reason {
            Reason::InvalidRequest => Some(Self::BadSubscription),
            Reason::TicketNotFound => Some(Self::NoSuchTicket),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_understood_is_explained() {
        for (text, part) in [
            ("hello", "this is not JSON"),
            ("", "nothing here"),
            ("[]", "action: is missing"),
            ("{\"action\":7}", "action: is missing"),
            ("{\"action\":\"dance\"}", "enqueue, cancel, heartbeat, authenticate"),
            ("{\"action\":\"authenticate\"}", "token: is missing"),
            ("{\"action\":\"cancel\",\"ticketId\":1}", "ticketId: must be a text"),
        ] {
            let refusal = Action::read(text).err().unwrap();
            assert!(refusal.message.contains(part), "{text}: {}", refusal.message);
        }
    }

    #[test]
    fn reasons_fit_into_a_close_frame() {
        for close in [
            Close::GoingAway,
            Close::ProtocolError,
            Close::NotUtf8,
            Close::TooLarge,
            Close::TooSlow,
            Close::TryAgain,
            Close::Replaced,
            Close::NotAuthenticated,
            Close::BadSubscription,
            Close::NoSuchTicket,
        ] {
            assert!(close.reason().len() <= 123, "{close:?}");
        }
    }
}
