//! The tickets of one queue, as its owner knows them: no I/O, time as an argument.
//!
//! Each ticket is in one of three places: in the engine, in a match that is being placed, or among those that no match can
//! take. They are kept together here, so that a ticket that is gone is gone from all of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use matching::{Engine, Rules, TicketId, Time, judge::Judge};
use storage::TicketRecord;

use super::{outlook::Standing, place::Match};

/// Every queued ticket of a queue.
#[derive(Debug)]
pub(super) struct Waiting {
    engine: Engine,
    /// All of them.
    records: HashMap<TicketId, Arc<TicketRecord>>,
    /// Those in matches that are being placed, by order.
    placing: BTreeMap<u64, Arc<TicketRecord>>,
    /// Those that no match can take (their queue's rules changed since they came), by expiry: all they wait for.
    misfits: BTreeSet<(Time, TicketId)>,
    /// In all of them.
    players: usize,
    moves: Moves,
}

/// How often something moved: who finds matches elsewhere sees by it whether to look again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// A ticket came that a match can take, or came back.
    pub(super) came: u64,
    /// A ticket went.
    pub(super) went: u64,
}

/// What there is to say about them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) tickets: usize,
    pub(super) players: usize,
    /// When the first in the queue's order was enqueued.
    pub(super) oldest: Option<Time>,
}

impl Waiting {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            engine: Engine::new(rules),
            records: HashMap::new(),
            placing: BTreeMap::new(),
            misfits: BTreeSet::new(),
            players: 0,
            moves: Moves::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// All tickets, in no order.
    pub(super) fn ids(&self) -> impl Iterator<Item = &TicketId> {
        self.records.keys()
    }

    /// A ticket came. False: no match can take it.
    pub(super) fn came(&mut self, record: Arc<TicketRecord>) -> bool {
        let fits = self.engine.insert(record.ticket.clone());
        if fits {
            self.moves.came += 1;
        } else {
            self.misfits.insert(misfit(&record));
        }
        self.players += record.ticket.size();
        self.records.insert(record.ticket.id.clone(), record);
        fits
    }

    /// A ticket is not queued any more.
    pub(super) fn went(&mut self, id: &TicketId) {
        if let Some(record) = self.records.remove(id) {
            self.players -= record.ticket.size();
            self.moves.went += 1;
            self.engine.remove(id);
            self.placing.remove(&record.ticket.order);
            self.misfits.remove(&misfit(&record));
        }
    }

    /// The matches that can be made now, at most `limit`; their tickets are being placed until they are put back or went.
    pub(super) fn matches(&mut self, now: Time, limit: usize) -> Vec<Match> {
        let proposals = self.engine.next_matches(now, limit);
        let mut matches = Vec::with_capacity(proposals.len());
        for proposal in proposals {
            let known = |id| Arc::clone(self.records.get(id).expect("every ticket in the engine is known"));
            let records: Vec<_> = proposal.tickets.iter().map(|ticket| known(&ticket.id)).collect();
            self.placing.extend(records.iter().map(|record| (record.ticket.order, Arc::clone(record))));
            matches.push(Match { records, teams: Arc::from(proposal.teams) });
        }
        matches
    }

    /// The tickets that a match could take, oldest first, at most `limit`; and how many there are.
    pub(super) fn oldest(&self, limit: usize) -> (Vec<Arc<TicketRecord>>, usize) {
        let known = |id| Arc::clone(self.records.get(id).expect("every ticket in the engine is known"));
        (self.engine.tickets().take(limit).map(|ticket| known(&ticket.id)).collect(), self.engine.len())
    }

    /// What moved so far.
    pub(super) fn moves(&self) -> Moves {
        self.moves
    }

    /// For who finds the matches elsewhere, instead of [`Waiting::matches`]: whether waiting may have changed what the rules allow.
    pub(super) fn pass_over(&mut self, now: Time) -> bool {
        self.engine.pass_over(now)
    }

    /// What asks the rule set, where there is one.
    pub(super) fn judge(&self) -> Option<&Judge> {
        self.engine.judge()
    }

    /// Whether a match could take this ticket now.
    pub(super) fn offers(&self, record: &TicketRecord) -> bool {
        // Of the same id there may be another by now.
        self.records.get(&record.ticket.id).is_some_and(|known| known.ticket.order == record.ticket.order)
            && !self.placing.contains_key(&record.ticket.order)
            && !self.misfits.contains(&misfit(record))
    }

