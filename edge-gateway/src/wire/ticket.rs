//! A ticket and its assignment, as clients read them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proto::matchmaking::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use super::explanation::ExplanationBody;

/// Where a ticket is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TicketStatus {
    /// Waits for its match.
    Queued,
    /// Has a match that waits for its players to accept it.
    Matched,
    /// Has its assignment. Final.
    Assigned,
    /// Was taken out. Final.
    Cancelled,
    /// Outlived its queue's ticket lifetime. Final.
    Expired,
}

impl TicketStatus {
    /// Whether it stays for ever.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Assigned | Self::Cancelled | Self::Expired)
    }
}

impl From<pb::TicketStatus> for TicketStatus {
    fn from(status: pb::TicketStatus) -> Self {
        match status {
            // A control plane that doesn't say has at least not said that it is over.
            pb::TicketStatus::Unspecified | pb::TicketStatus::Queued => Self::Queued,
            pb::TicketStatus::Matched => Self::Matched,
            pb::TicketStatus::Assigned => Self::Assigned,
            pb::TicketStatus::Cancelled => Self::Cancelled,
            pb::TicketStatus::Expired => Self::Expired,
        }
    }
}

/// Why a ticket was cancelled that nobody cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CancelReason {
    /// Its players had been gone for longer than its queue waits for them.
    Absent,
}

impl CancelReason {
    /// `None`: somebody cancelled it.
    pub(crate) fn of(ticket: &pb::Ticket) -> Option<Self> {
        match ticket.cancel_reason() {
            pb::CancelReason::Absent => Some(Self::Absent),
            pb::CancelReason::Unspecified => None,
        }
    }
}

/// The answer to an enqueue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Enqueued {
    /// Names the ticket from now on.
    #[schema(example = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55")]
    pub(crate) ticket_id: String,
    /// `queued`.
    pub(crate) status: TicketStatus,
}

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ticket)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TicketBody {
    #[schema(example = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55")]
    pub(crate) ticket_id: String,
    pub(crate) status: TicketStatus,
    /// With the status `cancelled`: why, where nobody cancelled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<CancelReason>,
    #[schema(example = "hero-defense:3v3")]
    pub(crate) queue_key: String,
    #[schema(example = "party-7")]
    pub(crate) group_id: String,
    /// The players' ids, in the order of the enqueue.
    pub(crate) members: Vec<String>,
    /// When it was enqueued (RFC 3339, UTC).
    #[schema(example = "2025-07-18T09:30:00.000Z", format = DateTime)]
    pub(crate) enqueued_at: String,
    /// When it expires, where it is still queued then.
    #[schema(example = "2025-07-18T09:40:00.000Z", format = DateTime)]
    pub(crate) expires_at: String,
    /// With the status `assigned`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) assignment: Option<AssignmentBody>,
    /// Its place in the queue, 1 is the oldest; while it is queued and its place is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<u32>,
    /// How long the tickets of the queue's recent matches waited, the middle of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) estimated_wait_ms: Option<u32>,
    /// Half of them waited from this long…
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) estimated_wait_low_ms: Option<u32>,
    /// …to this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) estimated_wait_high_ms: Option<u32>,
    /// Why it waits, where that was asked for; while it is queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) explanation: Option<ExplanationBody>,
}

/// Everything that a ticket's players need to play.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Assignment)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssignmentBody {
    pub(crate) assignment_id: String,
    /// The first member's token: a JWT for the game server.
    pub(crate) match_token: String,
    /// Where to connect.
    #[schema(
        example = "ws://play.example:7001/game/hero-defense?landId=hero-defense:0f9d1b8e-0a55-4d4c-8f5d-5f1f3c9b2a10"
    )]
    pub(crate) connect_url: String,
    #[schema(example = "hero-defense:0f9d1b8e-0a55-4d4c-8f5d-5f1f3c9b2a10")]
    pub(crate) land_id: String,
    pub(crate) server_id: String,
    /// When the tokens expire (RFC 3339, UTC).
    #[schema(example = "2025-07-18T09:35:00.000Z", format = DateTime)]
    pub(crate) expires_at: String,
    pub(crate) match_id: String,
    /// Who plays with whom, where the queue has teams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) teams: Vec<TeamBody>,
    /// Every member's own token.
    pub(crate) player_tokens: BTreeMap<String, String>,
}

/// One team of a match.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Team)]
pub(crate) struct TeamBody {
    #[schema(example = "red")]
    pub(crate) name: String,
    /// The players' ids.
    pub(crate) players: Vec<String>,
}

impl From<pb::Ticket> for TicketBody {
    fn from(ticket: pb::Ticket) -> Self {
        Self {
            status: ticket.status().into(),
            reason: CancelReason::of(&ticket),
            ticket_id: ticket.ticket_id,
            queue_key: ticket.queue_key,
            group_id: ticket.group_id,
            members: ticket.player_ids,
            enqueued_at: rfc3339(ticket.enqueued_at_unix_ms),
            expires_at: rfc3339(ticket.expires_at_unix_ms),
            assignment: ticket.assignment.map(AssignmentBody::from),
            position: ticket.place.map(|place| place.position),
            estimated_wait_ms: ticket.place.and_then(|place| place.estimated_wait_ms),
            estimated_wait_low_ms: ticket.place.and_then(|place| place.estimated_wait_low_ms),
            estimated_wait_high_ms: ticket.place.and_then(|place| place.estimated_wait_high_ms),
            explanation: None,
        }
    }
}

impl From<pb::Assignment> for AssignmentBody {
    fn from(assignment: pb::Assignment) -> Self {
        Self {
            assignment_id: assignment.assignment_id,
            match_token: assignment.match_token,
            connect_url: assignment.connect_url,
            land_id: assignment.land_id,
            server_id: assignment.server_id,
            expires_at: rfc3339(assignment.expires_at_unix_ms),
            match_id: assignment.match_id,
            teams: assignment
                .teams
                .into_iter()
                .map(|team| TeamBody { name: team.name, players: team.player_ids })
                .collect(),
            player_tokens: assignment.player_tokens.into_iter().collect(),
        }
    }
}

/// `2025-07-18T09:30:00.000Z`.
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    let time = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", time.unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_and_are_utc() {
        assert_eq!(rfc3339(1_752_831_000_007), "2025-07-18T09:30:00.007Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert!(rfc3339(u64::MAX).starts_with("9999-"));
    }
}
