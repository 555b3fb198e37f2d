//! The engine of a queue with a rule set: which tickets are tried together, in what order, and with how much work.
//!
//! A ticket is tried when something new is to be found with it: when it came (or came back), and when time loosens a rule for it.
//! A try looks at the tickets that lie closest ([`neighbours`]), groups them ([`grouping`] where all are solos, else
//! [`assembly`]), puts them into teams ([`teams`]) and asks the judge. The anchor of a try is the oldest ticket that could
//! be matched by it: closeness decides who joins, never whether the oldest has to wait.
//!
//! The work of one try is bounded ([`Effort`]), whatever the rules: so an arrival costs the same in a queue of a hundred and
//! of a million. The price: in a queue with more compatible tickets around than a try looks at, a match that only an unlikely
//! combination allows may be found later. A try that gave up for that reason is made again, less and less often, and looks
//! further each time.

mod assembly;
mod effort;
mod explain;
mod grouping;
mod neighbours;
mod teams;
mod waiting;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{
    Proposal, Team, Ticket, TicketId, Time,
    judge::{Judge, Unfit},
    rule_set::{RuleSet, Strategy},
};

pub(crate) use self::effort::Effort;
use self::{
    teams::Arranged,
    waiting::{NEVER, Slot, Waiting},
};

/// How long after a try that gave up the ticket is tried again, the first time; each time it is twice as long, up to the
/// last.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Effort after which a pass ends, to be gone on with a millisecond later: whoever owns the queue has other things to do, and so have
/// other queues.
const OF_A_PASS: u32 = 100_000;

/// The tickets of one queue, under its rule set.
#[derive(Debug)]
pub(crate) struct Search {
    judge: Judge,
    /// Whether somebody else than who lies closest may be preferred: by a weight, or a sort rule.
    prefers_others: bool,
    /// Whether a match may be better than another beyond how close its tickets lie: by preferences, or balance.
    choosy: bool,
    waiting: Waiting,
    /// Those to be tried in the next pass, oldest first.
    untried: BTreeSet<(u64, Slot)>,
    /// When time may change something for a ticket.
    turns: BTreeSet<(Time, u64, Slot)>,
    last_pass: Time,
    cut_short: bool,
    /// Whether dividing all of what waits found nothing.
    indivisible: bool,
}

impl Search {
    pub(crate) fn new(rules: Arc<RuleSet>) -> Self {
        let weighs = rules.rules.iter().any(|rule| rule.weight.is_some());
        let balances = matches!(rules.algorithm.strategy, Strategy::Balanced { .. });
        let judge = Judge::new(rules);
        Self {
            prefers_others: weighs || judge.sorts(),
            judge,
            choosy: weighs || balances,
            waiting: Waiting::default(),
            untried: BTreeSet::new(),
            turns: BTreeSet::new(),
            last_pass: Time::default(),
            cut_short: false,
            indivisible: false,
        }
    }

    pub(crate) fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Adds a ticket; false, and nothing changes, where its id or order is here already.
    ///
    /// # Errors
    /// No match can ever take it.
    pub(crate) fn insert(&mut self, ticket: Ticket) -> Result<bool, Unfit> {
        let facts = self.judge.facts(&ticket)?;
        let (order, since) = (ticket.order, ticket.enqueued_at);
        let Some(slot) = self.waiting.insert(ticket, facts) else {
            return Ok(false);
        };
        self.untried.insert((order, slot));
        // What loosened before it came here is tried with it.
        self.turn_at(slot, self.next_change(since, self.last_pass));
        Ok(true)
    }

    pub(crate) fn remove(&mut self, id: &TicketId) -> Option<Ticket> {
        let slot = self.waiting.find(id)?;
        Some(self.take(slot))
    }

    /// The matches that can be made now, at most `limit`.
    pub(crate) fn next_matches(&mut self, now: Time, limit: usize) -> Vec<Proposal> {
        self.last_pass = now;
        // A pass that goes on with another needn't divide what that one could not.
        self.indivisible &= self.cut_short;
        self.cut_short = false;
        self.take_turns(now);
        let mut proposals = self.divide_all(now, limit);
        let mut spent = 0;
        while let Some(&(order, slot)) = self.untried.first() {
            if proposals.len() == limit || spent > OF_A_PASS {
                // Who asks for none is not to be called back for more.
                self.cut_short = limit > 0;
                break;
            }
            let tries = self.waiting[slot].tries;
            let mut effort = Effort::of_try(tries, self.judge.most_players(), self.choosy);
            let found =
                if self.waiting[slot].is_alive(now) { self.attempt(slot, now, &mut effort) } else { None };
            spent += effort.spent();
            match found {
                Some(arranged) => proposals.push(self.propose(&arranged)),
                None => {
                    self.untried.remove(&(order, slot));
                    if effort.gave_up() {
                        let pause = (AGAIN.0 * 2u32.saturating_pow(tries.into())).min(AGAIN.1);
                        self.waiting[slot].tries = tries.saturating_add(1).min(Effort::MOST_TRIES);
                        let turn = self.waiting[slot].turn;
                        self.turn_at(slot, turn.min(now + pause));
                    }
                }
            }
        }
        proposals
    }

