//! That every ticket comes to one end, and to one that was asked for.

use std::collections::BTreeMap;

use super::{About, Finding, Kind};
use crate::simulation::{
    history::{Entry, Event},
    names::{LandNo, TicketNo},
    outcome::{End, TicketEnd},
};

/// What was heard of a ticket.
#[derive(Debug, Default)]
struct Story {
    /// When it was over, if nothing else happened: where it was acknowledged.
    expires_ms: Option<u64>,
    assigned: Vec<LandNo>,
    cancel_asked: bool,
    cancelled: bool,
    expired: bool,
}

pub(super) fn judge(history: &[Entry], end: &End, findings: &mut Vec<Finding>) {
    let mut stories: BTreeMap<TicketNo, Story> = BTreeMap::new();
    let mut story = |ticket: &TicketNo, what: &dyn Fn(&mut Story)| what(stories.entry(*ticket).or_default());
    for entry in history {
        match &entry.event {
            Event::Enqueued { ticket, asked_ms, lifetime_ms, .. } => {
                story(ticket, &|story| story.expires_ms = Some(asked_ms + lifetime_ms));
            }
            Event::CancelAsked { ticket } => story(ticket, &|story| story.cancel_asked = true),
            Event::CancelAnswered { ticket, yes } => story(ticket, &|story| story.cancelled |= yes),
            Event::Expired { ticket } => story(ticket, &|story| story.expired = true),
            Event::Assigned { tickets, land, .. } => {
                tickets.iter().for_each(|ticket| story(ticket, &|story| story.assigned.push(*land)));
            }
            _ => {}
        }
    }
    for (number, ended) in end.tickets.iter().enumerate() {
        let ticket = TicketNo(number);
        let story = stories.remove(&ticket).unwrap_or_default();
        if let Some((kind, what)) = story.is_wrong(*ended, end.at_ms) {
            let about = story.assigned.iter().copied().map(About::Land).chain([About::Ticket(ticket)]);
            findings.push(Finding::new(kind, format!("{ticket} {what}"), about));
        }
    }
}

impl Story {
    fn is_wrong(&self, end: TicketEnd, now_ms: u64) -> Option<(Kind, &'static str)> {
        let unexplained = match end {
            TicketEnd::Missing if self.expires_ms.is_some() => {
                return Some((Kind::Vanished, "was acknowledged, and is not there"));
            }
            TicketEnd::Missing => Some("was never acknowledged"),
            _ if self.assigned.len() > 1 => return Some((Kind::TwoMatches, "is in two matches")),
            _ if self.cancelled && !self.assigned.is_empty() => {
                return Some((Kind::AssignedAfterCancel, "is assigned, and its cancel was acknowledged"));
            }
            _ if self.expires_ms.is_none() => Some("is there, and was never acknowledged"),
            TicketEnd::Queued => {
                let ended = !self.assigned.is_empty() || self.cancelled || self.expired;
                ended.then_some("has ended, and is queued again")
            }
            TicketEnd::Assigned(land) => {
                (self.assigned != [land]).then_some("says another land than it was assigned to")
            }
            TicketEnd::Cancelled => {
                (!self.cancel_asked || self.expired).then_some("is cancelled, and nobody asked for that")
            }
            TicketEnd::Expired => {
                let early = self.expires_ms.is_none_or(|at_ms| at_ms > now_ms);
                (early || self.cancelled).then_some("has expired before its time")
            }
        };
        unexplained.map(|what| (Kind::Contradicted, what))
    }
}
