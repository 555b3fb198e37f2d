//! One watch stream of a gateway.

use std::{collections::HashSet, sync::atomic::Ordering};

use proto::matchmaking::v1 as pb;
use tokio::sync::{broadcast, mpsc};
use tokio_stream::StreamExt as _;
use tonic::{Status, Streaming};

use crate::support::{
    control_plane::{Seen, State},
    tickets::is_queued,
};

/// Counts one watch stream and what it follows, also where it ends by a crash.
pub(super) struct Open<'a> {
    state: &'a State,
    seen: &'a Seen,
    pub(super) subscribed: HashSet<String>,
}

impl<'a> Open<'a> {
    pub(super) fn new(state: &'a State, seen: &'a Seen) -> Self {
        seen.streams.fetch_add(1, Ordering::SeqCst);
        Self { state, seen, subscribed: HashSet::new() }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.seen.streams.fetch_sub(1, Ordering::SeqCst);
        self.state.subscribed.fetch_sub(self.subscribed.len(), Ordering::SeqCst);
    }
}

/// One watch stream.
pub(super) async fn follow(
    state: &State,
    mut requests: Streaming<pb::WatchRequest>,
    events: &mpsc::Sender<Result<pb::WatchResponse, Status>>,
    subscribed: &mut HashSet<String>,
) {
    use pb::watch_request::Action;
    let mut changes = state.changes.subscribe();
    // Heard of by those who open some.
    let mut sessions = None;
    loop {
        let ticket_id = tokio::select! {
            request = requests.next() => match request {
                Some(Ok(pb::WatchRequest { action: Some(Action::Subscribe(id)) })) => {
                    if subscribed.insert(id.clone()) {
                        state.subscribed.fetch_add(1, Ordering::SeqCst);
                    }
                    id
                }
                Some(Ok(pb::WatchRequest { action: Some(Action::Unsubscribe(id)) })) => {
                    if subscribed.remove(&id) {
                        state.subscribed.fetch_sub(1, Ordering::SeqCst);
                    }
                    continue;
                }
                Some(Ok(pb::WatchRequest { action: Some(Action::Session(session)) })) => {
                    sessions.get_or_insert_with(|| state.sessions.subscribe());
                    state.session_opened(session);
                    continue;
                }
                _ => return,
            },
            change = changes.recv() => change.unwrap(),
            session = heard(&mut sessions) => {
                let event = Some(pb::watch_response::Event::Session(session));
                if events.send(Ok(pb::WatchResponse { ticket_id: String::new(), event })).await.is_err() {
                    return;
                }
                continue;
            }
        };
        if !subscribed.contains(&ticket_id) {
            continue;
        }
        let scripted = state.watch_refusals.lock().pop_front();
        let event = match (scripted, state.tickets.lock().get(&ticket_id)) {
            (Some(refused), _) => pb::watch_response::Event::Refused(refused),
            (None, Ok(ticket)) => pb::watch_response::Event::Ticket(ticket),
            (None, Err(refusal)) => pb::watch_response::Event::Refused(pb::WatchRefusal {
                reason: refusal.reason.name().to_owned(),
                message: refusal.message,
            }),
        };
        let goes_on = matches!(&event, pb::watch_response::Event::Ticket(ticket) if is_queued(ticket));
        if !goes_on && subscribed.remove(&ticket_id) {
            state.subscribed.fetch_sub(1, Ordering::SeqCst);
        }
        let event = pb::WatchResponse { ticket_id, event: Some(event) };
        if events.send(Ok(event)).await.is_err() {
            return;
        }
    }
}

async fn heard(sessions: &mut Option<broadcast::Receiver<pb::Session>>) -> pb::Session {
    match sessions {
        Some(sessions) => sessions.recv().await.unwrap(),
        None => std::future::pending().await,
    }
}
