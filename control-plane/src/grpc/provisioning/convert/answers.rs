//! What servers are told, and what is told about them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use proto::{
    error::{Reason, Refusal},
    provisioning::v1::{self as pb, connect_response::Message as Down},
};

use crate::{
    grpc::refusals,
    peers::HoldRefused,
    registry::{Command, HelloRefused, LandState, ServerState, ServerView},
};

pub(in crate::grpc::provisioning) fn command(command: Command) -> Down {
    match command {
        Command::Allocate { id, land, order } => Down::AllocateLand(pb::AllocateLand {
            command_id: id,
            land_id: land.to_string(),
            land_type: order.land_type.to_string(),
            match_id: order.match_id.to_string(),
            queue_key: order.queue.to_string(),
            player_ids: order.players.iter().map(ToString::to_string).collect(),
            teams: order
                .teams
                .iter()
                .map(|team| pb::RosterTeam {
                    name: team.name.clone(),
                    player_ids: team.players.iter().map(ToString::to_string).collect(),
                })
                .collect(),
            constraints_json: order.constraints.clone(),
            answer_within_ms: u32::try_from(order.answer_within.as_millis()).unwrap_or(u32::MAX),
        }),
        Command::Release { land, reason } => {
            Down::ReleaseLand(pb::ReleaseLand { land_id: land.to_string(), reason })
        }
        Command::Drain { reason, deadline } => {
            Down::Drain(pb::Drain { reason, deadline_ms: deadline.map_or(0, millis) })
        }
        Command::SeatsFreed { land, players } => Down::SeatsFreed(pb::SeatsFreed {
            land_id: land.to_string(),
            player_ids: players.iter().map(ToString::to_string).collect(),
        }),
        Command::Superseded { by } => Down::Superseded(pb::Superseded { by_instance_id: by }),
    }
}

pub(in crate::grpc::provisioning) fn server(view: ServerView) -> pb::Server {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let state = match view.state {
        ServerState::Ready => pb::ServerState::Ready,
        ServerState::Unhealthy => pb::ServerState::Unhealthy,
        ServerState::Draining => pb::ServerState::Draining,
        ServerState::Lost => pb::ServerState::Lost,
    };
    let registration = Arc::unwrap_or_clone(view.registration);
    let lands: Vec<_> = view
        .lands
        .into_iter()
        .map(|land| pb::ServerLand {
            land_id: land.id.to_string(),
            state: match land.state {
                LandState::Reserved => pb::LandState::Reserved.into(),
                LandState::Ready => pb::LandState::Ready.into(),
            },
            player_ids: land.players.iter().map(ToString::to_string).collect(),
        })
        .collect();
    pb::Server {
        server_id: registration.server.to_string(),
        instance_id: registration.instance.unwrap_or_default(),
        state: state.into(),
        connect_base: registration.connect_base,
        land_types: registration.land_types.iter().map(ToString::to_string).collect(),
        region: registration.region.map(|region| region.to_string()).unwrap_or_default(),
        capacity: count(registration.capacity),
        lands_used: count(lands.len()),
        players: count(lands.iter().map(|land| land.player_ids.len()).sum()),
        labels: registration.labels.into_iter().collect::<HashMap<_, _>>(),
        version: registration.version,
        registered_at_unix_ms: view.registered_at.0,
        last_heartbeat_unix_ms: view.last_heard.0,
        lands,
        player_capacity: registration.player_capacity.map_or(0, count),
        seats_reserved: count(view.seats_reserved),
        drain_deadline_unix_ms: view.drain_deadline.map_or(0, |at| at.0),
        avoided_until_unix_ms: view.avoided_until.map_or(0, |at| at.0),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

pub(in crate::grpc::provisioning) fn not_held(refused: HoldRefused) -> Refusal {
    match refused {
        HoldRefused::Superseded(refused) => superseded(refused),
        HoldRefused::Busy => Refusal::new(
            Reason::Unavailable,
            "another replica has this server id at the moment; try again shortly",
        )
        .retry_after(Duration::from_secs(1)),
        HoldRefused::Storage(error) => refusals::storage(&error),
    }
}

pub(in crate::grpc::provisioning) fn superseded(refused: HelloRefused) -> Refusal {
    let HelloRefused::Superseded { by } = refused;
    let message = "a newer instance holds this server id; stop this one, or give it another server id";
    Refusal::new(Reason::ServerSuperseded, message).with("byInstanceId", by)
}
