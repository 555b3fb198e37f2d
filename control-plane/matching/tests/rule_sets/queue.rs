//! An engine with a rule set, watched: whatever it proposes is checked, and whatever it leaves is tried by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use matching::{Engine, Proposal, Rules, Ticket, TicketId, Time, rule_set::RuleSet};

use crate::{
    checker::{Match, team_names},
    possible,
};

pub(crate) struct Queue {
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) engine: Engine,
    /// What ought to wait.
    pub(crate) waiting: BTreeMap<u64, Ticket>,
    /// Each proposal, and when.
    pub(crate) made: Vec<(Time, Proposal)>,
}

impl Queue {
    pub(crate) fn new(rules: &Arc<RuleSet>) -> Self {
        let engine = Engine::new(Rules::RuleSet(Arc::clone(rules)));
        Self { rules: Arc::clone(rules), engine, waiting: BTreeMap::new(), made: Vec::new() }
    }

    /// Whether it was taken.
    pub(crate) fn insert(&mut self, ticket: Ticket, now: Time) -> bool {
        let taken = self.engine.insert(ticket.clone());
        if taken {
            self.waiting.insert(ticket.order, ticket);
        } else {
            let alone = possible::any(&self.rules, &[&ticket], now);
            assert!(!alone, "{ticket:?} wasn't taken and could play\n{:#?}", self.rules);
        }
        taken
    }

    pub(crate) fn cancel(&mut self, order: u64) -> Option<Ticket> {
        let ticket = self.waiting.remove(&order)?;
        assert_eq!(self.engine.remove(&ticket.id).as_ref(), Some(&ticket));
        Some(ticket)
    }

    /// Asks for matches and checks each.
    pub(crate) fn pass(&mut self, now: Time, limit: usize) -> Vec<Proposal> {
        let proposals = self.engine.next_matches(now, limit);
        for proposal in &proposals {
            self.check(proposal, now);
        }
        let deadline = self.engine.next_deadline();
        assert!(deadline.is_none_or(|deadline| deadline > now), "{deadline:?} has come and gone at {now:?}");
        assert_eq!(self.engine.len(), self.waiting.len());
        self.made.extend(proposals.iter().cloned().map(|proposal| (now, proposal)));
        proposals
    }

    /// Whether those who wait could be matched.
    pub(crate) fn could_match(&self, now: Time) -> bool {
        let waiting: Vec<&Ticket> = self.waiting.values().collect();
        possible::any(&self.rules, &waiting, now)
    }

    fn check(&mut self, proposal: &Proposal, now: Time) {
        assert!(proposal.tickets.is_sorted_by_key(|ticket| ticket.order));
        for ticket in &proposal.tickets {
            // Waiting until now: in no other match, and not cancelled.
            assert_eq!(self.waiting.remove(&ticket.order).as_ref(), Some(ticket));
        }
        let names = team_names(&self.rules);
        assert!(proposal.teams.iter().map(|team| &team.name).eq(names.iter().map(|(own, _)| own)));
        let mut placed = BTreeSet::new();
        let teams = proposal.teams.iter().map(|team| {
            let of_team =
                proposal.tickets.iter().filter(|ticket| team.players.contains(&ticket.players[0].id));
            let of_team: Vec<&Ticket> = of_team.collect();
            let players = of_team.iter().flat_map(|ticket| ticket.players.iter().map(|player| &player.id));
            assert!(team.players.iter().eq(players), "parties stay whole, the oldest first: {proposal:?}");
            placed.extend(of_team.iter().map(|ticket| ticket.id.clone()));
            of_team
        });
        let teams = teams.collect();
        let all: BTreeSet<TicketId> = proposal.tickets.iter().map(|ticket| ticket.id.clone()).collect();
        assert_eq!(placed, all, "everybody has a place");
        let slow = Match { rules: &self.rules, teams, now };
        assert!(slow.holds(), "{proposal:#?} is no match at {now:?} under\n{:#?}", self.rules);
    }
}
