//! A queue under rules that were accepted.

use std::{collections::BTreeMap, sync::Arc};

use super::pool::{Choices, ticket};
use crate::{
    Engine, Proposal, Rules, Ticket, Time,
    judge::{Facts, Judge, Lineup},
    rule_set::RuleSet,
};

/// When the first ticket comes.
const START: Time = Time(1_000_000_000);
/// The most tickets.
const TICKETS: usize = 16;
/// The most passes: for each ticket some, and each time that a rule loosens.
const PASSES: usize = 30;
/// More passes on end than this, a millisecond after each other, are no progress.
const IN_A_ROW: usize = 50;

/// The file of a rule set, a zero, and bytes that choose who waits in the queue.
pub fn rule_set_match(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let Ok(text) = std::str::from_utf8(&data[..end]) else { return };
    let Ok(parsed) = RuleSet::parse(text) else { return };
    let rules = Arc::new(parsed.rules);
    let mut choices = Choices(data.get(end + 1..).unwrap_or_default());
    let mut queue = Queue::new(rules);
    let count = 2 + choices.below(TICKETS - 1);
    let (mut now, mut coming) = (START, 0);
    let mut in_a_row = 0;
    for _ in 0..PASSES {
        while coming < count && choices.below(3) != 2 {
            coming += 1;
            queue.insert(ticket(&mut choices, &queue.rules, coming as u64, now));
        }
        queue.pass(now, if choices.below(4) == 3 { 1 } else { usize::MAX });
        queue.explain_one(now);
        let arrival = (coming < count).then(|| Time(now.0 + 1 + choices.below(200) as u64 * 100));
        let Some(next) = [arrival, queue.engine.next_deadline()].into_iter().flatten().min() else { return };
        assert!(next > now, "{next:?} has come and gone at {now:?}");
        in_a_row = if next.0 == now.0 + 1 { in_a_row + 1 } else { 0 };
        assert!(in_a_row < IN_A_ROW, "{IN_A_ROW} passes over {} tickets come to no end", queue.waiting.len());
        now = next;
    }
}

struct Queue {
    rules: Arc<RuleSet>,
    judge: Judge,
    engine: Engine,
    /// Who ought to wait, by id.
    waiting: BTreeMap<String, Ticket>,
}

impl Queue {
    fn new(rules: Arc<RuleSet>) -> Self {
        let (engine, judge) =
            (Engine::new(Rules::RuleSet(Arc::clone(&rules))), Judge::new(Arc::clone(&rules)));
        Self { rules, judge, engine, waiting: BTreeMap::new() }
    }

    fn insert(&mut self, ticket: Ticket) {
        let fits = self.judge.facts(&ticket);
        if let Err(unfit) = &fits {
            assert!(!unfit.0.is_empty() && unfit.0.len() < 2_000, "{} bytes: {unfit}", unfit.0.len());
        }
        assert_eq!(self.engine.insert(ticket.clone()), fits.is_ok(), "{ticket:?}");
        if fits.is_ok() {
            assert!(!self.engine.insert(ticket.clone()), "it is there already");
            self.waiting.insert(ticket.id.to_string(), ticket);
        }
    }

    fn pass(&mut self, now: Time, limit: usize) {
        let made = self.engine.next_matches(now, limit);
        assert!(made.len() <= limit);
        for proposal in &made {
            self.check(proposal, now);
        }
        assert_eq!(self.engine.len(), self.waiting.len());
    }

    /// Whoever plays has waited, has one place, and all rules hold.
    fn check(&mut self, proposal: &Proposal, now: Time) {
        for ticket in &proposal.tickets {
            assert_eq!(self.waiting.remove(ticket.id.as_str()).as_ref(), Some(ticket));
        }
        let facts: Vec<(Facts, &Ticket)> = proposal
            .tickets
            .iter()
            .map(|ticket| (self.judge.facts(ticket).expect("it was taken"), ticket))
            .collect();
        let mut placed = 0;
        let teams: Vec<Vec<&Facts>> = proposal
            .teams
            .iter()
            .map(|team| {
                let of_team = facts.iter().filter(|(_, ticket)| team.players.contains(&ticket.players[0].id));
                let of_team: Vec<_> = of_team.collect();
                let players =
                    of_team.iter().flat_map(|(_, ticket)| ticket.players.iter().map(|player| &player.id));
                assert!(team.players.iter().eq(players), "a party is split: {proposal:?}");
                placed += of_team.len();
                of_team.into_iter().map(|(facts, _)| facts).collect()
            })
            .collect();
        assert_eq!(placed, facts.len(), "somebody has no place, or two: {proposal:?}");
        let verdict = self.judge.judge(&Lineup { teams: &teams }, now);
        // Sums of fractions go by the order in which they are added.
        let is_broken = verdict.broken.is_some_and(|broken| broken.by.is_none_or(|by| by > 1e-6));
        assert!(!is_broken, "{verdict:?}: {proposal:#?} at {now:?}");
    }

    fn explain_one(&self, now: Time) {
        let Some(ticket) = self.waiting.values().next() else { return };
        let explained = self.engine.explain(&ticket.id, now).expect("it waits");
        assert!(format!("{explained:?}").len() < 64 * 1024);
    }
}
