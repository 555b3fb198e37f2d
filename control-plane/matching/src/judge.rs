//! Whether tickets are a match under a rule set, and how good a one.
//!
//! A rule set is compiled once ([`Judge::new`]), a ticket is looked at once ([`Judge::facts`]), and then two questions are asked
//! very often. [`Judge::judge`] is the truth: all rules, exactly, of a whole lineup. [`Judge::may_meet`] is cheap and
//! about two tickets only, and errs on one side: it never parts two that a match could hold. Which tickets are asked about
//! is the search's business; [`Plan`] tells it where to look.

mod facts;
mod plan;

use std::{sync::Arc, time::Duration};

pub use facts::{Facts, Unfit};
pub use plan::{Near, PlayedTeam, Plan};

use crate::{Ticket, Time, rule_set::RuleSet};

/// A rule set, made ready to be asked.
#[derive(Debug)]
pub struct Judge {
    rules: Arc<RuleSet>,
    plan: Plan,
}

/// Tickets in teams.
#[derive(Debug, Clone, Copy)]
pub struct Lineup<'a> {
    /// In the order of [`Plan::teams`], each with the facts of its tickets.
    pub teams: &'a [Vec<&'a Facts>],
}

/// What is thought of a lineup.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The first thing that keeps it from being a match; `None`: it is one.
    pub broken: Option<Broken>,
    /// How good it is, lower is better: [`PREFERENCE`] times the weights of the preferences that it breaks, plus the spread of
    /// [`Facts::near`] (most minus least over its tickets), plus a hundredth of the difference of the teams' sums under the
    /// balanced strategy. Also set where something is broken.
    pub cost: f64,
}

/// By how much one broken preference of weight 1 outweighs one unit of spread.
pub const PREFERENCE: f64 = 1_000_000.0;

/// What keeps tickets from being a match.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Broken {
    /// What is broken.
    pub what: Breach,
    /// By how much, in the rule's own unit (points, milliseconds, values, players); `None` where that means nothing.
    pub by: Option<f64>,
}

/// What can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// The team of this index into [`Plan::teams`] has too few or too many players.
    TeamSize(usize),
    /// A player of the team of this index asked for another team.
    TeamAsked(usize),
    /// The players of the team of this index can't fill its roles.
    Roles(usize),
    /// The teams' largest parties differ too much.
    PremadeParity,
    /// The rule of this index into [`RuleSet::rules`].
    Rule(usize),
}

impl Judge {
    /// Compiles a rule set.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let plan = Plan::new(&rules);
        Self { rules, plan }
    }

    /// The rule set.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// How the search should look for tickets.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the rules look at in a ticket.
    ///
    /// # Errors
    /// No match can ever take this ticket, whoever comes and however long it waits: a sentence for its owner.
    pub fn facts(&self, ticket: &Ticket) -> Result<Facts, Unfit> {
        Facts::new(ticket)
    }

    /// `false` only where no match with both can hold all hard rules at `now`. Allocates nothing.
    pub fn may_meet(&self, a: &Facts, b: &Facts, now: Time) -> bool {
        self.why_apart(a, b, now, Time(0)).is_none()
    }

    /// [`Judge::may_meet`] for matches in which nobody was enqueued before `oldest`, and if they can't, why. Where rules go by the age
    /// of the oldest ticket, knowing `oldest` parts more.
    pub fn why_apart(&self, _a: &Facts, _b: &Facts, _now: Time, _oldest: Time) -> Option<Broken> {
        None
    }

    /// Whether these tickets in these teams are a match at `now`, and how good a one. The order of tickets within a team means
    /// nothing.
    pub fn judge(&self, _lineup: &Lineup<'_>, _now: Time) -> Verdict {
        Verdict { broken: None, cost: 0.0 }
    }

    /// The first age of a ticket after `age` at which a number of the rule set changes. `None`: none does any more.
    pub fn next_change(&self, _age: Duration) -> Option<Duration> {
        None
    }
}
