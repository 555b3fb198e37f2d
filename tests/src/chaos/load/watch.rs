//! How a party waits for its news: on a socket that it opens again when it breaks, or by asking again and again.
//!
//! A socket that stays open is never given up: who is not told on it was not told.

use std::{sync::atomic::Ordering, time::Duration};

use rand::{RngExt as _, rngs::StdRng};
use tokio::time::sleep;

use super::{party::Party, socket::Socket};
use crate::chaos::history::{Event, LandId, PlayerId, Seen, TicketId, Watcher};

/// Where players are to go.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) land: LandId,
    /// Each player's URL, with their token.
    pub(super) urls: Vec<(PlayerId, String)>,
}

impl Party {
    /// Waits on a socket, first on the one that is there.
    pub(super) async fn watch_by_socket(
        &self,
        ticket: &TicketId,
        mut socket: Option<Socket>,
        mut rng: StdRng,
    ) -> Option<Way> {
        let watcher = self.begin_watch(ticket, "by socket");
        loop {
            let mut open = match socket.take() {
                Some(open) => open,
                None => {
                    let url =
                        self.field.gateway(&mut rng).socket_url(&format!("/realtime?ticketId={ticket}"));
                    self.field.counts.operations.fetch_add(1, Ordering::Relaxed);
                    let Ok(open) = Socket::open(&url).await else {
                        sleep(Duration::from_millis(rng.random_range(50..300))).await;
                        continue;
                    };
                    open
                }
            };
            match open.told(ticket).await {
                Ok(news) => {
                    let way = self.way(&news.seen, &news.assignment);
                    self.told(watcher, ticket, news.seen);
                    return way;
                }
                // The gateway's word for a ticket that isn't there.
                Err(broken) if broken.code == 4404 => {
                    self.told(watcher, ticket, Seen::Missing);
                    return None;
                }
                Err(_) => sleep(Duration::from_millis(rng.random_range(20..200))).await,
            }
        }
    }

    /// Asks again and again, each time with a wait.
    pub(super) async fn watch_by_polling(&self, ticket: &TicketId, mut rng: StdRng) -> Option<Way> {
        let watcher = self.begin_watch(ticket, "by polling");
        loop {
            let wait = rng.random_range(0..4);
            self.field.counts.operations.fetch_add(1, Ordering::Relaxed);
            let gateway = self.field.gateway(&mut rng).clone();
            match gateway.status(ticket, wait).await {
                Ok((Seen::Queued, _)) | Err(_) => {
                    sleep(Duration::from_millis(rng.random_range(20..200))).await;
                }
                Ok((seen, assignment)) => {
                    let way = self.way(&seen, &assignment);
                    self.told(watcher, ticket, seen);
                    return way;
                }
            }
        }
    }

    fn begin_watch(&self, ticket: &TicketId, by: &str) -> Watcher {
        let watcher = self.field.history.watcher();
        let by = by.to_owned();
        self.field.history.record(Event::Watch { watcher, ticket: ticket.clone(), by });
        watcher
    }

    fn told(&self, watcher: Watcher, ticket: &TicketId, seen: Seen) {
        self.field.ended(ticket, &seen);
        self.field.history.record(Event::Told { watcher, ticket: ticket.clone(), seen });
    }

    fn way(&self, seen: &Seen, assignment: &serde_json::Value) -> Option<Way> {
        let Seen::Assigned(to) = seen else { return None };
        let base = assignment["connectUrl"].as_str()?;
        let url = |player: &PlayerId| {
            let token = assignment["playerTokens"][player.as_str()].as_str().unwrap_or_default();
            (player.clone(), format!("{base}&token={token}"))
        };
        Some(Way { land: to.land.clone(), urls: self.group.players.iter().map(url).collect() })
    }
}
