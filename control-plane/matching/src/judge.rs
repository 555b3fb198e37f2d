//! Whether tickets are a match under a rule set, and how good a one.
//!
//! A rule set is compiled once ([`Judge::new`]), a ticket is looked at once ([`Judge::facts`]), and then two questions are asked
//! very often. [`Judge::judge`] is the truth: all rules, exactly, of a whole lineup. [`Judge::may_meet`] is cheap and
//! about two tickets only, and errs on one side: it never parts two that a match could hold. Which tickets are asked about
//! is the search's business; [`Plan`] tells it where to look.

mod ages;
mod collection;
mod derive;
mod facts;
mod fitness;
mod latency;
mod measure;
mod moments;
mod numbers;
mod numeric;
mod pairs;
mod plan;
mod roles;
mod rule;
mod sizes;
mod slots;
mod sorting;
mod teams;
mod value;
mod win;

use std::{sync::Arc, time::Duration};

pub use facts::{Facts, Unfit};
pub use plan::{Near, Plan, PlayedTeam};

use self::{
    ages::{Ages, Spans},
    facts::Nearness,
    measure::Crew,
    moments::Moments,
    pairs::PairTest,
    roles::Roles,
    rule::{Miss, Rule},
    slots::{NumberOf, Slots},
    sorting::Sorting,
};
use crate::{
    Ticket, Time,
    rule_set::{Aggregation, AttributeType, RuleSet, Strategy},
};

