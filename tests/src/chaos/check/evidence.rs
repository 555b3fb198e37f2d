//! The entries that a finding rests on, for a person to read.

use std::{
    collections::HashSet,
    fmt::{self, Write as _},
};

use super::{Finding, Kind};
use crate::chaos::history::{Entry, Event, Op};

/// More lines than this are not read by anybody; the first and the last ones matter most.
const LINES: usize = 48;
/// Faults this long before and after the other lines are shown with them, in nanoseconds.
const AROUND: u64 = 2_000_000_000;

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.what)
    }
}

impl Finding {
    /// The finding, and below it the entries of its round that are about its tickets and lands, and the faults around them.
    pub fn explain(&self, round: &[Entry]) -> String {
        let ops = self.ops(round);
        let about = round.iter().filter(|entry| self.concerns(&entry.event, &ops));
        // A server may have come long before it matters, and a ticket is read long after.
        let distant = |event: &Event| matches!(event, Event::ServerUp { .. } | Event::Read { .. });
        let mut times = about.filter(|entry| !distant(&entry.event)).map(|entry| entry.at);
        let first = times.next().unwrap_or_default();
        let last = times.next_back().unwrap_or(first);
        let (from, to) = (first.saturating_sub(AROUND), last.saturating_add(AROUND));
        let is_fault = |event: &Event| {
            matches!(event, Event::Fault { .. } | Event::Ended { .. } | Event::NotMended { .. } | Event::Rest)
        };
        let lines: Vec<&Entry> = round
            .iter()
            .filter(|entry| {
                let around = (from..=to).contains(&entry.at);
                self.concerns(&entry.event, &ops) || around && is_fault(&entry.event)
            })
            .collect();
        let mut text = format!("{self}\n");
        let left_out = lines.len().saturating_sub(LINES);
        for (number, entry) in lines.iter().enumerate() {
            if left_out > 0 && number == LINES / 2 {
                writeln!(text, "          … {left_out} more …").expect("a text takes all");
            }
            if left_out == 0 || number < LINES / 2 || number >= LINES / 2 + left_out {
                writeln!(text, "  {entry}").expect("a text takes all");
            }
        }
        text
    }

    /// The operations on the finding's tickets, and those with which the same groups were asked for before.
    fn ops(&self, round: &[Entry]) -> HashSet<Op> {
        let of_ticket = round.iter().filter_map(|entry| match &entry.event {
            Event::Enqueued { op, ticket } | Event::Cancel { op, ticket, .. } => {
                self.tickets.contains(ticket).then_some(*op)
            }
            _ => None,
        });
        let mut ops: HashSet<Op> = of_ticket.chain(self.ops.iter().copied()).collect();
        let asked = || {
            round.iter().filter_map(|entry| match &entry.event {
                Event::Enqueue { op, group, .. } => Some((*op, group)),
                _ => None,
            })
        };
        let groups: HashSet<&String> =
            asked().filter(|(op, _)| ops.contains(op)).map(|(_, group)| group).collect();
        ops.extend(asked().filter(|(_, group)| groups.contains(group)).map(|(op, _)| op));
        ops
    }

    fn concerns(&self, event: &Event, ops: &HashSet<Op>) -> bool {
        match event {
            Event::Enqueue { op, .. }
            | Event::Enqueued { op, .. }
            | Event::Cancel { op, .. }
            | Event::Cancelled { op, .. }
            | Event::Refused { op, .. }
            | Event::Unknown { op, .. } => ops.contains(op),
            Event::Watch { ticket, .. } | Event::Told { ticket, .. } | Event::Read { ticket, .. } => {
                self.tickets.contains(ticket)
            }
            Event::LandOpened { land, .. }
            | Event::LandOver { land, .. }
            | Event::TurnedAway { land, .. } => self.lands.contains(land),
            // Who plays is of interest where the land is, not where it is one of many.
            Event::Present { land, .. } => self.server.is_none() && self.lands.contains(land),
            Event::ServerUp { server, .. } | Event::ServerDown { server } => {
                self.server.as_ref() == Some(server)
            }
            Event::Ended { crash, .. } => *crash && self.kind == Kind::Crashed,
            Event::NotMended { .. } => self.kind == Kind::NotMended,
            Event::Round { .. } | Event::Rest | Event::Over | Event::Fault { .. } => false,
        }
    }
}
