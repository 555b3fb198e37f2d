//! Who is who in a history.

use std::{collections::BTreeSet, fmt};

/// A ticket, by its place in the plan. Its id is `t-<number>`, its players are `t-<number>.<place>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TicketNo(pub(super) usize);

/// A land that a service asks for, by its place in the plan. Its id is `a-<number>`, its players are `a-<number>.<place>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct OrderNo(pub(super) usize);

/// A game server with its agent. Its id is `s-<number>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ServerNo(pub(super) usize);

/// A land, in the order in which lands were heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LandNo(pub(super) usize);

/// A match, in the order in which matches were heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct MatchNo(pub(super) usize);

/// Players, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Roster(pub(super) BTreeSet<String>);

impl TicketNo {
    pub(super) fn id(self) -> String {
        format!("t-{:04}", self.0)
    }

    pub(super) fn of(id: &str) -> Self {
        Self(id.trim_start_matches("t-").parse().expect("an id of the simulation"))
    }

    pub(super) fn player(self, place: usize) -> String {
        format!("t-{:04}.{place}", self.0)
    }
}

impl OrderNo {
    pub(super) fn id(self) -> String {
        format!("a-{:04}", self.0)
    }

    pub(super) fn player(self, place: usize) -> String {
        format!("a-{:04}.{place}", self.0)
    }
}

impl ServerNo {
    pub(super) fn id(self) -> String {
        format!("s-{:03}", self.0)
    }

    pub(super) fn of(id: &str) -> Self {
        Self(id.trim_start_matches("s-").parse().expect("an id of the simulation"))
    }
}

impl fmt::Display for TicketNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id())
    }
}

impl fmt::Display for OrderNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id())
    }
}

impl fmt::Display for ServerNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id())
    }
}

impl fmt::Display for LandNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "land-{}", self.0)
    }
}

impl fmt::Display for MatchNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "match-{}", self.0)
    }
}

impl fmt::Display for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(String::as_str).collect();
        write!(f, "[{}]", all.join(" "))
    }
}