/// A rule set, made ready to be asked.
#[derive(Debug)]
pub struct Judge {
    rules: Arc<RuleSet>,
    plan: Plan,
    slots: Slots,
    compiled: Vec<Rule>,
    pairs: Vec<PairTest>,
    /// By team as played.
    roles: Vec<Roles>,
    /// Each team's name and its kind's.
    names: Vec<[String; 2]>,
    moments: Moments,
    near: Option<Nearness>,
    /// The slot of the number by which teams are balanced.
    balanced: Option<usize>,
    most_players: usize,
    sorting: Sorting,
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
    /// balanced strategy. Infinite where something is broken.
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
    /// The team of this index into [`Plan::teams`] has too few or too many players. Of two tickets that are more players than a
    /// match ever has: the first.
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
        let mut played = teams::as_played(&rules);
        let names: Vec<[String; 2]> =
            played.iter().map(|team| [team.name.clone(), rules.teams[team.spec].name.clone()]).collect();
        let mut slots = Slots::new(&rules.attributes);
        let shared = plan::shared_lists(&rules, &mut slots);
        let usual = rules.algorithm.expansion_age;
        let compiled: Vec<Rule> =
            rules.rules.iter().map(|rule| Rule::new(rule, &mut slots, &names, usual)).collect();
        for (_, wanted) in compiled.iter().flat_map(|rule| &rule.looks_at) {
            slots.look_at(wanted);
        }
        teams::tell_apart(&mut played, compiled.iter().flat_map(|rule| rule.named.iter().cloned()));
        let pairs = derive::pair_tests(&derive::demanded(&compiled), &mut slots, &played);
        let near = plan::nearness(&rules, &compiled, &pairs, &mut slots);
        let balanced = balanced(&rules, &mut slots);
        Self {
            moments: Moments::new(&rules, &compiled),
            roles: played.iter().map(|team| Roles::new(&rules.teams[team.spec].roles)).collect(),
            most_players: plan::most_players(&played),
            sorting: Sorting::new(&rules),
            plan: Plan::new(played, &pairs, &slots, near, shared),
            rules,
            slots,
            compiled,
            pairs,
            names,
            near,
            balanced,
        }
    }

    /// The rule set.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// How the search should look for tickets.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether a sort rule says which tickets are looked at first.
    pub fn sorts(&self) -> bool {
        !self.sorting.is_empty()
    }

    /// The tickets that may be in a match with `anchor` in the order of the sort rules: those to be looked at first come first, and
    /// equals keep their order.
    pub fn sorted<'a, T>(&self, anchor: &Facts, tickets: Vec<T>, facts: impl Fn(&T) -> &'a Facts) -> Vec<T> {
        let place = |ticket: T| (self.sorting.place(anchor, facts(&ticket)), ticket);
        let mut placed: Vec<_> = tickets.into_iter().map(place).collect();
        placed.sort_by(|(a, _), (b, _)| sorting::compare(a, b));
        placed.into_iter().map(|(_, ticket)| ticket).collect()
    }

    /// The most players that a match ever has.
    pub fn most_players(&self) -> usize {
        self.most_players
    }

    /// What the rules look at in a ticket.
    ///
    /// # Errors
    /// No match can ever take this ticket, whoever comes and however long it waits: a sentence for its owner.
    pub fn facts(&self, ticket: &Ticket) -> Result<Facts, Unfit> {
        let asked = ticket.players.iter().filter_map(|player| player.team.as_deref());
        let teams = teams::asked_for(asked, &self.names).map_err(|name| {
            Unfit(format!("No team \"{name}\" can take all players of this ticket: ask for one that is there, all for the same."))
        })?;
        let facts = Facts::new(ticket, &self.slots, self.near, teams);
        fitness::check(self, &facts)?;
        Ok(facts)
    }

    /// `false` only where no match with both can hold all hard rules at `now`. Allocates nothing.
    pub fn may_meet(&self, a: &Facts, b: &Facts, now: Time) -> bool {
        self.why_apart(a, b, now, Time(0)).is_none()
    }

    /// [`Judge::may_meet`] for matches in which nobody was enqueued before `oldest`, and if they can't, why. Where rules go by the age
    /// of the oldest ticket, knowing `oldest` parts more.
    pub fn why_apart(&self, a: &Facts, b: &Facts, now: Time, oldest: Time) -> Option<Broken> {
        if a.size() + b.size() > self.most_players {
            let by = (a.size() + b.size() - self.most_players) as f64;
            return Some(Broken { what: Breach::TeamSize(0), by: Some(by) });
        }
        let (younger, older) = (a.enqueued_at.max(b.enqueued_at), a.enqueued_at.min(b.enqueued_at));
        let (younger, older) = (now.since(younger), now.since(older));
        let spans = if self.most_players == 2 {
            Spans::exactly(younger, older)
        } else {
            Spans::with(younger, older, now.since(oldest))
        };
        self.pairs.iter().find_map(|test| test.why_apart(a, b, spans))
    }

    /// Whether these tickets in these teams are a match at `now`, and how good a one. The order of tickets within a team means
    /// nothing.
    pub fn judge(&self, lineup: &Lineup<'_>, now: Time) -> Verdict {
        let crew = lineup.teams;
        let ages = Ages::of(crew.iter().flatten().map(|facts| facts.enqueued_at), now);
        match self.broken(crew, ages) {
            Some(broken) => Verdict { broken: Some(broken), cost: f64::INFINITY },
            None => Verdict { broken: None, cost: self.cost(crew, ages) },
        }
    }

    /// The first age of a ticket after `age` at which a number changes that decides whether there is a match. `None`: none does any
    /// more.
    pub fn next_change(&self, age: Duration) -> Option<Duration> {
        self.moments.after(age)
    }

    fn broken(&self, crew: &Crew<'_>, ages: Ages) -> Option<Broken> {
        let basis = self.rules.algorithm.expansion_age;
        if let Some(broken) = sizes::broken(crew, &self.plan.teams, ages.by(basis)) {
            return Some(broken);
        }
        let rules = self.compiled.iter().enumerate().filter(|(_, rule)| rule.is_hard());
        for (index, rule) in rules {
            if let Err(Miss(by)) = rule.holds(&self.compiled, crew, ages) {
                return Some(Broken { what: Breach::Rule(index), by });
            }
        }
        for (team, (roles, tickets)) in self.roles.iter().zip(crew).enumerate() {
            let unfilled = roles.unfilled(tickets);
            if unfilled > 0 {
                return Some(Broken { what: Breach::Roles(team), by: Some(unfilled as f64) });
            }
        }
        sizes::uneven_parties(crew, self.rules.algorithm.premade_parity?)
    }

    fn cost(&self, crew: &Crew<'_>, ages: Ages) -> f64 {
        let preferences = self.compiled.iter().filter(|rule| !rule.only_in_compounds);
        let broken: f64 = preferences
            .filter_map(|rule| rule.weight.map(|weight| (rule, weight)))
            .filter(|(rule, _)| rule.holds(&self.compiled, crew, ages).is_err())
            .map(|(_, weight)| weight)
            .sum();
        let spread = rule::spread(crew, |facts| facts.near().unwrap_or(f64::NAN));
        let imbalance = self.balanced.map_or(0.0, |slot| sizes::imbalance(crew, slot));
        broken * PREFERENCE + spread + imbalance / 100.0
    }
}

/// The slot of the attribute by which teams are balanced.
fn balanced(rules: &RuleSet, slots: &mut Slots) -> Option<usize> {
    let Strategy::Balanced { attribute } = &rules.algorithm.strategy else {
        return None;
    };
    let wanted = slots.wanted(attribute).filter(|wanted| wanted.kind == AttributeType::Number).cloned()?;
    Some(slots.number(&wanted, NumberOf::Party(Aggregation::Avg)))
}

#[cfg(test)]
mod tests;
