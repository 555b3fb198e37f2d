//! Telling the other replicas' gateways of players' sessions.
//!
//! A gateway that connects tells tens of thousands at once, so they have a way of their own, many to a letter, and never keep
//! anything else waiting. What doesn't fit is lost, as any letter may be.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Peers, letter::Letter};
use crate::sessions::{Opened, Session, Sessions};

/// Sessions that wait to be sent.
pub(super) const WAITING: usize = 64 * 1024;
/// Sessions in one letter.
const IN_A_LETTER: usize = 512;

impl Peers {
    /// Where gateways hear of players' sessions.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.own.sessions
    }

    /// A gateway of this replica says that a session was opened: told to the gateways of all.
    pub(crate) fn session_opened(&self, player: String, id: String, opened: Opened, now_ms: u64) {
        let session = self.own.sessions.opened(player, id, opened, now_ms);
        if let Some(post) = &self.post
            && post.sessions.try_send(session).is_err()
        {
            tracing::debug!("a player's session is not told to other replicas: too many wait to be sent");
        }
    }
}

/// Sends until `stop`.
pub(super) async fn send_on(
    peers: Arc<Peers>,
    mut waiting: mpsc::Receiver<Arc<Session>>,
    stop: CancellationToken,
) {
    let Some(post) = &peers.post else { return };
    let mut sessions = Vec::with_capacity(IN_A_LETTER);
    while let Some(1..) = stop.run_until_cancelled(waiting.recv_many(&mut sessions, IN_A_LETTER)).await {
        let letter = Letter::Sessions(std::mem::take(&mut sessions));
        let others = post.others();
        join_all(others.iter().map(|replica| post.send(replica, &letter))).await;
    }
}
