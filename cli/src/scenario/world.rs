//! What a scenario has made so far: tickets and connections, by the names that its steps gave them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{live::Live, report::Failure};

/// All that has a name.
#[derive(Debug, Default)]
pub(super) struct World {
    tickets: BTreeMap<String, Ticket>,
    connections: BTreeMap<String, Live>,
}

/// A ticket, and the way in which it is followed.
#[derive(Debug)]
pub(super) enum Ticket {
    /// Its socket pushes.
    Websocket(Live),
    /// It is asked for; what it was last is kept.
    Rest(Value),
}

impl Ticket {
    /// `ticketId`, `status`, and `assignment` once there is one; as last heard.
    pub(super) fn known(&self) -> Value {
        match self {
            Self::Websocket(live) => live.view().latest,
            Self::Rest(ticket) => ticket.clone(),
        }
    }
}

impl World {
    pub(super) fn add_ticket(&mut self, name: &str, ticket: Ticket) {
        self.tickets.insert(name.to_owned(), ticket);
    }

    pub(super) fn add_connection(&mut self, name: &str, connection: Live) {
        self.connections.insert(name.to_owned(), connection);
    }

    pub(super) fn ticket(&self, name: &str) -> Result<&Ticket, Failure> {
        self.tickets.get(name).ok_or_else(|| unknown("ticket", name, self.tickets.keys()))
    }

    pub(super) fn connection(&self, name: &str) -> Result<&Live, Failure> {
        self.connections.get(name).ok_or_else(|| unknown("connection", name, self.connections.keys()))
    }

    /// Takes down what a ticket that is asked for has become.
    pub(super) fn note(&mut self, name: &str, answer: Value) {
        if let Some(Ticket::Rest(known)) = self.tickets.get_mut(name) {
            *known = answer;
        }
    }

    /// The assignment of a ticket.
    pub(super) fn assignment(&self, name: &str) -> Result<Value, Failure> {
        let known = self.ticket(name)?.known();
        match known.get("assignment") {
            Some(assignment) if assignment.is_object() => Ok(assignment.clone()),
            _ => Err(Failure::new(format!("{name} to be assigned; wait for it first"), known.to_string())),
        }
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> Failure {
    let known: Vec<_> = known.map(String::as_str).collect();
    Failure::new(
        format!("a {what} called {name}"),
        match known.as_slice() {
            [] => format!("no {what} before this step"),
            _ => format!("only {}", known.join(", ")),
        },
    )
}
