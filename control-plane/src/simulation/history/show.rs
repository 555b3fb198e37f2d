//! A history, for people.

use std::fmt;

use super::{Entry, Event};

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4}.{:03}  {}", self.at_ms / 1_000, self.at_ms % 1_000, self.event)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enqueued { ticket, queue, players, asked_ms, lifetime_ms } => {
                write!(
                    f,
                    "{ticket} of {players} is acknowledged in {queue}, asked at {asked_ms} ms for {lifetime_ms} ms"
                )
            }
            Self::CancelAsked { ticket } => write!(f, "cancel {ticket}"),
            Self::CancelAnswered { ticket, yes } => {
                write!(f, "{ticket} {}", if *yes { "is cancelled" } else { "is no longer queued" })
            }
            Self::Assigned { the_match, land, server, tickets } => {
                write!(f, "{the_match} plays on {land} of {server}:")?;
                tickets.iter().try_for_each(|ticket| write!(f, " {ticket}"))
            }
            Self::Expired { ticket } => write!(f, "{ticket} has expired"),
            Self::Allocated { order, land, server, heard } => {
                write!(
                    f,
                    "{order} is given {land} on {server}{}",
                    if *heard { "" } else { ", and doesn't hear of it" }
                )
            }
            Self::ReleaseAsked { order, land } => write!(f, "{order} gives {land} back"),
            Self::Released { order, land } => write!(f, "{order} has given {land} back"),
            Self::ServerUp { server, capacity, seats } => {
                write!(f, "{server} is up, with room for {capacity} lands")?;
                seats.map_or(Ok(()), |seats| write!(f, " and {seats} players"))
            }
            Self::ServerDown { server } => write!(f, "{server} is down, and its lands are over"),
            Self::AgentUp { server, instance } => write!(f, "{server}: its agent is up, instance {instance}"),
            Self::AgentDown { server, how } => write!(f, "{server}: its agent {how}"),
            Self::Hello { server } => write!(f, "{server}: its agent says hello"),
            Self::Welcomed { server } => write!(f, "{server}: its agent is welcome"),
            Self::Asked { server, land, the_match, .. } => {
                write!(f, "{server} is asked for {land}, {the_match}")
            }
            Self::Accepted { server, land, the_match, players } => {
                write!(f, "{server} made {land} for {the_match}: {players}")
            }
            Self::Refused { server, land: Some(land), why } => write!(f, "{server} refuses {land}: {why}"),
            Self::Refused { server, land: None, why } => write!(f, "{server} refuses: {why}"),
            Self::TakenBack { server, land, why } => write!(f, "{server} is told to end {land}: {why}"),
            Self::LandOver { server, land } => write!(f, "{server}: {land} is over"),
            Self::SeatsFreed { server, land, players } => {
                write!(f, "{server} is told that seats on {land} are free: {players}")
            }
            Self::Left { server, land, player } => write!(f, "{server}: {player} leaves {land}"),
            Self::Drained { server, deadline_ms: 0, .. } => write!(f, "{server} is told to drain"),
            Self::Drained { server, deadline_ms, .. } => {
                write!(f, "{server} is told to drain, within {deadline_ms} ms")
            }
            Self::ControlUp { life } => write!(f, "CONTROL PLANE {life} is up"),
            Self::ControlDown { life, how } => write!(f, "CONTROL PLANE {life} {how}"),
            Self::Fault(what) => write!(f, "FAULT {what}"),
            Self::Rest => write!(f, "REST: all is mended, nobody enqueues any more"),
        }
    }
}
