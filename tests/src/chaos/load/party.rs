//! One party, from its first enqueue to the end of its game.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rand::{RngExt as _, rngs::StdRng};
use tokio::time::sleep;

use super::{
    Field,
    gateway::{Failure, Gateway},
    group::Group,
    play,
    socket::Socket,
};
use crate::chaos::history::{Event, Op, TicketId};

/// A party.
pub(super) struct Party {
    pub(super) field: Arc<Field>,
    pub(super) group: Group,
    /// Whether it speaks over a socket.
    by_socket: bool,
    /// After how long it changes its mind.
    cancels_after: Option<Duration>,
    /// Whether a second member waits for the news too, on another way.
    second_watcher: bool,
    plays: bool,
}

/// A ticket, and the socket that it was got on.
pub(super) struct Got {
    pub(super) ticket: TicketId,
    pub(super) socket: Option<Socket>,
}

impl Party {
    pub(super) fn new(field: &Arc<Field>, number: u64, rng: &mut StdRng) -> Self {
        let group = Group::new(field.round, number, rng);
        let after = Duration::from_millis(rng.random_range(0..600));
        Self {
            field: Arc::clone(field),
            by_socket: rng.random_bool(0.5),
            cancels_after: rng.random_bool(0.25).then_some(after),
            second_watcher: rng.random_bool(0.3),
            plays: rng.random_bool(0.6),
            group,
        }
    }

    /// Waits for its match and plays it, unless it gives up.
    pub(super) async fn run(self, rng: &mut StdRng) {
        let over = self.field.over.clone();
        let Some(Some(got)) = over.run_until_cancelled(self.enqueue(rng)).await else { return };
        let ticket = got.ticket.clone();
        let mut own = rng.random::<u64>();
        let mut chance = || {
            own = own.wrapping_add(1);
            rand::SeedableRng::seed_from_u64(own)
        };
        let (first, second) = (chance(), chance());
        let also = async {
            if self.second_watcher {
                self.watch_by_polling(&ticket, second).await;
            }
        };
        let change_of_mind = async {
            if let Some(after) = self.cancels_after {
                sleep(after).await;
                self.field.cancel(&ticket, false).await;
            }
        };
        let watch = async {
            match (got.socket, self.by_socket) {
                (None, false) => self.watch_by_polling(&ticket, first).await,
                (socket, _) => self.watch_by_socket(&ticket, socket, first).await,
            }
        };
        let waited = over.run_until_cancelled(async { tokio::join!(watch, also, change_of_mind).0 }).await;
        if let Some(Some(way)) = waited
            && self.plays
        {
            over.run_until_cancelled(play::play(&self.field, &way, rng)).await;
        }
    }

    /// Asks for a ticket until somebody says that there is one, or that there is none.
    async fn enqueue(&self, rng: &mut StdRng) -> Option<Got> {
        loop {
            let gateway = self.field.gateway(rng).clone();
            let op = self.begin(&gateway);
            let got = if self.by_socket {
                let opened = Socket::enqueue(&gateway, &self.group).await;
                opened.map(|(ticket, socket)| Got { ticket, socket: Some(socket) })
            } else {
                gateway.enqueue(&self.group).await.map(|ticket| Got { ticket, socket: None })
            };
            match got {
                Ok(got) => {
                    self.field.history.record(Event::Enqueued { op, ticket: got.ticket.clone() });
                    self.field.acknowledged(&got.ticket, &self.group.queue, self.group.players.len());
                    return Some(got);
                }
                Err(failure) => {
                    let again = matches!(failure, Failure::Unknown(_));
                    self.field.failed(op, failure);
                    if !again {
                        return None;
                    }
                }
            }
            sleep(Duration::from_millis(rng.random_range(50..400))).await;
        }
    }

    fn begin(&self, gateway: &Gateway) -> Op {
        let op = self.field.history.op();
        let Group { id, queue, players } = self.group.clone();
        let by = format!("{} {}", if self.by_socket { "by socket" } else { "by REST" }, gateway.name);
        self.field.counts.operations.fetch_add(1, Ordering::Relaxed);
        self.field.history.record(Event::Enqueue { op, queue, group: id, players, by });
        op
    }
}

impl Field {
    pub(super) fn failed(&self, op: Op, failure: Failure) {
        self.history.record(match failure {
            Failure::Refused(code) => Event::Refused { op, code },
            Failure::Unknown(why) => {
                self.counts.unknown.fetch_add(1, Ordering::Relaxed);
                Event::Unknown { op, why }
            }
        });
    }

    /// Cancels a ticket, again and again until there is an answer.
    pub(super) async fn cancel(&self, ticket: &TicketId, at_rest: bool) {
        for attempt in 0.. {
            let op = self.history.op();
            let gateway = &self.gateways[(op.0 as usize + attempt) % self.gateways.len()];
            let (ticket, by) = (ticket.clone(), gateway.name.clone());
            self.counts.operations.fetch_add(1, Ordering::Relaxed);
            self.history.record(Event::Cancel { op, ticket: ticket.clone(), at_rest, by });
            match gateway.cancel(&ticket).await {
                Ok((cancelled, status)) => {
                    return self.history.record(Event::Cancelled { op, cancelled, status });
                }
                Err(failure) => {
                    let again = matches!(failure, Failure::Unknown(_));
                    self.failed(op, failure);
                    if !again {
                        return;
                    }
                }
            }
            sleep(Duration::from_millis(150)).await;
        }
    }
}
