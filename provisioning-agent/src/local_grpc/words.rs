//! Between the wire's words and the agent's.

use std::collections::HashMap;

use proto::{agent::v1 as wire, error::DOMAIN};
use tonic::{Code as Grpc, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    game_api::{Admitted, Code, LiveLand, Outcome, Refused, ServerStatus, Told},
    ids::PlayerId,
    machine::{Allocation, Draining, LandStatus, Notice, Phase, Standing},
};

/// Why a call can't be done, as Muster's services say it.
pub(super) fn status(refused: Refused) -> Status {
    let code = match refused.code {
        Code::InvalidRequest => Grpc::InvalidArgument,
        Code::LandNotFound => Grpc::NotFound,
        Code::LandAlreadyReady => Grpc::FailedPrecondition,
        Code::PayloadTooLarge => Grpc::OutOfRange,
        Code::TokenInvalid | Code::TokenAlreadyRedeemed => Grpc::PermissionDenied,
        Code::Unavailable => Grpc::Unavailable,
    };
    let message = match refused.fields.as_slice() {
        [] => refused.detail,
        [only] => format!("{}: {}", only.field, only.message),
        many => format!("{} fields can't be taken", many.len()),
    };
    let mut details = ErrorDetails::with_error_info(refused.code.name(), DOMAIN, HashMap::new());
    for field in refused.fields {
        details.add_bad_request_violation(field.field, field.message);
    }
    if let Some(wait) = refused.retry_after {
        details.set_retry_info(Some(wait));
    }
    Status::with_error_details(code, message, details)
}

pub(super) fn live_land(land: wire::LiveLand) -> LiveLand {
    LiveLand { land_id: land.land_id, players: land.players }
}

pub(super) fn server_status(status: ServerStatus) -> wire::Status {
    let state = match status.state {
        Phase::Starting => wire::State::Starting,
        Phase::Connecting => wire::State::Connecting,
        Phase::Registered => wire::State::Registered,
        Phase::Draining => wire::State::Draining,
        Phase::Stopping => wire::State::Stopping,
    };
    let health = match status.health {
        Standing::Unknown => wire::Health::Unknown,
        Standing::Well => wire::Health::Well,
        Standing::Suspect => wire::Health::Suspect,
        Standing::Dead => wire::Health::Dead,
    };
    wire::Status {
        server_id: status.server_id.as_str().to_owned(),
        instance_id: status.instance_id.as_str().to_owned(),
        state: state.into(),
        health: health.into(),
        land_types: status.land_types.iter().map(|land_type| land_type.as_str().to_owned()).collect(),
        capacity: status.capacity,
        player_capacity: status.player_capacity,
        lands: status.lands.iter().map(land).collect(),
        draining: status.draining.map(draining),
    }
}

pub(super) fn became(land_id: String, outcome: Outcome) -> wire::LandResponse {
    let outcome = match outcome {
        Outcome::Ready => wire::Outcome::Ready,
        Outcome::Refused => wire::Outcome::Refused,
        Outcome::Failed => wire::Outcome::Failed,
    };
    wire::LandResponse { land_id, outcome: outcome.into() }
}

pub(super) fn players(land_id: String, count: usize) -> wire::PlayersResponse {
    wire::PlayersResponse { land_id, players: u32::try_from(count).unwrap_or(u32::MAX) }
}

pub(super) fn admitted(admitted: Admitted) -> wire::TokenResponse {
    wire::TokenResponse {
        player_id: admitted.player_id,
        assignment_id: admitted.assignment_id,
        match_id: admitted.match_id,
        land_id: admitted.land_id,
        server_id: admitted.server_id,
        expires_at_unix_ms: admitted.expires_at_unix_ms,
    }
}

pub(super) fn notice(told: &Told) -> wire::Notice {
    use wire::notice::Notice as Wire;
    let notice = match told {
        Told::Ping => Wire::Ping(wire::Ping {}),
        Told::Notice(Notice::Allocate(allocation)) => Wire::Allocate(allocate(allocation)),
        Told::Notice(Notice::Release { land_id, reason }) => {
            Wire::Release(wire::ReleaseLand { land_id: land_id.as_str().to_owned(), reason: reason.clone() })
        }
        Told::Notice(Notice::SeatsFreed { land_id, players }) => Wire::SeatsFreed(wire::SeatsFreed {
            land_id: land_id.as_str().to_owned(),
            players: texts(players),
        }),
        Told::Notice(Notice::Drain(drain)) => Wire::Drain(draining(drain.clone())),
        Told::Notice(Notice::Shutdown { reason }) => {
            Wire::Shutdown(wire::Shutdown { reason: reason.clone() })
        }
        Told::Notice(Notice::Replaced) => Wire::Replaced(wire::Replaced {}),
    };
    wire::Notice { notice: Some(notice) }
}

fn allocate(allocation: &Allocation) -> wire::AllocateLand {
    let teams = allocation.teams.iter();
    wire::AllocateLand {
        land_id: allocation.land_id.as_str().to_owned(),
        land_type: allocation.land_type.as_str().to_owned(),
        match_id: allocation.match_id.clone(),
        queue_key: allocation.queue_key.clone(),
        players: texts(&allocation.players),
        teams: teams
            .map(|team| wire::Team { name: team.name.clone(), players: texts(&team.players) })
            .collect(),
        constraints_json: allocation.constraints.as_deref().map_or("", |json| json.get()).to_owned(),
        answer_within_ms: allocation.answer_within_ms,
    }
}

fn land(land: &LandStatus) -> wire::Land {
    let state = if land.state == "ready" { wire::LandState::Ready } else { wire::LandState::Allocating };
    wire::Land {
        land_id: land.land_id.as_str().to_owned(),
        land_type: land.land_type.as_str().to_owned(),
        state: state.into(),
        players: texts(&land.players),
    }
}

fn draining(draining: Draining) -> wire::Draining {
    wire::Draining { reason: draining.reason, deadline_ms: draining.deadline_ms }
}

fn texts(players: &[PlayerId]) -> Vec<String> {
    players.iter().map(|player| player.as_str().to_owned()).collect()
}
