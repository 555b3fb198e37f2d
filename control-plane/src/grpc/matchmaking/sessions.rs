//! Players' sessions on the streams of gateways: see [`crate::sessions`].

use std::sync::Arc;

use proto::matchmaking::v1::{self as pb, watch_response::Event};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::Shared;
use crate::{
    access::{Caller, Scope},
    grpc::fields::required_id,
    sessions::{Opened, Session},
};

/// What one stream hears of sessions: everything, from its own first one on.
#[derive(Default)]
pub(super) struct Heard(Option<Receiver<Arc<Session>>>);

impl Heard {
    /// The other side opened a session. From whoever is no gateway, and what can't be one, is not told on.
    pub(super) fn opened(&mut self, shared: &Shared, caller: &Caller, session: pb::Session) {
        let pb::Session { player_id: player, session_id: id, opened_at_unix_ms, open_for_ms } = session;
        let is_one = required_id("player_id", &player).and_then(|()| required_id("session_id", &id)).is_ok();
        if !is_one || !caller.scopes.has(Scope::Gateway) {
            tracing::debug!(caller = &*caller.name, "what was said of a session is ignored");
            return;
        }
        self.0.get_or_insert_with(|| shared.peers.sessions().hear());
        let opened = match opened_at_unix_ms {
            0 => Opened::Ago(open_for_ms),
            at => Opened::At(at),
        };
        shared.peers.session_opened(player, id, opened, shared.clock.now_ms());
    }

    /// The next session, for ever waited for where the other side has none itself.
    pub(super) async fn next(&mut self) -> pb::WatchResponse {
        loop {
            let Some(sessions) = &mut self.0 else { return std::future::pending().await };
            match sessions.recv().await {
                Ok(session) => return message(&session),
                Err(RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "a gateway is too slow to hear of all players' sessions");
                }
                // Not while this replica serves.
                Err(RecvError::Closed) => self.0 = None,
            }
        }
    }
}

fn message(session: &Session) -> pb::WatchResponse {
    let session = pb::Session {
        player_id: session.player.clone(),
        session_id: session.id.clone(),
        opened_at_unix_ms: session.opened_at_ms,
        open_for_ms: 0,
    };
    pb::WatchResponse { ticket_id: String::new(), event: Some(Event::Session(session)) }
}
