//! What a ticket's watcher is told: its state, with tokens that are signed for this very delivery.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use proto::{error::Refusal, matchmaking::v1 as pb};
use runtime::Clock;
use storage::{Assignment, Place, Status, TicketState};
use tokens::{Admission, Claims, SigningPool};

/// Turns what storage holds into what players get.
#[derive(Debug)]
pub(crate) struct Delivery {
    signing: SigningPool,
    issuer: String,
    clock: Clock,
}

impl Delivery {
    pub(crate) fn new(signing: SigningPool, issuer: String, clock: Clock) -> Self {
        Self { signing, issuer, clock }
    }

    /// The ticket as its watchers see it: with its place while it waits, where that is known, and with tokens once it is
    /// assigned.
    pub(crate) async fn ticket(
        &self,
        state: &TicketState,
        place: Option<Place>,
    ) -> Result<pb::Ticket, Refusal> {
        let record = &state.record;
        let assignment = match &state.status {
            Status::Assigned(assignment) => Some(self.assignment(state, assignment).await?),
            _ => None,
        };
        Ok(pb::Ticket {
            ticket_id: record.ticket.id.to_string(),
            queue_key: record.queue.to_string(),
            group_id: record.ticket.group.to_string(),
            player_ids: record.ticket.players.iter().map(|player| player.id.to_string()).collect(),
            status: status(&state.status).into(),
            cancel_reason: cancel_reason(&state.status).into(),
            enqueued_at_unix_ms: record.ticket.enqueued_at.0,
            expires_at_unix_ms: record.ticket.expires_at.0,
            assignment,
            place: place.map(queue_place),
        })
    }

    async fn assignment(
        &self,
        state: &TicketState,
        assignment: &Assignment,
    ) -> Result<pb::Assignment, Refusal> {
        let players = &state.record.ticket.players;
        let now = self.clock.wall();
        let claims = players.iter().map(|player| self.claims(assignment, player.id.as_str(), now)).collect();
        let tokens = self.signing.sign_all(claims).await.map_err(|error| {
            tracing::error!(%error, "tokens can't be signed");
            Refusal::internal()
        })?;
        metrics::counter!("control_plane_tokens_signed_total").increment(tokens.len() as u64);
        let match_token = tokens.first().map(|token| token.expose().to_owned()).unwrap_or_default();
        let names = players.iter().map(|player| player.id.to_string());
        let player_tokens: HashMap<_, _> =
            names.zip(tokens.into_iter().map(tokens::SignedToken::into_string)).collect();
        Ok(pb::Assignment {
            assignment_id: assignment.id.to_string(),
            match_id: assignment.match_id.to_string(),
            land_id: assignment.land.to_string(),
            server_id: assignment.server.to_string(),
            connect_url: assignment.connect_url.clone(),
            expires_at_unix_ms: assignment.expires_at.0,
            match_token,
            player_tokens,
            teams: assignment
                .teams
                .iter()
                .map(|team| pb::Team {
                    name: team.name.clone(),
                    player_ids: team.players.iter().map(ToString::to_string).collect(),
                })
                .collect(),
        })
    }

    fn claims(&self, assignment: &Assignment, player: &str, now: SystemTime) -> Claims {
        let admission = Admission {
            player_id: player,
            assignment_id: assignment.id.as_str(),
            match_id: assignment.match_id.as_str(),
            land_id: assignment.land.as_str(),
            server_id: assignment.server.as_str(),
        };
        // Whenever it is delivered, a token ends with its assignment; where the wall clock was set back since the match, it
        // lives no longer than a token may.
        let ends = std::time::UNIX_EPOCH + Duration::from_millis(assignment.expires_at.0);
        let left = ends.duration_since(now).unwrap_or_default();
        Claims::admit(&self.issuer, admission, now, left.min(self.signing.ring().token_lifetime()))
    }
}

/// The contract's words for a place.
pub(crate) fn queue_place(place: Place) -> pb::QueuePlace {
    let ms = |wait: Duration| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
    pb::QueuePlace {
        position: place.position,
        estimated_wait_ms: place.estimated_wait.map(ms),
        estimated_wait_low_ms: place.estimated_range.map(|(low, _)| ms(low)),
        estimated_wait_high_ms: place.estimated_range.map(|(_, high)| ms(high)),
    }
}

/// The contract's name of a status.
pub(crate) fn status(status: &Status) -> pb::TicketStatus {
    match status {
        Status::Queued => pb::TicketStatus::Queued,
        Status::Assigned(_) => pb::TicketStatus::Assigned,
        Status::Cancelled | Status::Absent => pb::TicketStatus::Cancelled,
        Status::Expired => pb::TicketStatus::Expired,
    }
}

/// The contract's name of why a ticket was cancelled.
fn cancel_reason(status: &Status) -> pb::CancelReason {
    match status {
        Status::Absent => pb::CancelReason::Absent,
        _ => pb::CancelReason::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use matching::{GroupId, Player, PlayerId, QueueKey, Ticket, TicketId, Time};
    use storage::{AssignmentId, LandId, MatchId, ServerId, TicketRecord};
    use tokens::{KeyRing, KeyRingSettings};

    use super::*;

    const LIFETIME: Duration = Duration::from_secs(300);

    /// A ticket that was assigned when the wall clock was this far ahead.
    fn assigned(ahead: Duration) -> TicketState {
        let now = Time(Clock::start().wall_ms());
        let ticket = Ticket {
            id: TicketId::new("t"),
            group: GroupId::new("g"),
            players: Arc::from([Player::new(PlayerId::new("p"))]),
            order: 1,
            enqueued_at: now,
            expires_at: now,
        };
        let assignment = Assignment {
            id: AssignmentId::new("a"),
            match_id: MatchId::new("m"),
            server: ServerId::new("s-1"),
            land: LandId::new("demo:1"),
            connect_url: "ws://s-1/game/demo?landId=demo:1".to_owned(),
            expires_at: now + ahead + LIFETIME,
            teams: Arc::from([]),
        };
        let record = TicketRecord { ticket, queue: QueueKey::new("demo"), region: None, constraints: None };
        TicketState { record: Arc::new(record), status: Status::Assigned(Arc::new(assignment)) }
    }

    #[tokio::test]
    async fn tokens_are_signed_though_the_wall_clock_was_set_back() {
        let dir = tempfile::tempdir().unwrap();
        let settings = KeyRingSettings {
            algorithm: tokens::Algorithm::Rs256,
            token_lifetime: LIFETIME,
            identity_lifetime: LIFETIME,
            publish_ahead: Duration::ZERO,
            bits: tokens::DEFAULT_BITS,
        };
        let ring = Arc::new(KeyRing::open(dir.path(), settings, SystemTime::now()).unwrap());
        let delivery = Delivery::new(SigningPool::new(ring), "muster".to_owned(), Clock::start());
        for ahead in [Duration::ZERO, Duration::from_secs(3600)] {
            let ticket = delivery.ticket(&assigned(ahead), None).await.unwrap();
            assert!(!ticket.assignment.unwrap().match_token.is_empty());
        }
    }
}
