//! Random transitions, in any order and by anybody: the state is always what the rules say, its feeds have no gap, and
//! followers hear of every end.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use matching::{GroupId, Player, PlayerId, QueueKey, TicketId};
use proptest::{prelude::*, sample::subsequence};
use storage::{
    Cancelled, Enqueued, Inbox, KEEP_ENDED, Lease, NewMatch, NewTicket, QueueChange, QueueFeed, QueueReport,
    RedemptionId, TokenId, WorkerId,
};

use crate::{
    fixture::{LASTING, LEASE, LIFETIME, NOW, Subject, a_match, id, ticket},
    model::{Ended, Model, Outcome},
};

const PATIENCE: Duration = Duration::from_secs(10);
const QUEUES: [&str; 2] = ["hero-defense:3v3", "demo"];
const TICKETS: [&str; 6] = ["t0", "t1", "t2", "t3", "t4", "t5"];
const TOKENS: [&str; 2] = ["k0", "k1"];
const REDEMPTIONS: [&str; 2] = ["r0", "r1"];

#[derive(Debug, Clone)]
enum Step {
    Enqueue {
        id: usize,
        queue: usize,
        group: usize,
        players: Vec<usize>,
        limit: usize,
    },
    Cancel(usize),
    /// The content of the ticket `of`, sent again under `id`.
    Again {
        of: usize,
        id: usize,
    },
    Assign {
        lease: usize,
        ids: Vec<usize>,
    },
    Expire {
        lease: usize,
        ids: Vec<usize>,
    },
    /// Noted at a time so long ago.
    Seen {
        queue: usize,
        ids: Vec<usize>,
        ago: Duration,
    },
    Drop {
        lease: usize,
        ids: Vec<usize>,
        ago: Duration,
    },
    Claim(usize),
    Renew(usize),
    Release(usize),
    Report(usize),
    Follow(usize),
    Redeem(usize, usize),
    Wait(Duration),
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    let ids = || subsequence(Vec::from_iter(0..TICKETS.len()), 1..3);
    // Of the leases that there were, the newest ones mean most.
    let lease = || 0..4_usize;
    let waits = [Duration::from_millis(1), LEASE / 2, LEASE, LIFETIME / 2, LIFETIME, LASTING, KEEP_ENDED];
    let ago = || proptest::sample::select(vec![Duration::ZERO, Duration::from_millis(1), LEASE, LIFETIME]);
    prop_oneof![
        6 => (0..TICKETS.len(), 0..2_usize, 0..3_usize, subsequence(Vec::from_iter(0..5), 1..3), 1..5_usize)
            .prop_map(|(id, queue, group, players, limit)| Step::Enqueue {
                id, queue, group, players, limit
            }),
        2 => (0..TICKETS.len(), 0..TICKETS.len()).prop_map(|(of, id)| Step::Again { of, id }),
        2 => (0..TICKETS.len()).prop_map(Step::Cancel),
        3 => (lease(), ids()).prop_map(|(lease, ids)| Step::Assign { lease, ids }),
        2 => (lease(), ids()).prop_map(|(lease, ids)| Step::Expire { lease, ids }),
        3 => (0..QUEUES.len(), ids(), ago()).prop_map(|(queue, ids, ago)| Step::Seen { queue, ids, ago }),
        2 => (lease(), ids(), ago()).prop_map(|(lease, ids, ago)| Step::Drop { lease, ids, ago }),
        3 => (0..QUEUES.len()).prop_map(Step::Claim),
        1 => lease().prop_map(Step::Renew),
        1 => lease().prop_map(Step::Release),
        2 => lease().prop_map(Step::Report),
        2 => lease().prop_map(Step::Follow),
        1 => (0..TOKENS.len(), 0..REDEMPTIONS.len()).prop_map(|(token, by)| Step::Redeem(token, by)),
        2 => proptest::sample::select(waits.to_vec()).prop_map(Step::Wait),
        1 => Just(Step::Sweep),
    ]
}

pub(crate) fn random_transitions_keep_the_rules<Ground>(new: impl Fn() -> (Subject, Ground), histories: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    proptest!(ProptestConfig::with_cases(histories), |(steps in proptest::collection::vec(step(), 1..60))| {
        runtime.block_on(async {
            let (storage, _ground) = new();
            let mut world = World::new(storage);
            for step in &steps {
                world.take(step).await;
                world.check().await;
            }
        });
    });
}

struct World {
    storage: Subject,
    model: Model,
    leases: Vec<Lease>,
    /// The newest feed of each queue, and the tickets that it speaks of.
    feeds: BTreeMap<QueueKey, (Lease, QueueFeed, Vec<String>)>,
    inbox: Inbox,
    /// Tickets with a new status that followers have not heard of.
    unheard: HashSet<TicketId>,
    /// How often an owner reported.
    said: u64,
}

impl World {
    fn new(storage: Subject) -> Self {
        let mut inbox = storage.signals().inbox();
        for ticket in TICKETS {
            inbox.follow(&id(ticket));
        }
        let model = Model::at(NOW);
        let (leases, feeds, unheard) = Default::default();
        Self { storage, model, leases, feeds, inbox, unheard, said: 0 }
    }

