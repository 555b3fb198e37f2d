//! Reads a history and finds what the contract forbids.
//!
//! Pure and linear: each entry is looked at once, and what is kept of it are a few facts about its ticket, land or server.
//! Verdicts are given at the end of a round, when all facts are there; [`Finding::explain`] then goes back to the entries
//! and prints those that matter, for a person who has to understand what happened.
//!
//! Operations that got no answer may have happened or not, and the checker takes either. So it never says that something is
//! wrong where a slow network would explain it.

mod evidence;
mod lands;
mod matches;
mod rules;
mod tickets;
mod waiting;

#[cfg(test)]
mod tests;

use std::{collections::HashSet, fmt};

use self::{lands::Lands, matches::Matches, tickets::Tickets};
pub use self::{
    rules::{Rules, Shape},
    waiting::can_match,
};
use super::history::{Entry, Event, LandId, Op, ServerId, TicketId};

/// What was found to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of wrong it is.
    pub kind: Kind,
    /// What exactly, in a sentence.
    pub what: String,
    /// The tickets that it is about.
    pub tickets: Vec<TicketId>,
    /// The lands that it is about.
    pub lands: Vec<LandId>,
    /// The server that it is about.
    pub server: Option<ServerId>,
    /// The operations that it is about, beside those on its tickets.
    pub ops: Vec<Op>,
}

/// The kinds of wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An acknowledged ticket is not there any more.
    Vanished,
    /// A ticket has two assignments.
    TwoMatches,
    /// A ticket is assigned although its cancel was acknowledged.
    AssignedAfterCancel,
    /// A server has more lands than it has room for, or a land more players than its match.
    OverCapacity,
    /// Members of one ticket are on different lands or in different teams.
    GroupSplit,
    /// What is said of one match differs from ticket to ticket, or from what its game server was told.
    MatchDisagrees,
    /// A watcher was not told of the end of its ticket, or too late.
    NeverTold,
    /// A ticket's end did not stay what it was, or nobody asked for it.
    Contradicted,
    /// A ticket came to no end, or waited though it could have been matched.
    LeftWaiting,
    /// A player was not let in by the game server that they were sent to.
    TurnedAway,
    /// A group that nobody else has was refused because somebody has it.
    WronglyRefused,
    /// A program ended in a way in which none may.
    Crashed,
    /// Something did not become well again by itself.
    NotMended,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vanished => "an acknowledged ticket vanished",
            Self::TwoMatches => "a ticket in two matches",
            Self::AssignedAfterCancel => "an assignment and an acknowledged cancel",
            Self::OverCapacity => "a land over capacity",
            Self::GroupSplit => "a group was split",
            Self::MatchDisagrees => "a match whose parts disagree",
            Self::NeverTold => "a watcher was not told",
            Self::Contradicted => "an end that did not stay, or that nobody asked for",
            Self::LeftWaiting => "a ticket was left waiting",
            Self::TurnedAway => "a player was turned away",
            Self::WronglyRefused => "a repeated enqueue was refused",
            Self::Crashed => "a program crashed",
            Self::NotMended => "something did not become well again",
        })
    }
}

impl Finding {
    fn new(kind: Kind, what: String) -> Self {
        Self { kind, what, tickets: Vec::new(), lands: Vec::new(), server: None, ops: Vec::new() }
    }
}

/// Reads the entries of one history, round after round.
#[derive(Debug)]
pub struct Checker {
    rules: Rules,
    tickets: Tickets,
    matches: Matches,
    lands: Lands,
    findings: Vec<Finding>,
}

impl Checker {
    /// Nothing read yet.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            tickets: Tickets::default(),
            matches: Matches::default(),
            lands: Lands::default(),
            findings: Vec::new(),
        }
    }

    /// Reads the next entry.
    pub fn read(&mut self, entry: &Entry) {
        self.tickets.read(entry);
        self.lands.read(entry, &mut self.findings);
        match &entry.event {
            Event::Ended { program, how, crash: true } => {
                self.findings.push(Finding::new(Kind::Crashed, format!("{program} ended by itself: {how}")));
            }
            Event::NotMended { what } => self.findings.push(Finding::new(Kind::NotMended, what.clone())),
            _ => {}
        }
    }

    /// What is wrong with the round that was read. The lands that are still there are remembered, tickets are not.
    pub fn finish(&mut self) -> Vec<Finding> {
        let mut findings = std::mem::take(&mut self.findings);
        let tickets = std::mem::take(&mut self.tickets);
        let mut matches = std::mem::take(&mut self.matches);
        tickets.judge_refusals(&mut findings);
        let mut wrong = HashSet::new();
        for ticket in tickets.acknowledged() {
            if !ticket.judge(&self.rules, tickets.rest_at(), &mut findings) {
                wrong.insert(ticket.id.clone());
            }
            for assignment in ticket.assignments() {
                if !matches.add(ticket, assignment, &mut findings) {
                    wrong.insert(ticket.id.clone());
                }
            }
        }
        let only_ticket_of =
            |player: &_| tickets.only_ticket_of(player).filter(|ticket| !wrong.contains(*ticket));
        matches.judge(&self.rules, &self.lands, only_ticket_of, &mut findings);
        self.lands.forget_rosters();
        waiting::judge(&self.rules, tickets.acknowledged(), &mut findings);
        findings
    }
}

/// Checks a whole history; the findings of each round.
pub fn check(entries: &[Entry], rules: &Rules) -> Vec<Finding> {
    let mut checker = Checker::new(rules.clone());
    let mut findings = Vec::new();
    for entry in entries {
        checker.read(entry);
        if entry.event == Event::Over {
            findings.extend(checker.finish());
        }
    }
    findings
}
