//! The engine of one queue: what waits, and which matches can be made of it.
//!
//! Queues whose rules know sizes and ages only ([`crate::simple`]) are searched another way than those with a rule set
//! ([`crate::search`]). Nobody is told anything from here: whoever owns the queue asks for matches when a ticket came or when
//! [`Engine::next_deadline`] has come, and puts back what it could not use.

use crate::{
    Explanation, PlayerId, Rules, Ticket, TicketId, Time, judge::Judge, search::Search, simple::Simple,
};

/// The tickets of one queue, and what its rules make of them.
///
/// The same calls in the same order give the same answers.
#[derive(Debug)]
pub struct Engine {
    rules: Rules,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Simple(Simple),
    RuleSet(Box<Search>),
}

/// Tickets that may play together, under the rules at the time of asking.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Oldest first. They have left the engine.
    pub tickets: Vec<Ticket>,
    /// Who plays with whom; empty where the rules have no teams.
    pub teams: Vec<Team>,
}

/// One team of a match.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Team {
    /// `team-1`, `team-2`, … where rules name none.
    pub name: String,
    /// Its players, ticket by ticket, the oldest ticket first.
    pub players: Vec<PlayerId>,
}

impl Engine {
    /// An empty queue under these rules.
    pub fn new(rules: Rules) -> Self {
        let kind = match &rules {
            Rules::RuleSet(set) => Kind::RuleSet(Box::new(Search::new(set.clone()))),
            _ => Kind::Simple(Simple::new(rules.clone())),
        };
        Self { rules, kind }
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What asks the rule set, where there is one.
    pub fn judge(&self) -> Option<&Judge> {
        match &self.kind {
            Kind::Simple(_) => None,
            Kind::RuleSet(search) => Some(search.judge()),
        }
    }

    /// Adds a ticket, or puts one back with the age and order that it had.
    ///
    /// `false`, and nothing changes, where a ticket of this id or of this order is there already, or where no match can ever
    /// take it: it has no player or more than [`Rules::max_party`], or the rule set asks for what it doesn't have.
    pub fn insert(&mut self, ticket: Ticket) -> bool {
        match &mut self.kind {
            Kind::Simple(simple) => simple.insert(ticket),
            Kind::RuleSet(search) => search.insert(ticket).unwrap_or(false),
        }
    }

    /// Takes a ticket out. `None` where it isn't there, for example because it is in a proposal.
    pub fn remove(&mut self, id: &TicketId) -> Option<Ticket> {
        match &mut self.kind {
            Kind::Simple(simple) => simple.remove(id),
            Kind::RuleSet(search) => search.remove(id),
        }
    }

    /// The matches that can be made now, at most `limit` of them. Their tickets leave the engine.
    ///
    /// A match is made around its anchor, the oldest ticket that can be matched. Without a rule set it takes the oldest others
    /// with which the numbers come out exactly; of two tickets of one size, the older is always taken first. With one it takes
    /// those that lie closest. A ticket that expires at `now` or before is never in a match. Where `limit` matches come
    /// back there may be more to make.
    pub fn next_matches(&mut self, now: Time, limit: usize) -> Vec<Proposal> {
        match &mut self.kind {
            Kind::Simple(simple) => simple.next_matches(now, limit),
            Kind::RuleSet(search) => search.next_matches(now, limit),
        }
    }

    /// Lets time pass without a look at the tickets, for who finds their matches elsewhere: whether waiting may have changed what
    /// the rules allow since the last pass. The next deadline but for an expiry lies after `now` then.
    pub fn pass_over(&mut self, now: Time) -> bool {
        let has_turned = self.next_deadline().is_some_and(|at| at <= now);
        match &mut self.kind {
            Kind::Simple(simple) => simple.pass_over(now),
            Kind::RuleSet(search) => search.pass_over(now),
        }
        has_turned
    }

    /// Takes out the tickets whose lifetime is over, at most `limit` of them, earliest first.
    pub fn take_expired(&mut self, now: Time, limit: usize) -> Vec<Ticket> {
        match &mut self.kind {
            Kind::Simple(simple) => simple.take_expired(now, limit),
            Kind::RuleSet(search) => search.take_expired(now, limit),
        }
    }

    /// When something may change by time alone: the next expiry, or the next time at which the rules let a ticket do what they
    /// did not let it do in the last pass. `None`: only an insert changes anything.
    ///
    /// An expiry stays due until [`Engine::take_expired`] has taken its ticket. All other deadlines lie after the last
    /// pass: one that has come and made no match does not come again. A pass that ended at its limit is due to go on
    /// a millisecond later.
    pub fn next_deadline(&self) -> Option<Time> {
        match &self.kind {
            Kind::Simple(simple) => simple.next_deadline(),
            Kind::RuleSet(search) => search.next_deadline(),
        }
    }

    /// Why a ticket waits: how things stand for it at `now` among those that are here. `None`: it isn't here. The work is
    /// bounded; of a large queue with a rule set not all is looked at, and the answer says so.
    pub fn explain(&self, id: &TicketId, now: Time) -> Option<Explanation> {
        match &self.kind {
            Kind::Simple(simple) => simple.explain(id, now),
            Kind::RuleSet(search) => search.explain(id, now),
        }
    }

    /// How many tickets wait here, those included whose lifetime is over and that nobody has taken yet.
    pub fn len(&self) -> usize {
        match &self.kind {
            Kind::Simple(simple) => simple.len(),
            Kind::RuleSet(search) => search.len(),
        }
    }

    /// Whether none waits here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tickets, oldest first.
    pub fn tickets(&self) -> Box<dyn Iterator<Item = &Ticket> + '_> {
        match &self.kind {
            Kind::Simple(simple) => Box::new(simple.tickets()),
            Kind::RuleSet(search) => Box::new(search.tickets()),
        }
    }
}
