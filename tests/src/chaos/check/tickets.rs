//! What is known of each ticket, and the verdict about it alone.

use std::collections::{BTreeMap, HashMap};

use super::{Finding, Kind, Rules};
use crate::chaos::history::{Assignment, Entry, Event, Op, PlayerId, QueueKey, Seen, TicketId, Watcher};

/// The tickets of a round.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    asked: HashMap<Op, Asked>,
    cancels: HashMap<Op, (TicketId, bool)>,
    /// In the order of their ids, so that the same history gives the same findings.
    all: BTreeMap<TicketId, Ticket>,
    /// The ticket of each player who has no other: `None` where one may have been made that nobody knows of.
    of_player: HashMap<PlayerId, Option<TicketId>>,
    /// Enqueues that were refused because the group, or a player of it, is queued.
    refused: Vec<(Op, String)>,
    rest_at: Option<u64>,
}

#[derive(Debug, Clone)]
struct Asked {
    queue: QueueKey,
    players: Vec<PlayerId>,
}

/// What is known of an acknowledged ticket.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) id: TicketId,
    pub(super) queue: QueueKey,
    pub(super) players: Vec<PlayerId>,
    acknowledged_at: u64,
    /// When it was first seen not to be there.
    missing_at: Option<u64>,
    /// Different ones only: a legal history has one at most.
    assignments: Vec<Assignment>,
    seen_cancelled: bool,
    seen_expired: bool,
    cancel_asked: bool,
    cancel_acknowledged: bool,
    /// It was cancelled in the end, because nobody was there to match it with.
    left: bool,
    /// When somebody first knew that it had ended.
    ended_at: Option<u64>,
    /// It was asked for after that, and waited again.
    came_back: bool,
    watchers: BTreeMap<Watcher, Option<u64>>,
}

impl Tickets {
    pub(super) fn read(&mut self, entry: &Entry) {
        let at = entry.at;
        match &entry.event {
            Event::Rest => self.rest_at = Some(at),
            Event::Enqueue { op, queue, players, .. } => {
                self.asked.insert(*op, Asked { queue: queue.clone(), players: players.clone() });
            }
            Event::Enqueued { op, ticket } => {
                if let Some(asked) = self.asked.remove(op) {
                    for player in &asked.players {
                        let known =
                            self.of_player.entry(player.clone()).or_insert_with(|| Some(ticket.clone()));
                        known.take_if(|known| known != ticket);
                    }
                    self.all.entry(ticket.clone()).or_insert_with(|| Ticket::new(ticket.clone(), asked, at));
                }
            }
            Event::Cancel { op, ticket, at_rest, .. } => {
                self.cancels.insert(*op, (ticket.clone(), *at_rest));
                self.change(ticket, |known| known.cancel_asked = true);
            }
            Event::Cancelled { op, cancelled: true, .. } => {
                if let Some((ticket, at_rest)) = self.cancels.remove(op) {
                    self.change(&ticket, |known| {
                        known.cancel_acknowledged = true;
                        known.left |= at_rest;
                        known.ended_at.get_or_insert(at);
                    });
                }
            }
            Event::Refused { op, code } if code == "TICKET_NOT_FOUND" => {
                if let Some((ticket, _)) = self.cancels.remove(op) {
                    self.change(&ticket, |known| known.see(at, at, &Seen::Missing));
                }
            }
            Event::Unknown { op, .. } => {
                for player in self.asked.remove(op).into_iter().flat_map(|asked| asked.players) {
                    self.of_player.insert(player, None);
                }
            }
            // Every group and its players come once, and repeat what they ask for word by word: it is the same request then.
            Event::Refused { op, code }
                if code.ends_with("_ALREADY_QUEUED") && self.asked.contains_key(op) =>
            {
                self.refused.push((*op, code.clone()));
            }
            Event::Watch { watcher, ticket, .. } => {
                self.change(ticket, |known| {
                    known.watchers.entry(*watcher).or_default();
                });
            }
            Event::Told { watcher, ticket, seen } => self.change(ticket, |known| {
                known.watchers.insert(*watcher, Some(at));
                known.see(at, 0, seen);
            }),
            Event::Read { ticket, since, seen } => self.change(ticket, |known| known.see(at, *since, seen)),
            _ => {}
        }
    }

    fn change(&mut self, ticket: &TicketId, change: impl FnOnce(&mut Ticket)) {
        if let Some(known) = self.all.get_mut(ticket) {
            change(known);
        }
    }