    /// A pass that looks for nothing.
    pub(crate) fn pass_over(&mut self, now: Time) {
        self.last_pass = now;
        // A pass that goes on with another needn't divide what that one could not.
        self.indivisible &= self.cut_short;
        self.cut_short = false;
        self.take_turns(now);
    }

    /// Takes out the tickets whose lifetime is over, at most `limit` of them, earliest first.
    pub(crate) fn take_expired(&mut self, now: Time, limit: usize) -> Vec<Ticket> {
        std::iter::from_fn(|| self.waiting.first_expired(now).map(|slot| self.take(slot)))
            .take(limit)
            .collect()
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let soon = self.cut_short.then_some(self.last_pass + Duration::from_millis(1));
        let turn = self.turns.first().map(|(at, ..)| *at);
        [soon, turn, self.waiting.next_expiry()].into_iter().flatten().min()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Oldest first.
    pub(crate) fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.waiting.tickets()
    }

    /// Where most of the queue is new, and as many matches are wanted as that is worth, all of it is divided at once.
    fn divide_all(&mut self, now: Time, limit: usize) -> Vec<Proposal> {
        /// A division of all costs about as much as a try for each so many tickets.
        const WORTH: usize = 16;
        let new = self.untried.len();
        if self.prefers_others || self.indivisible {
            return Vec::new();
        }
        if new < WORTH || new.min(limit) < self.waiting.len() / WORTH {
            return Vec::new();
        }
        let found = grouping::all(&self.judge, &self.waiting, now, self.choosy);
        self.indivisible = found.is_empty();
        found.iter().take(limit).map(|arranged| self.propose(arranged)).collect()
    }

    /// Looks for a match that has to do with this ticket.
    fn attempt(&self, slot: Slot, now: Time, effort: &mut Effort) -> Option<Arranged> {
        let near = neighbours::of(&self.judge, &self.waiting, slot, now, effort);
        if !self.prefers_others
            && let Some(arranged) = grouping::closest(&self.judge, &self.waiting, &near, now, effort)
        {
            return Some(arranged);
        }
        assembly::around(&self.judge, &self.waiting, &near, now, effort)
    }

    /// Tickets for whom something may have loosened are to be tried again.
    fn take_turns(&mut self, now: Time) {
        while let Some(&(at, order, slot)) = self.turns.first().filter(|(at, ..)| *at <= now) {
            self.turns.remove(&(at, order, slot));
            self.untried.insert((order, slot));
            let since = self.waiting[slot].ticket.enqueued_at;
            self.waiting[slot].turn = NEVER;
            self.turn_at(slot, self.next_change(since, now));
        }
    }

    fn turn_at(&mut self, slot: Slot, at: Time) {
        let order = self.waiting[slot].ticket.order;
        let before = std::mem::replace(&mut self.waiting[slot].turn, at);
        if before != NEVER {
            self.turns.remove(&(before, order, slot));
        }
        if at != NEVER {
            self.turns.insert((at, order, slot));
        }
    }

    /// When the rules loosen next for a ticket that came at `since`, after `now`.
    fn next_change(&self, since: Time, now: Time) -> Time {
        self.judge.next_change(now.since(since)).map_or(NEVER, |age| since + age)
    }

    fn take(&mut self, slot: Slot) -> Ticket {
        let entry = self.waiting.remove(slot);
        let order = entry.ticket.order;
        self.untried.remove(&(order, slot));
        if entry.turn != NEVER {
            self.turns.remove(&(entry.turn, order, slot));
        }
        entry.ticket
    }

    /// Takes the arranged tickets out.
    fn propose(&mut self, arranged: &Arranged) -> Proposal {
        let played = self.judge.plan().teams.iter();
        let mut teams: Vec<_> =
            played.map(|team| Team { name: team.name.clone(), players: Vec::new() }).collect();
        let mut places: Vec<(u64, usize, Slot)> = Vec::new();
        for (team, slots) in arranged.teams.iter().enumerate() {
            places.extend(slots.iter().map(|&slot| (self.waiting[slot].ticket.order, team, slot)));
        }
        places.sort_unstable();
        let mut tickets = Vec::with_capacity(places.len());
        for (_, team, slot) in places {
            let ticket = self.take(slot);
            teams[team].players.extend(ticket.players.iter().map(|player| player.id.clone()));
            tickets.push(ticket);
        }
        Proposal { tickets, teams }
    }
}
