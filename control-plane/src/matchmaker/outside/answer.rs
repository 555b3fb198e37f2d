//! What a match function proposed, reduced while it arrives to what can be of use: tickets by their place among those sent.
//!
//! Nothing that the function sends is kept as it came, so an answer needs little memory however it is made up.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use matching::{Rules, TicketId, Time};
use proto::match_function::v1 as pb;
use smol_str::SmolStr;
use storage::TicketRecord;

use super::{
    check::{Side, check},
    refusals::{Reason, Refusals, Refused},
};
use crate::{
    ids::MAX_ID,
    matchmaker::{place::Match, waiting::Waiting},
};

/// Tickets and teams that are looked at before the queue's other work goes on.
const NAMES_AT_ONCE: usize = 10_000;

/// As many as make sense: each has a ticket at least.
pub(super) fn most_proposals(sent: usize) -> usize {
    sent
}

/// Of every ticket a proposal that begins with it, for matches of usual sizes.
pub(super) fn most_names(sent: usize) -> usize {
    sent.saturating_mul(32)
}

/// The proposals that are left, the best first.
#[derive(Debug)]
pub(super) struct Answer {
    sent: Arc<[Arc<TicketRecord>]>,
    proposals: VecDeque<Proposal>,
    /// By place: whether a match has it.
    taken: Vec<bool>,
    /// When the function wants to be called again though nothing has changed.
    pub(super) again_in: Option<Duration>,
    pub(super) refusals: Refusals,
}

#[derive(Debug)]
struct Proposal {
    teams: Vec<(SmolStr, Vec<u32>)>,
    score: f64,
}

/// What is made of proposals at once.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) matches: Vec<Match>,
    pub(super) refusals: Refusals,
    /// Whether it ended because it had looked at much, and is to go on soon.
    pub(super) goes_on: bool,
}

/// Takes the messages of an answer in.
#[derive(Debug)]
pub(super) struct Collector {
    answer: Answer,
    places: HashMap<TicketId, u32>,
    messages: usize,
    /// Those that were refused already included.
    proposals: usize,
    names: usize,
}

impl Collector {
    pub(super) fn new(sent: Arc<[Arc<TicketRecord>]>) -> Self {
        let places = sent.iter().map(|record| record.ticket.id.clone()).zip(0..).collect();
        let taken = vec![false; sent.len()];
        let (proposals, refusals) = (VecDeque::new(), Refusals::default());
        let answer = Answer { sent, proposals, taken, again_in: None, refusals };
        Self { answer, places, messages: 0, proposals: 0, names: 0 }
    }

    /// # Errors
    /// It is more than there may be: what.
    pub(super) fn take(&mut self, message: pb::ProposeResponse) -> Result<(), &'static str> {
        let most = most_proposals(self.answer.sent.len());
        self.messages += 1;
        // One for each proposal, and one with nothing but when to call again.
        if self.messages > most + 1 {
            return Err("it sent too many messages");
        }
        if message.again_in_ms > 0 {
            self.answer.again_in = Some(Duration::from_millis(message.again_in_ms.into()));
        }
        for proposal in message.proposals {
            self.proposals += 1;
            if self.proposals > most {
                return Err("it sent more proposals than tickets");
            }
            let tickets: usize = proposal.teams.iter().map(|team| team.ticket_ids.len()).sum();
            self.names = self.names.saturating_add(proposal.teams.len() + tickets);
            if self.names > most_names(self.answer.sent.len()) {
                return Err("its proposals name too many tickets and teams");
            }
            match self.known(proposal) {
                Ok(proposal) => self.answer.proposals.push_back(proposal),
                Err(refused) => self.answer.refusals.add(refused),
            }
        }
        Ok(())
    }

    /// All of it has come.
    pub(super) fn finish(mut self) -> Answer {
        // Stable: of equal ones the first is first.
        let proposals = self.answer.proposals.make_contiguous();
        proposals.sort_by(|a, b| b.score.total_cmp(&a.score));
        self.answer
    }

    fn known(&self, proposal: pb::Proposal) -> Result<Proposal, Refused> {
        if !proposal.score.is_finite() {
            return Err(Refused::new(Reason::Score, format!("the score {} is not finite", proposal.score)));
        }
        let (mut seen, mut teams) = (HashSet::new(), Vec::with_capacity(proposal.teams.len()));
        for team in proposal.teams {
            if team.name.len() > MAX_ID {
                return Err(Refused::new(
                    Reason::Teams,
                    format!("a team's name has more than {MAX_ID} bytes"),
                ));
            }
            let mut tickets = Vec::with_capacity(team.ticket_ids.len());
            for id in team.ticket_ids {
                let shown = |what: &str| {
                    let start: String = id.chars().take(MAX_ID).collect();
                    format!("`{}` {what}", start.escape_debug())
                };
                let Some(&place) = self.places.get(&TicketId::new(&id)) else {
                    return Err(Refused::new(Reason::UnknownTicket, shown("was not sent in this call")));
                };
                if !seen.insert(place) {
                    return Err(Refused::new(Reason::TicketTwice, shown("is named twice")));
                }
                tickets.push(place);
            }
            teams.push((SmolStr::new(team.name), tickets));
        }
        // Equal zeros are equal.
        Ok(Proposal { teams, score: proposal.score + 0.0 })
    }
}

impl Answer {
    pub(super) fn is_empty(&self) -> bool {
        self.proposals.is_empty()
    }

    /// The next matches, at most `limit`: each holds all rules now, and its tickets are being placed from here on.
    pub(super) fn matches(
        &mut self,
        rules: &Rules,
        waiting: &mut Waiting,
        now: Time,
        limit: usize,
    ) -> Looked {
        let (mut looked, mut names) = (Looked::default(), 0);
        while looked.matches.len() < limit && !self.proposals.is_empty() {
            if names >= NAMES_AT_ONCE {
                looked.goes_on = true;
                break;
            }
            let Some(proposal) = self.proposals.pop_front() else { break };
            names += proposal.teams.iter().map(|(_, tickets)| 1 + tickets.len()).sum::<usize>();
            match self.one(&proposal, rules, waiting, now) {
                Ok(the_match) => looked.matches.push(the_match),
                Err(refused) => looked.refusals.add(refused),
            }
        }
        looked
    }

    fn one(
        &mut self,
        proposal: &Proposal,
        rules: &Rules,
        waiting: &mut Waiting,
        now: Time,
    ) -> Result<Match, Refused> {
        let places = || proposal.teams.iter().flat_map(|(_, tickets)| tickets).map(|place| *place as usize);
        for place in places() {
            let record = &self.sent[place];
            let shown = |what: &str| format!("`{}` {what}", record.ticket.id);
            if self.taken[place] {
                return Err(Refused::new(Reason::TicketTaken, shown("is in a better proposal")));
            }
            if !waiting.offers(record) {
                return Err(Refused::new(Reason::NotQueued, shown("doesn't wait any more")));
            }
        }
        let side = |(name, tickets): &(SmolStr, Vec<u32>)| Side {
            name: name.clone(),
            tickets: tickets.iter().map(|place| Arc::clone(&self.sent[*place as usize])).collect(),
        };
        let sides = proposal.teams.iter().map(side).collect();
        let the_match = check(rules, waiting.judge(), sides, now)?;
        if !waiting.take(&the_match) {
            return Err(Refused::new(Reason::NotQueued, "not all of its tickets wait".to_owned()));
        }
        for place in places() {
            self.taken[place] = true;
        }
        Ok(the_match)
    }
}
