//! The game server that Agones took, checked before players are sent there; and what its refusals mean.

use proto::agones::allocation::AllocationResponse;
use storage::{LandId, ServerId};
use tonic::{Code, Status};

use super::{request::LAND_ID, settings::Settings};
use crate::{
    allocation::{
        Allocated, AllocationRequest,
        outside::{Failure, Kind, Then},
    },
    connect_url,
    ids::{self, MAX_ID},
};

/// The land, on the game server that was taken.
pub(super) fn read(
    settings: &Settings,
    request: &AllocationRequest,
    land: &LandId,
    answer: &AllocationResponse,
) -> Result<Allocated, Failure> {
    let bad = |what: &str| {
        let failure = Failure::unclear(Kind::BadAnswer, format!("gave an answer that {what}"));
        Failure { then: Then::Wait, ..failure }
    };
    let name = &answer.game_server_name;
    if name.is_empty() || ids::problem(name, MAX_ID).is_some() {
        return Err(bad("has a gameServerName that can't be one"));
    }
    let of_another = |id: &String| id != land.as_str();
    if answer.metadata.as_ref().and_then(|metadata| metadata.annotations.get(LAND_ID)).is_some_and(of_another)
    {
        return Err(bad("is about another land"));
    }
    let port = match (&settings.port_name, answer.ports.as_slice()) {
        (Some(wanted), ports) => ports.iter().find(|port| port.name == *wanted),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let port = port.and_then(|port| u16::try_from(port.port).ok()).filter(|port| *port > 0);
    let port = port.ok_or_else(|| match &settings.port_name {
        Some(name) => bad(&format!("has no port `{name}`")),
        None => bad("has not one port; agones_port_name says which one"),
    })?;
    let base = connect_url::is_host(&answer.address)
        .then(|| connect_url::base(settings.scheme, &answer.address, port))
        .ok_or_else(|| bad("has an address that is no host"))?;
    Ok(Allocated {
        server: ServerId::new(name),
        land: land.clone(),
        connect_url: connect_url::of_land(&base, &request.land_type, land),
        expires_at: None,
        hints: None,
    })
}

/// What a status means.
pub(super) fn refused(status: &Status, request: &AllocationRequest) -> Failure {
    let failure = match status.code() {
        Code::ResourceExhausted => {
            let said = format!("has no game server for `{}`", request.land_type);
            Failure::nothing(Kind::NoServer, Then::Wait, said)
        }
        // Others took the game server that it picked.
        Code::Aborted => Failure::nothing(Kind::Overloaded, Then::Again, "was asked by too many at once"),
        // There may have been a connection, and it may have broken after the request.
        Code::Unavailable => Failure::unclear(Kind::Unreachable, "can't be reached"),
        Code::DeadlineExceeded | Code::Cancelled => Failure::unclear(Kind::Late, "didn't answer in time"),
        Code::Unknown | Code::Internal | Code::DataLoss => {
            Failure::unclear(Kind::Failed, format!("failed ({:?})", status.code()))
        }
        // Also what it takes for a message of its own that is too large, or none.
        Code::OutOfRange => {
            let failure = Failure::unclear(Kind::BadAnswer, "gave an answer that is too large");
            Failure { then: Then::Wait, ..failure }
        }
        code => Failure::nothing(Kind::Refused, Then::Wait, format!("refused ({code:?})")),
    };
    failure.because(status.message())
}

#[cfg(test)]
mod tests;