    async fn take(&mut self, step: &Step) {
        let now = self.model.now;
        match step {
            Step::Enqueue { id, queue, group, players, limit } => {
                self.enqueue(new_ticket(*id, *queue, *group, players, *limit)).await;
            }
            Step::Again { of, id: again } => {
                let known = self.model.tickets.iter().find(|known| known.new.id.as_str() == TICKETS[*of]);
                let Some(known) = known else { return };
                let new = NewTicket { id: id(TICKETS[*again]), ..known.new.clone() };
                self.enqueue(new).await;
            }
            Step::Cancel(ticket) => {
                let before = self.model.status(TICKETS[*ticket]);
                let expected = self.model.cancel(TICKETS[*ticket]);
                let cancelled = self.storage.cancel(&id(TICKETS[*ticket]), now).await.unwrap();
                let status = cancelled.map(|cancelled| match cancelled {
                    Cancelled::Yes => Ended::Cancelled,
                    Cancelled::No(status) => Ended::of(&status),
                });
                // To who cancels, one that was dropped is cancelled.
                let expected = expected.map(|now| if now == Ended::Absent { Ended::Cancelled } else { now });
                assert_eq!(status, expected);
                self.changed(*ticket, before);
            }
            Step::Assign { lease, ids } => {
                let Some(lease) = self.lease(*lease) else { return };
                let names: Vec<_> = ids.iter().map(|n| TICKETS[*n]).collect();
                let before: Vec<_> = ids.iter().map(|n| (*n, self.model.status(TICKETS[*n]))).collect();
                let expected = self.model.assign(&lease, &names, LASTING);
                let new = NewMatch { lasting: LASTING, ..a_match(&names) };
                assert_eq!(self.storage.assign(&lease, new, now).await.unwrap(), expected);
                before.into_iter().for_each(|(n, before)| self.changed(n, before));
            }
            Step::Expire { lease, ids } => {
                let Some(lease) = self.lease(*lease) else { return };
                let names: Vec<_> = ids.iter().map(|n| TICKETS[*n]).collect();
                let before: Vec<_> = ids.iter().map(|n| (*n, self.model.status(TICKETS[*n]))).collect();
                let expected = self.model.expire(&lease, &names);
                let tickets: Vec<_> = names.iter().map(|name| id(name)).collect();
                assert_eq!(self.storage.expire(&lease, &tickets, now).await.unwrap(), expected);
                before.into_iter().for_each(|(n, before)| self.changed(n, before));
            }
            Step::Seen { queue, ids, ago } => {
                let (queue, at) = (QueueKey::new(QUEUES[*queue]), now - *ago);
                let names: Vec<_> = ids.iter().map(|n| TICKETS[*n]).collect();
                self.model.note_seen(&queue, &names, at);
                let tickets: Vec<_> = names.iter().map(|name| id(name)).collect();
                self.storage.presence().note_seen(&queue, &tickets, at).await.unwrap();
            }
            Step::Drop { lease, ids, ago } => {
                let Some(lease) = self.lease(*lease) else { return };
                let names: Vec<_> = ids.iter().map(|n| TICKETS[*n]).collect();
                let before: Vec<_> = ids.iter().map(|n| (*n, self.model.status(TICKETS[*n]))).collect();
                let expected = self.model.drop_absent(&lease, &names, now - *ago);
                let tickets: Vec<_> = names.iter().map(|name| id(name)).collect();
                let dropped = self.storage.presence().drop_absent(&lease, &tickets, now - *ago, now).await;
                assert_eq!(dropped.unwrap(), expected);
                before.into_iter().for_each(|(n, before)| self.changed(n, before));
            }
            Step::Claim(queue) => {
                let queue = QueueKey::new(QUEUES[*queue]);
                let may = self.model.may_claim(&queue);
                let lease = self.storage.claim(&queue, &WorkerId::new("w"), LEASE, now).await.unwrap();
                assert_eq!(lease.is_some(), may);
                if let Some(lease) = lease {
                    self.model.claimed(&lease, LEASE);
                    self.leases.push(lease);
                }
            }
            Step::Renew(lease) => {
                let Some(lease) = self.lease(*lease) else { return };
                let expected = self.model.renew(&lease, LEASE);
                assert_eq!(self.storage.renew(&lease, LEASE, now).await.unwrap(), expected);
            }
            Step::Release(lease) => {
                let Some(lease) = self.lease(*lease) else { return };
                self.model.release(&lease);
                self.storage.release(&lease).await.unwrap();
            }
            Step::Report(lease) => {
                let Some(lease) = self.lease(*lease) else { return };
                self.said += 1;
                let expected = self.model.report(&lease, self.said);
                let report = QueueReport { matches_made: self.said, ..QueueReport::default() };
                assert_eq!(self.storage.report(&lease, report).await.unwrap(), expected);
            }
            Step::Follow(lease) => {
                let Some(lease) = self.lease(*lease) else { return };
                let feed = self.storage.follow(&lease).await.unwrap();
                assert_eq!(feed.is_some(), self.model.holds(&lease));
                if let Some(feed) = feed {
                    let queued = feed.queued.iter().map(|record| record.ticket.id.to_string()).collect();
                    self.feeds.insert(lease.queue.clone(), (lease, feed, queued));
                }
            }
            Step::Redeem(token, by) => {
                let (token, by, expires_at) = (TOKENS[*token], REDEMPTIONS[*by], now + LIFETIME);
                let expected = self.model.redeem(token, by, expires_at);
                let (token, by) = (TokenId::new(token), RedemptionId::new(by));
                assert_eq!(self.storage.redeem(&token, &by, expires_at, now).await.unwrap(), expected);
            }
            Step::Wait(span) => self.model.now = now + *span,
            Step::Sweep => {
                let expected = self.model.sweep();
                assert_eq!(self.storage.sweep(now, 1_000).await.unwrap(), expected);
            }
        }
    }