    /// A match that was found elsewhere: its tickets are being placed until they are put back or went. False, and nothing changes,
    /// where one of them is not to be had, or is named twice.
    pub(super) fn take(&mut self, the_match: &Match) -> bool {
        let mut taken: Vec<&Arc<TicketRecord>> = Vec::with_capacity(the_match.records.len());
        for record in &the_match.records {
            if !self.offers(record) || self.engine.remove(&record.ticket.id).is_none() {
                for record in taken {
                    self.engine.insert(record.ticket.clone());
                }
                return false;
            }
            taken.push(record);
        }
        self.placing.extend(taken.into_iter().map(|record| (record.ticket.order, Arc::clone(record))));
        true
    }

    /// The match did not happen: those of its tickets that are still queued return to their place, with their age.
    pub(super) fn put_back(&mut self, the_match: &Match) {
        self.moves.came += 1;
        for record in &the_match.records {
            // Where the rules changed meanwhile, it may fit no match any more.
            if self.placing.remove(&record.ticket.order).is_some()
                && !self.engine.insert(record.ticket.clone())
            {
                self.misfits.insert(misfit(record));
            }
        }
    }

    /// From now on these rules hold. Every ticket keeps its place and its age; the matches that are being placed go on.
    pub(super) fn follow(&mut self, rules: Rules) {
        self.engine = Engine::new(rules);
        self.misfits.clear();
        self.moves.came += 1;
        for record in self.records.values() {
            if !self.placing.contains_key(&record.ticket.order) && !self.engine.insert(record.ticket.clone())
            {
                self.misfits.insert(misfit(record));
            }
        }
    }

    /// Why a ticket waits. `None`: it isn't here.
    pub(super) fn standing(&self, id: &TicketId, now: Time) -> Option<Standing> {
        let record = self.records.get(id)?;
        if self.placing.contains_key(&record.ticket.order) {
            return Some(Standing::BeingPlaced);
        }
        let explained = self.engine.explain(id, now).map(Standing::Waits);
        explained.or_else(|| Some(Standing::Unfit(self.unfit(record))))
    }

    /// Takes out those whose lifetime is over, at most `limit` from each place. One that is being placed stays: its match
    /// may still happen, and if not, it is put back.
    pub(super) fn take_expired(&mut self, now: Time, limit: usize) -> Vec<TicketId> {
        let mut expired: Vec<_> =
            self.engine.take_expired(now, limit).into_iter().map(|ticket| ticket.id).collect();
        let due = self.misfits.iter().take_while(|(at, _)| *at <= now).take(limit);
        expired.extend(due.map(|(_, id)| id.clone()));
        for id in &expired {
            self.went(id);
        }
        expired
    }

    /// When time alone may change something, or might have: what is due stays due until the next pass.
    pub(super) fn deadlines(&self) -> impl Iterator<Item = Time> {
        let misfit = self.misfits.first().map(|(at, _)| *at);
        self.engine.next_deadline().into_iter().chain(misfit)
    }

    pub(super) fn census(&self) -> Census {
        // Each place knows its first, but for the misfits, of which there are hardly any.
        let misfits = self.misfits.iter().filter_map(|(_, id)| self.records.get(id));
        let placing = self.placing.first_key_value().map(|(_, record)| record);
        let others = placing.into_iter().chain(misfits).map(|record| &record.ticket);
        let oldest = self.engine.tickets().next().into_iter().chain(others).min_by_key(|ticket| ticket.order);
        Census {
            tickets: self.records.len(),
            players: self.players,
            oldest: oldest.map(|ticket| ticket.enqueued_at),
        }
    }

    /// Why no match can take a ticket, for its owner.
    fn unfit(&self, record: &TicketRecord) -> String {
        let asked = self.engine.judge().and_then(|judge| judge.facts(&record.ticket).err());
        asked.map_or_else(
            || {
                let (players, rules) = (record.ticket.size(), self.engine.rules());
                format!(
                    "it has {players} players, and the queue ({rules}) takes parties of at most {}",
                    rules.max_party()
                )
            },
            |unfit| unfit.to_string(),
        )
    }
}

fn misfit(record: &TicketRecord) -> (Time, TicketId) {
    (record.ticket.expires_at, record.ticket.id.clone())
}

#[cfg(test)]
mod tests;
