//! Between the machine's words and the wire's.

use proto::provisioning::v1::{
    AllocateLand, ConnectRequest, ConnectResponse, Goodbye, Health, Heartbeat, Hello, Land, LandAnswer,
    LandReady, LandRefused, RosterTeam, connect_request, connect_response, land_answer,
};
use serde_json::value::RawValue;

use super::Identity;
use crate::{
    ids::{CommandId, IdError, LandId, LandType, PlayerId},
    machine::{Allocation, Capacity, Down, LandReport, Team, Up},
};

/// What goes up.
pub(crate) fn request(identity: &Identity, message: Up) -> ConnectRequest {
    use connect_request::Message;
    let message = match message {
        Up::Hello { lands, draining, capacity } => Message::Hello(hello(identity, lands, draining, capacity)),
        Up::Heartbeat { sequence, healthy, lands, draining, capacity } => Message::Heartbeat(Heartbeat {
            sequence,
            health: if healthy { Health::Healthy } else { Health::Unhealthy }.into(),
            lands: reports(lands),
            draining,
            capacity: capacity.map(|capacity| capacity.lands),
            player_capacity: capacity.map(|capacity| capacity.players),
        }),
        Up::LandReady { command_id } => answer(&command_id, land_answer::Outcome::Ready(LandReady {})),
        Up::LandRefused { command_id, reason } => {
            answer(&command_id, land_answer::Outcome::Refused(LandRefused { reason }))
        }
        Up::Goodbye { reason } => Message::Goodbye(Goodbye { reason: reason.to_owned() }),
    };
    ConnectRequest { message: Some(message) }
}

fn hello(identity: &Identity, lands: Vec<LandReport>, draining: bool, capacity: Capacity) -> Hello {
    let server = &identity.server;
    Hello {
        server_id: server.server_id.as_str().to_owned(),
        instance_id: identity.instance_id.as_str().to_owned(),
        host: server.host.clone(),
        port: server.port.into(),
        land_types: server.land_types.iter().map(|land_type| land_type.as_str().to_owned()).collect(),
        region: server.region.clone(),
        capacity: capacity.lands,
        connect_host: server.connect_host.clone(),
        connect_port: server.connect_port.into(),
        connect_scheme: server.connect_scheme.to_owned(),
        labels: server.labels.clone().into_iter().collect(),
        version: server.version.clone(),
        lands: reports(lands),
        draining,
        player_capacity: capacity.players,
    }
}

fn answer(command_id: &CommandId, outcome: land_answer::Outcome) -> connect_request::Message {
    connect_request::Message::LandAnswer(LandAnswer {
        command_id: command_id.as_str().to_owned(),
        outcome: Some(outcome),
    })
}

fn reports(lands: Vec<LandReport>) -> Vec<Land> {
    let land = |report: LandReport| Land {
        land_id: report.land_id.as_str().to_owned(),
        player_ids: report.players.iter().map(|player| player.as_str().to_owned()).collect(),
        awaited_player_ids: report.awaited.iter().map(|player| player.as_str().to_owned()).collect(),
    };
    lands.into_iter().map(land).collect()
}

/// What comes down. Fails with a sentence for the log where not even an answer is possible.
pub(crate) fn response(message: ConnectResponse) -> Result<Down, String> {
    use connect_response::Message;
    let message = message.message.ok_or("a message of a kind that this agent doesn't know")?;
    Ok(match message {
        Message::Welcome(welcome) => {
            Down::Welcome { heartbeat_interval_ms: welcome.heartbeat_interval_ms.into() }
        }
        Message::AllocateLand(command) => {
            let command_id =
                CommandId::parse(&command.command_id).map_err(|error| format!("command_id {error}"))?;
            match allocation(command_id.clone(), command) {
                Ok(allocation) => Down::Allocate(allocation),
                Err(reason) => Down::Unusable { command_id, reason },
            }
        }
        Message::ReleaseLand(command) => Down::Release {
            land_id: LandId::parse(&command.land_id).map_err(|error| format!("land_id {error}"))?,
            reason: command.reason,
        },
        Message::Drain(drain) => Down::Drain { reason: drain.reason, deadline_ms: drain.deadline_ms },
        Message::Superseded(superseded) => Down::Superseded { by_instance_id: superseded.by_instance_id },
        Message::SeatsFreed(freed) => Down::SeatsFreed {
            land_id: LandId::parse(&freed.land_id).map_err(|error| format!("land_id {error}"))?,
            players: players(&freed.player_ids).map_err(|error| format!("player_ids {error}"))?,
        },
    })
}

fn allocation(command_id: CommandId, command: AllocateLand) -> Result<Allocation, String> {
    let named = |field: &'static str| move |error: IdError| format!("{field} {error}");
    Ok(Allocation {
        command_id,
        land_id: LandId::parse(&command.land_id).map_err(named("land_id"))?,
        land_type: LandType::parse(&command.land_type).map_err(named("land_type"))?,
        match_id: command.match_id,
        queue_key: command.queue_key,
        players: players(&command.player_ids).map_err(named("player_ids"))?,
        teams: command.teams.into_iter().map(team).collect::<Result<_, _>>().map_err(named("teams"))?,
        constraints: constraints(&command.constraints_json)?,
        answer_within_ms: command.answer_within_ms.into(),
    })
}

fn team(team: RosterTeam) -> Result<Team, IdError> {
    Ok(Team { players: players(&team.player_ids)?, name: team.name })
}

fn players(ids: &[String]) -> Result<Vec<PlayerId>, IdError> {
    ids.iter().map(|id| PlayerId::parse(id)).collect()
}

/// A JSON object on one line: the game server reads line by line. Within JSON a line break can only stand between two
/// tokens, where a space means the same.
fn constraints(json: &str) -> Result<Option<Box<RawValue>>, String> {
    if json.is_empty() {
        return Ok(None);
    }
    let line = json.replace(['\n', '\r'], " ");
    let value =
        RawValue::from_string(line).map_err(|error| format!("constraints_json is no JSON: {error}"))?;
    if value.get().trim_start().starts_with('{') {
        Ok(Some(value))
    } else {
        Err("constraints_json is no JSON object".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_stay_one_object_on_one_line() {
        let one = constraints("{\n \"a\": 12345678901234567890.5,\r\n \"b\": \"x\\ny\"}").unwrap().unwrap();
        assert_eq!(one.get(), r#"{  "a": 12345678901234567890.5,   "b": "x\ny"}"#);
        assert!(constraints("").unwrap().is_none());
        assert!(constraints("[1]").is_err() && constraints("{").is_err());
        assert!(constraints("{\"a\": \"x\ny\"}").is_ok(), "a raw line break in a text is mended");
    }

    #[test]
    fn a_command_that_can_be_answered_is_answered() {
        let command =
            AllocateLand { command_id: "c".to_owned(), land_id: String::new(), ..AllocateLand::default() };
        let message =
            |command| ConnectResponse { message: Some(connect_response::Message::AllocateLand(command)) };
        let Down::Unusable { reason, .. } = response(message(command)).unwrap() else {
            panic!("taken");
        };
        assert!(reason.starts_with("land_id is empty"), "{reason}");
        assert!(response(message(AllocateLand::default())).is_err());
        assert!(response(ConnectResponse { message: None }).is_err());
    }
}