    pub(super) fn judge_refusals(&self, findings: &mut Vec<Finding>) {
        for (op, code) in &self.refused {
            let what = format!("op {} was refused with {code}", op.0);
            findings.push(Finding { ops: vec![*op], ..Finding::new(Kind::WronglyRefused, what) });
        }
    }

    pub(super) fn acknowledged(&self) -> impl Iterator<Item = &Ticket> {
        self.all.values()
    }

    /// The one ticket that a player can have been matched by. `None`: nobody can tell.
    pub(super) fn only_ticket_of(&self, player: &PlayerId) -> Option<&TicketId> {
        self.of_player.get(player)?.as_ref()
    }

    pub(super) fn rest_at(&self) -> u64 {
        self.rest_at.unwrap_or_default()
    }
}

impl Ticket {
    fn new(id: TicketId, asked: Asked, acknowledged_at: u64) -> Self {
        Self {
            id,
            queue: asked.queue,
            players: asked.players,
            acknowledged_at,
            missing_at: None,
            assignments: Vec::new(),
            seen_cancelled: false,
            seen_expired: false,
            cancel_asked: false,
            cancel_acknowledged: false,
            left: false,
            ended_at: None,
            came_back: false,
            watchers: BTreeMap::new(),
        }
    }

    /// It was seen like this at `at`, by who asked at `since`.
    fn see(&mut self, at: u64, since: u64, seen: &Seen) {
        match seen {
            Seen::Missing => {
                self.missing_at.get_or_insert(at);
                return;
            }
            Seen::Queued => {
                self.came_back |= self.ended_at.is_some_and(|ended| ended < since);
                return;
            }
            Seen::Assigned(to) if self.assignments.contains(to) => {}
            Seen::Assigned(to) => self.assignments.push(to.clone()),
            Seen::Cancelled => self.seen_cancelled = true,
            Seen::Expired => self.seen_expired = true,
        }
        self.ended_at.get_or_insert(at);
    }

    pub(super) fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments.iter()
    }

    /// Whether it waited to the end and was cancelled then.
    pub(super) fn was_left(&self) -> bool {
        self.left && self.assignments.is_empty()
    }

    /// Says what is wrong with it: of the ways in which its end can be wrong, the worst one. Whether its end is right.
    pub(super) fn judge(&self, rules: &Rules, rest_at: u64, findings: &mut Vec<Finding>) -> bool {
        let must_be_readable = nanos(rules.readable_for);
        let vanished = self.missing_at.is_some_and(|at| at < self.acknowledged_at + must_be_readable);
        let ends =
            [!self.assignments.is_empty(), self.seen_expired, self.seen_cancelled | self.cancel_acknowledged];
        let different_ends = ends.into_iter().filter(|seen| *seen).count();
        let (kind, what) = if vanished {
            (Kind::Vanished, "was acknowledged, and then it was not there")
        } else if self.assignments.len() > 1 {
            (Kind::TwoMatches, "has two different assignments")
        } else if self.cancel_acknowledged && !self.assignments.is_empty() {
            (Kind::AssignedAfterCancel, "is assigned, and its cancel was acknowledged")
        } else if different_ends > 1 {
            (Kind::Contradicted, "came to more than one end")
        } else if self.came_back {
            (Kind::Contradicted, "had ended, and was queued again")
        } else if self.seen_cancelled && !self.cancel_asked {
            (Kind::Contradicted, "is cancelled, and nobody asked for that")
        } else if self.ended_at.is_none() {
            (Kind::LeftWaiting, "came to no end")
        } else {
            self.judge_watchers(rules, rest_at, findings);
            return true;
        };
        findings.push(self.finding(kind, format!("ticket {} {what}", self.id)));
        false
    }

    fn judge_watchers(&self, rules: &Rules, rest_at: u64, findings: &mut Vec<Finding>) {
        let Some(ended_at) = self.ended_at else { return };
        let latest = ended_at.max(rest_at).saturating_add(nanos(rules.told_within));
        for (watcher, told_at) in &self.watchers {
            let what = match told_at {
                None => "was never told".to_owned(),
                Some(at) if *at > latest => {
                    let seconds = (*at - ended_at.max(rest_at)) / 1_000_000_000;
                    format!("was told {seconds} s after the end of its ticket and of all faults")
                }
                Some(_) => continue,
            };
            let what = format!("watcher {} of ticket {} {what}", watcher.0, self.id);
            findings.push(self.finding(Kind::NeverTold, what));
        }
    }

    pub(super) fn finding(&self, kind: Kind, what: String) -> Finding {
        let lands = self.assignments.iter().map(|to| to.land.clone()).collect();
        Finding { tickets: vec![self.id.clone()], lands, ..Finding::new(kind, what) }
    }
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
