//! An engine beside a model of what waits in it, and the checks that every answer has to pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use matching::{Engine, PlayerId, Proposal, Rules, Ticket, Time};

use crate::made_up;

/// One thing that happens to a queue.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A ticket comes. `skew` is by how much its clock is behind.
    Insert { size: u32, lifetime: u64, skew: u64 },
    /// The ticket at this place of the queue is cancelled.
    Remove(usize),
    /// Of the tickets that were proposed, this one comes back: its match did not happen.
    PutBack(usize),
    /// Matches are asked for.
    Pass { limit: usize },
    /// Expired tickets are taken out.
    Expire { limit: usize },
    /// Time goes by.
    Wait(u64),
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    /// What ought to wait in the engine.
    pub(crate) waiting: BTreeMap<u64, Ticket>,
    pub(crate) now: u64,
    /// Every proposal so far.
    pub(crate) proposals: Vec<Proposal>,
    proposed: Vec<Ticket>,
    orders: u64,
}

impl World {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            engine: Engine::new(rules),
            waiting: BTreeMap::new(),
            now: 1_000,
            proposals: Vec::new(),
            proposed: Vec::new(),
            orders: 0,
        }
    }

    pub(crate) fn run(&mut self, step: &Step) {
        match *step {
            Step::Insert { size, lifetime, skew } => {
                self.orders += 1;
                let ticket = made_up::ticket(self.orders, size, self.now - skew, self.now + lifetime);
                let taken = self.engine.insert(ticket.clone());
                assert_eq!(taken, size <= self.engine.rules().max_party());
                assert!(!self.engine.insert(ticket.clone()), "the same ticket twice");
                if taken {
                    self.waiting.insert(ticket.order, ticket);
                }
            }
            Step::Remove(at) => {
                let ticket = self.waiting.values().nth(at % self.waiting.len().max(1)).cloned();
                if let Some(ticket) = ticket {
                    self.waiting.remove(&ticket.order);
                    assert_eq!(self.engine.remove(&ticket.id).as_ref(), Some(&ticket));
                    assert_eq!(self.engine.remove(&ticket.id), None);
                }
            }
            Step::PutBack(at) => {
                if !self.proposed.is_empty() {
                    let ticket = self.proposed.swap_remove(at % self.proposed.len());
                    assert!(self.engine.insert(ticket.clone()));
                    self.waiting.insert(ticket.order, ticket);
                }
            }
            Step::Pass { limit } => self.pass(limit),
            Step::Expire { limit } => self.expire(limit),
            Step::Wait(milliseconds) => self.now += milliseconds,
        }
        assert_eq!(self.engine.len(), self.waiting.len());
        assert!(self.engine.tickets().eq(self.waiting.values()), "the queue, oldest first");
    }

    fn pass(&mut self, limit: usize) {
        let proposals = self.engine.next_matches(Time(self.now), limit);
        assert!(proposals.len() <= limit);
        for proposal in &proposals {
            self.check(proposal);
        }
        let overdue = self.waiting.values().any(|ticket| ticket.expires_at.0 <= self.now);
        if let Some(deadline) = self.engine.next_deadline() {
            assert!(overdue || deadline.0 > self.now, "{deadline:?} has come and gone at {}", self.now);
        }
        self.proposals.extend(proposals);
    }

    fn expire(&mut self, limit: usize) {
        let expired = self.engine.take_expired(Time(self.now), limit);
        assert!(expired.is_sorted_by_key(|ticket| (ticket.expires_at, ticket.order)));
        for ticket in &expired {
            assert!(ticket.expires_at.0 <= self.now);
            assert_eq!(self.waiting.remove(&ticket.order).as_ref(), Some(ticket));
        }
        let overdue = self.waiting.values().filter(|ticket| ticket.expires_at.0 <= self.now).count();
        assert!(expired.len() == limit || overdue == 0, "{overdue} were left");
    }

    /// Takes a proposal out of the model, if it may be.
    fn check(&mut self, proposal: &Proposal) {
        assert!(proposal.tickets.is_sorted_by_key(|ticket| ticket.order));
        for ticket in &proposal.tickets {
            // Waiting until now: not removed, not expired, and in no other match.
            assert_eq!(self.waiting.remove(&ticket.order).as_ref(), Some(ticket));
            assert!(ticket.expires_at.0 > self.now, "{ticket:?} is dead at {}", self.now);
        }
        for ticket in &proposal.tickets {
            let passed_over = self.waiting.values().find(|other| {
                other.size() == ticket.size() && other.order < ticket.order && other.expires_at.0 > self.now
            });
            assert_eq!(passed_over, None, "an older one of its size than {ticket:?}");
        }
        self.check_numbers(proposal);
        self.proposed.extend(proposal.tickets.iter().cloned());
    }

    fn check_numbers(&self, proposal: &Proposal) {
        let waited = proposal.tickets.iter().map(|ticket| Time(self.now).since(ticket.enqueued_at)).max();
        let waited: Duration = waited.expect("a match has tickets");
        let players: usize = proposal.tickets.iter().map(Ticket::size).sum();
        match self.engine.rules() {
            Rules::RuleSet(_) => unreachable!("these queues have none"),
            Rules::StartAlone => {
                assert_eq!(proposal.tickets.len(), 1);
                assert_eq!(proposal.teams, []);
            }
            Rules::FillGroup { min_players, max_players, min_wait, relax_after } => {
                assert!(waited >= *min_wait);
                let relaxed = relax_after.is_some_and(|age| waited >= age);
                let fewest = if relaxed { *min_players } else { *max_players };
                assert!((fewest as usize..=*max_players as usize).contains(&players), "{players} players");
                assert_eq!(proposal.teams, []);
            }
            Rules::Teams { sizes, min_wait } => {
                assert!(waited >= *min_wait);
                check_teams(proposal, sizes);
            }
        }
    }
}

fn check_teams(proposal: &Proposal, sizes: &[u32]) {
    let filled: Vec<u32> = proposal.teams.iter().map(|team| team.players.len() as u32).collect();
    assert_eq!(filled, sizes);
    for (team, number) in proposal.teams.iter().zip(1..) {
        assert_eq!(team.name, format!("team-{number}"));
    }
    for ticket in &proposal.tickets {
        let party: BTreeSet<&PlayerId> = ticket.players.iter().map(|player| &player.id).collect();
        let teams =
            proposal.teams.iter().filter(|team| team.players.iter().any(|player| party.contains(player)));
        assert_eq!(teams.count(), 1, "{ticket:?} plays in one team");
    }
    let everybody: BTreeSet<&PlayerId> = proposal.teams.iter().flat_map(|team| &team.players).collect();
    let players: usize = proposal.tickets.iter().map(Ticket::size).sum();
    assert_eq!(everybody.len(), players, "everybody has one place");
}
