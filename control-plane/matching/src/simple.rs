//! The engine of a queue whose rules know sizes and ages only.
//!
//! It keeps the tickets and the time of the last pass; which of them fit together is the strategies' decision.

mod explain;
mod pool;
mod strategy;

use std::time::Duration;

use self::{
    pool::Pool,
    strategy::{Selection, Vain},
};
use crate::{PlayerId, Proposal, Rules, Team, Ticket, TicketId, Time};

/// The tickets of one queue, and what its rules make of them.
#[derive(Debug)]
pub(crate) struct Simple {
    rules: Rules,
    pool: Pool,
    /// When [`Simple::next_matches`] was last asked.
    last_pass: Time,
    /// Whether that pass ended because it had made as many matches as were asked for.
    cut_short: bool,
}

impl Simple {
    /// An empty queue under these rules.
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, pool: Pool::default(), last_pass: Time::default(), cut_short: false }
    }

    /// Adds a ticket, or puts one back with the age and order that it had.
    ///
    /// `false`, and nothing changes, where a ticket of this id or of this order is there already, or where the ticket has
    /// no player or more than [`Rules::max_party`].
    pub(crate) fn insert(&mut self, ticket: Ticket) -> bool {
        let fits =
            u32::try_from(ticket.size()).is_ok_and(|size| (1..=self.rules.max_party()).contains(&size));
        fits && self.pool.insert(ticket)
    }

    /// Takes a ticket out. `None` where it isn't there, for example because it is in a proposal.
    pub(crate) fn remove(&mut self, id: &TicketId) -> Option<Ticket> {
        self.pool.remove(id)
    }

    /// The matches that can be made now, oldest ticket first, at most `limit` of them. Their tickets leave the engine.
    ///
    /// A match is made around its anchor, the oldest ticket that can be matched, and takes the oldest others with which
    /// the numbers come out exactly. Of two tickets of one size, the older is always taken first. A ticket that expires
    /// at `now` or before is never in a match. Where `limit` matches come back there may be more to make.
    pub(crate) fn next_matches(&mut self, now: Time, limit: usize) -> Vec<Proposal> {
        self.pool.set_now(now);
        self.last_pass = now;
        let mut vain = Vain::default();
        let mut proposals = Vec::new();
        while proposals.len() < limit {
            let Some(selection) = strategy::next(&self.rules, &self.pool, now, &mut vain) else {
                self.cut_short = false;
                // Every head has been tried, whoever it overtook.
                self.pool.overtaken();
                return proposals;
            };
            proposals.push(self.propose(&selection));
        }
        // Who asks for none is not to be called back for more.
        self.cut_short = limit > 0;
        proposals
    }

    /// A pass that looks for nothing.
    pub(crate) fn pass_over(&mut self, now: Time) {
        self.pool.set_now(now);
        self.last_pass = now;
        self.cut_short = false;
        self.pool.overtaken();
    }

    /// Takes out the tickets whose lifetime is over, at most `limit` of them, earliest first.
    pub(crate) fn take_expired(&mut self, now: Time, limit: usize) -> Vec<Ticket> {
        std::iter::from_fn(|| {
            let order = self.pool.first_expired(now)?;
            self.pool.take(order)
        })
        .take(limit)
        .collect()
    }

    /// When something may change by time alone: the next expiry, or the next time at which the rules let a ticket do what they
    /// did not let it do in the last pass. `None`: only an insert changes anything.
    ///
    /// An expiry stays due until [`Simple::take_expired`] has taken its ticket. All other deadlines lie after the last
    /// pass: one that has come and made no match does not come again. A pass that ended at its limit is due to go on
    /// a millisecond later.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let soon = self.last_pass + Duration::from_millis(1);
        let unfinished = (self.cut_short || self.pool.is_overtaken()).then_some(soon);
        let turns = self
            .pool
            .heads()
            .flat_map(|(_, head)| self.rules.turning_ages().map(move |age| head.enqueued_at + age))
            .filter(|&turn| turn > self.last_pass)
            .min();
        [unfinished, turns, self.pool.next_expiry()]
            .into_iter()
            .flatten()
            .min()
            // A lifetime of "for ever" ends at the end of time: nobody needs to be woken for that.
            .filter(|&deadline| deadline < Time(u64::MAX))
    }

    /// How many tickets wait here, those included whose lifetime is over and that nobody has taken yet.
    pub(crate) fn len(&self) -> usize {
        self.pool.len()
    }

    /// The tickets, oldest first.
    pub(crate) fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.pool.tickets()
    }

    /// Takes the selected tickets out.
    fn propose(&mut self, selection: &Selection) -> Proposal {
        let mut players: Vec<Vec<PlayerId>> = vec![Vec::new(); selection.teams];
        let mut tickets = Vec::with_capacity(selection.tickets.len());
        for place in &selection.tickets {
            let ticket = self.pool.take(place.order).expect("a strategy selects from the pool");
            if let Some(team) = players.get_mut(place.team) {
                team.extend(ticket.players.iter().map(|player| player.id.clone()));
            }
            tickets.push(ticket);
        }
        let teams = players
            .into_iter()
            .zip(1..)
            .map(|(players, number): (_, usize)| Team { name: format!("team-{number}"), players })
            .collect();
        Proposal { tickets, teams }
    }
}
