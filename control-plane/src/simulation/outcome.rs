//! How everything is when a run has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{LandNo, ServerNo};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) at_ms: u64,
    /// As the control plane knows it.
    pub(super) known: Vec<KnownServer>,
    /// As it is.
    pub(super) real: Vec<RealServer>,
    /// By the tickets' numbers.
    pub(super) tickets: Vec<TicketEnd>,
    /// A task of the control plane has panicked.
    pub(super) failed: bool,
}

/// A server, as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownServer {
    pub(super) server: ServerNo,
    pub(super) lost: bool,
    /// How many more lands it takes; for a while already.
    pub(super) free_lands: usize,
    /// How many more players, where they are limited.
    pub(super) free_seats: Option<usize>,
    /// Whether each is only reserved.
    pub(super) lands: BTreeMap<LandNo, bool>,
}

/// A server, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RealServer {
    pub(super) server: ServerNo,
    /// It and its agent.
    pub(super) up: bool,
    pub(super) lands: BTreeSet<LandNo>,
}

/// What a ticket has become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TicketEnd {
    Missing,
    Queued,
    Assigned(LandNo),
    Cancelled,
    Expired,
}
