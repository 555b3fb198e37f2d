//! Reads the history of a run and how it ended, and finds what must never be.
//!
//! It knows nothing of how the control plane works: only what was promised to players, and what servers said. Each kind of finding
//! is tried by planting it in the history of a good run (`check/tests.rs`).

mod matches;
mod orders;
mod rest;
mod servers;
mod tickets;

use std::{collections::BTreeSet, fmt};

use super::{
    control::STUCK,
    history::{Entry, Event},
    names::{LandNo, OrderNo, ServerNo, TicketNo},
    outcome::End,
    plan::Plan,
};

/// What was found to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    /// What exactly, in a sentence.
    pub(super) what: String,
    pub(super) about: BTreeSet<About>,
}

/// The kinds of wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A server has more lands, or more players, than fit.
    OverCapacity,
    /// A server was asked for a land although it was known to be full.
    Overcommitted,
    /// A place is still kept for a land that nobody waits for.
    Leaked,
    /// The control plane knows of other lands, or other servers, than there are.
    Disagrees,
    /// A ticket is in two matches.
    TwoMatches,
    /// A ticket is assigned although its cancel was acknowledged.
    AssignedAfterCancel,
    /// A ticket's end is none that anything explains.
    Contradicted,
    /// An acknowledged ticket is not there any more.
    Vanished,
    /// A match was sent to a server that had not made its land.
    NotAccepted,
    /// A land was made for other players than those who were sent there.
    WrongPlayers,
    /// Two matches play on one land.
    SharedLand,
    /// A land was taken back although a match plays there.
    TakenBack,
    /// Tickets wait although they could play.
    LeftWaiting,
    /// A server was asked for a land after it was told that none will come.
    AskedAfterDrain,
    /// A service has two lands for one allocation.
    AllocatedTwice,
    /// A land lives on that its service has given back.
    NotReleased,
    /// A task of the control plane has panicked, or did not stop when it was told to.
    Broken,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    Ticket(TicketNo),
    Order(OrderNo),
    Land(LandNo),
    Server(ServerNo),
}

impl Finding {
    fn new(kind: Kind, what: String, about: impl IntoIterator<Item = About>) -> Self {
        Self { kind, what, about: about.into_iter().collect() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}

/// Everything that is wrong with a run.
pub(super) fn check(plan: &Plan, history: &[Entry], end: &End) -> Vec<Finding> {
    let mut findings = Vec::new();
    servers::judge(plan, history, &mut findings);
    tickets::judge(history, end, &mut findings);
    matches::judge(history, &mut findings);
    orders::judge(plan, history, end, &mut findings);
    rest::judge(plan, end, &mut findings);
    if end.failed {
        findings.push(Finding::new(Kind::Broken, "a task of the control plane panicked".to_owned(), []));
    }
    if history.iter().any(|entry| matches!(entry.event, Event::ControlDown { how: STUCK, .. })) {
        findings.push(Finding::new(Kind::Broken, "a control plane did not stop".to_owned(), []));
    }
    findings
}

impl Event {
    /// Whether the event is about one of these.
    pub(super) fn is_about(&self, about: &BTreeSet<About>) -> bool {
        let ticket = |ticket: &TicketNo| about.contains(&About::Ticket(*ticket));
        let land = |land: &LandNo| about.contains(&About::Land(*land));
        let server = |server: &ServerNo| about.contains(&About::Server(*server));
        match self {
            Self::Enqueued { ticket: it, .. }
            | Self::CancelAsked { ticket: it }
            | Self::CancelAnswered { ticket: it, .. }
            | Self::Expired { ticket: it } => ticket(it),
            Self::Assigned { land: on, tickets, server: to, .. } => {
                land(on) || server(to) || tickets.iter().any(ticket)
            }
            Self::Allocated { order, land: on, server: it, .. } => {
                about.contains(&About::Order(*order)) || land(on) || server(it)
            }
            Self::ReleaseAsked { order, land: on } | Self::Released { order, land: on } => {
                about.contains(&About::Order(*order)) || land(on)
            }
            Self::ServerUp { server: it, .. }
            | Self::ServerDown { server: it }
            | Self::AgentUp { server: it, .. }
            | Self::AgentDown { server: it, .. }
            | Self::Hello { server: it }
            | Self::Welcomed { server: it }
            | Self::Drained { server: it, .. }
            | Self::Refused { server: it, land: None, .. } => server(it),
            Self::Asked { server: it, land: on, .. }
            | Self::Accepted { server: it, land: on, .. }
            | Self::Refused { server: it, land: Some(on), .. }
            | Self::TakenBack { server: it, land: on, .. }
            | Self::LandOver { server: it, land: on }
            | Self::SeatsFreed { server: it, land: on, .. }
            | Self::Left { server: it, land: on, .. } => server(it) || land(on),
            Self::ControlUp { .. } | Self::ControlDown { .. } | Self::Fault(_) | Self::Rest => false,
        }
    }
}

#[cfg(test)]
mod tests;
