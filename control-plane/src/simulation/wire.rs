//! Between the agent's words and the wire's, as the agent's own stream translates them.

use proto::{
    error::{Reason, Refusal},
    provisioning::v1::{
        self as pb, connect_request::Message as Sent, connect_response::Message as Received,
        land_answer::Outcome,
    },
};
use provisioning_agent::{
    ids::{CommandId, LandId, LandType, PlayerId},
    machine::{Allocation, Down, LandReport, Loss, Up},
};
use tonic::Status;

/// What an agent says of its server in every hello.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub(super) server: String,
    pub(super) instance: String,
    pub(super) region: &'static str,
}

pub(super) fn request(card: &Card, message: Up) -> pb::ConnectRequest {
    let message = match message {
        Up::Hello { lands, draining, capacity } => Sent::Hello(pb::Hello {
            server_id: card.server.clone(),
            instance_id: card.instance.clone(),
            host: card.server.clone(),
            port: 7_000,
            land_types: vec!["demo".to_owned()],
            region: card.region.to_owned(),
            capacity: capacity.lands,
            player_capacity: capacity.players,
            lands: reports(lands),
            draining,
            ..pb::Hello::default()
        }),
        Up::Heartbeat { sequence, healthy, lands, draining, capacity } => Sent::Heartbeat(pb::Heartbeat {
            sequence,
            health: if healthy { pb::Health::Healthy } else { pb::Health::Unhealthy }.into(),
            lands: reports(lands),
            draining,
            capacity: capacity.map(|capacity| capacity.lands),
            player_capacity: capacity.map(|capacity| capacity.players),
        }),
        Up::LandReady { command_id } => answer(&command_id, Outcome::Ready(pb::LandReady {})),
        Up::LandRefused { command_id, reason } => {
            answer(&command_id, Outcome::Refused(pb::LandRefused { reason }))
        }
        Up::Goodbye { reason } => Sent::Goodbye(pb::Goodbye { reason: reason.to_owned() }),
    };
    pb::ConnectRequest { message: Some(message) }
}

fn answer(command: &CommandId, outcome: Outcome) -> Sent {
    Sent::LandAnswer(pb::LandAnswer { command_id: command.as_str().to_owned(), outcome: Some(outcome) })
}

fn reports(lands: Vec<LandReport>) -> Vec<pb::Land> {
    let land = |report: LandReport| pb::Land {
        land_id: report.land_id.as_str().to_owned(),
        player_ids: report.players.iter().map(|player| player.as_str().to_owned()).collect(),
        awaited_player_ids: report.awaited.iter().map(|player| player.as_str().to_owned()).collect(),
    };
    lands.into_iter().map(land).collect()
}

pub(super) fn response(message: pb::ConnectResponse) -> Down {
    let land = |id: &str| LandId::parse(id).expect("the control plane sends good ids");
    match message.message.expect("the control plane knows what it sends") {
        Received::Welcome(welcome) => {
            Down::Welcome { heartbeat_interval_ms: welcome.heartbeat_interval_ms.into() }
        }
        Received::AllocateLand(command) => Down::Allocate(Allocation {
            command_id: CommandId::parse(&command.command_id).expect("as above"),
            land_id: land(&command.land_id),
            land_type: LandType::parse(&command.land_type).expect("as above"),
            match_id: command.match_id,
            queue_key: command.queue_key,
            players: players(&command.player_ids),
            teams: Vec::new(),
            constraints: None,
            answer_within_ms: command.answer_within_ms.into(),
        }),
        Received::ReleaseLand(command) => {
            Down::Release { land_id: land(&command.land_id), reason: command.reason }
        }
        Received::Drain(drain) => Down::Drain { reason: drain.reason, deadline_ms: drain.deadline_ms },
        Received::SeatsFreed(freed) => {
            Down::SeatsFreed { land_id: land(&freed.land_id), players: players(&freed.player_ids) }
        }
        Received::Superseded(superseded) => Down::Superseded { by_instance_id: superseded.by_instance_id },
    }
}

fn players(ids: &[String]) -> Vec<PlayerId> {
    ids.iter().map(|id| PlayerId::parse(id).expect("the control plane sends good ids")).collect()
}

/// What the agent makes of the control plane's refusal.
pub(super) fn loss(status: &Status) -> Loss {
    let refusal = Refusal::from_status(status);
    match refusal.reason {
        Reason::ServerSuperseded => Loss::Superseded,
        Reason::InvalidRequest | Reason::Unauthenticated | Reason::Forbidden => {
            Loss::Refused(refusal.message)
        }
        _ => Loss::Broken(refusal.message),
    }
}