    async fn enqueue(&mut self, new: NewTicket) {
        let expected = self.model.enqueue(&new);
        let outcome = match self.storage.enqueue(new, self.model.now).await {
            Ok(Enqueued::New(_)) => Outcome::New,
            Ok(Enqueued::Known(state)) => Outcome::Known(state.record.ticket.id.to_string()),
            Err(error) => Outcome::Refused(error),
        };
        assert_eq!(outcome, expected);
    }

    /// That all there is to be read is what the model says.
    async fn check(&mut self) {
        let ids: Vec<_> = TICKETS.iter().map(|name| id(name)).collect();
        let read = self.storage.read(&ids).await.unwrap();
        let statuses: Vec<_> =
            read.iter().map(|state| state.as_ref().map(|s| Ended::of(&s.status))).collect();
        let expected: Vec<_> = TICKETS.iter().map(|name| self.model.status(name)).collect();
        assert_eq!(statuses, expected);

        let records: Vec<_> = read.into_iter().flatten().map(|state| state.record).collect();
        let places = self.storage.places(&records, self.model.now).await.unwrap();
        for (record, place) in records.iter().zip(places) {
            let queued = self.model.queued_in(&record.queue);
            let before = queued.iter().position(|id| id == record.ticket.id.as_str());
            let position = place.map(|place| place.position as usize);
            assert_eq!(position, before.map(|before| before + 1), "{queued:?}");
        }
        let reports = self.storage.reports(self.model.now).await.unwrap();
        let said: Vec<_> = reports.into_iter().map(|(queue, report)| (queue, report.matches_made)).collect();
        assert_eq!(said, self.model.reports());

        let mut unowned = self.storage.unowned_queues(self.model.now).await.unwrap();
        unowned.sort();
        let waiting = |key: &QueueKey| !self.model.queued_in(key).is_empty() && self.model.may_claim(key);
        let mut expected: Vec<_> = QUEUES.map(QueueKey::new).into_iter().filter(waiting).collect();
        expected.sort();
        assert_eq!(unowned, expected);

        for queue in QUEUES.map(QueueKey::new) {
            for since in [self.model.now - LIFETIME, self.model.now] {
                let absent = self.storage.presence().absent(&queue, since, 100).await.unwrap();
                assert_eq!(absent, self.model.absent(&queue, since));
            }
        }

        self.feeds.retain(|_, (lease, ..)| self.model.holds(lease));
        for (queue, (_, feed, queued)) in &mut self.feeds {
            let expected = self.model.queued_in(queue);
            while *queued != expected {
                let change = tokio::time::timeout(PATIENCE, feed.changes.recv()).await;
                match change.expect("the feed has a gap").expect("the feed ended") {
                    QueueChange::Queued(record) => queued.push(record.ticket.id.to_string()),
                    QueueChange::Gone(ticket) => queued.retain(|known| known != ticket.as_str()),
                }
            }
        }
        while !self.unheard.is_empty() {
            let woken =
                tokio::time::timeout(PATIENCE, self.inbox.woken()).await.expect("a follower heard nothing");
            for ticket in woken {
                self.unheard.remove(&ticket);
            }
        }
    }

    fn lease(&self, back: usize) -> Option<Lease> {
        self.leases.iter().rev().nth(back).cloned()
    }

    fn changed(&mut self, ticket: usize, before: Option<Ended>) {
        if self.model.status(TICKETS[ticket]) != before {
            self.unheard.insert(id(TICKETS[ticket]));
        }
    }
}

fn new_ticket(id: usize, queue: usize, group: usize, players: &[usize], limit: usize) -> NewTicket {
    NewTicket {
        queue: QueueKey::new(QUEUES[queue]),
        group: GroupId::new(format!("g{group}")),
        players: players.iter().map(|n| Player::new(PlayerId::new(format!("p{n}")))).collect::<Arc<[_]>>(),
        queue_limit: limit,
        ..ticket(TICKETS[id], &[])
    }
}
