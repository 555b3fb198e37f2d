//! Where the operator wants it, a player has one session: a newer one replaces the older, at whichever gateway that is.
//!
//! Here that happens at once. The other gateways hear of a session by the control plane, on the hub's stream, and this one hears of
//! theirs: of two of one player the later one stays, by the time that the control plane gave them, or by their ids where
//! that is the same. Who hears of an older one tells its own again, because the other doesn't seem to know. So however messages
//! cross each other, one is left.
//!
//! A message may be lost. All sessions are told again on each new stream, and every [`ROUND`]: some at a time, so that a gateway
//! with a hundred thousand doesn't flood the others.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use proto::matchmaking::v1::{self as pb, watch_request::Action};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::identity::PlayerId;

/// How often everything is told again.
const ROUND: Duration = Duration::from_secs(5 * 60);

/// So many are told again at once, and after so long the next: some 5,000 in a second.
const AGAIN_AT_ONCE: usize = 256;
const PAUSE: Duration = Duration::from_millis(50);

/// What is told within this time after it was opened, and was not told before, is told at once: it is the latest of its player.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The players' sessions at this gateway. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Inner>);

#[derive(Default)]
struct Inner {
    // Held for map operations, never over an await.
    open: Mutex<Open>,
    // Tells the stream's task that there is something new.
    changed: Notify,
}

struct Open {
    of: HashMap<PlayerId, Session>,
    /// Those whose sessions are to be told now.
    new: HashSet<PlayerId>,
    /// Those whose sessions are to be told again in this round.
    again: Vec<PlayerId>,
    /// When some of them are, or the next round begins.
    again_at: Instant,
}

struct Session {
    id: Arc<str>,
    opened: Instant,
    /// Whether the control plane was told of it, on whichever stream.
    told: bool,
    /// When it was opened by the control plane's clock; `None` until that is known.
    opened_at_unix_ms: Option<u64>,
    replaced: CancellationToken,
}

/// A player's only session, until it is dropped or replaced.
pub(crate) struct OnlySession {
    sessions: Sessions,
    player: PlayerId,
    id: Arc<str>,
    replaced: CancellationToken,
}

impl Sessions {
    /// Opens a player's session. The one before, here or at another gateway, learns that it was replaced.
    pub(crate) fn open(&self, player: &PlayerId) -> OnlySession {
        let (id, replaced): (Arc<str>, _) = (Uuid::new_v4().to_string().into(), CancellationToken::new());
        let session = Session {
            id: Arc::clone(&id),
            opened: Instant::now(),
            told: false,
            opened_at_unix_ms: None,
            replaced: replaced.clone(),
        };
        let mut open = self.0.open.lock();
        let before = open.of.insert(player.clone(), session);
        open.new.insert(player.clone());
        drop(open);
        if let Some(before) = before {
            before.replaced.cancel();
        }
        self.0.changed.notify_one();
        OnlySession { sessions: self.clone(), player: player.clone(), id, replaced }
    }

    /// A new stream knows nothing of what was told on the old one.
    pub(super) fn tell_all_again(&self) {
        let mut open = self.0.open.lock();
        open.again = open.of.keys().cloned().collect();
        open.again_at = Instant::now();
        drop(open);
        self.0.changed.notify_one();
    }

    /// Waits until there is something to tell.
    pub(super) async fn due(&self) {
        loop {
            let again_at = {
                let open = self.0.open.lock();
                if !open.new.is_empty() {
                    return;
                }
                open.again_at
            };
            tokio::select! {
                () = self.0.changed.notified() => {}
                () = sleep_until(again_at) => return,
            }
        }
    }

    /// What there is to tell now: up to `limit` new sessions, and some of those that are told again.
    pub(super) fn take_requests(&self, limit: usize) -> Vec<pb::WatchRequest> {
        let mut guard = self.0.open.lock();
        let open = &mut *guard;
        let mut players: Vec<PlayerId> = open.new.iter().take(limit).cloned().collect();
        for player in &players {
            open.new.remove(player);
        }
        let now = Instant::now();
        if open.again_at <= now {
            if open.again.is_empty() {
                open.again.extend(open.of.keys().cloned());
            }
            let rest = open.again.len().saturating_sub(AGAIN_AT_ONCE);
            players.extend(open.again.drain(rest..));
            open.again_at = now + if open.again.is_empty() { ROUND } else { PAUSE };
        }
        players.into_iter().filter_map(|player| open.of.get_mut(&player)?.tell(&player, now)).collect()
    }

    /// The control plane says that a session was opened, here or elsewhere.
    pub(super) fn heard(&self, heard: pb::Session) {
        let Some(player) = PlayerId::new(heard.player_id) else { return };
        let mut guard = self.0.open.lock();
        let open = &mut *guard;
        let Entry::Occupied(mut ours) = open.of.entry(player) else { return };
        if *ours.get().id == *heard.session_id {
            ours.get_mut().opened_at_unix_ms.get_or_insert(heard.opened_at_unix_ms);
            return;
        }
        // Without a time, ours has not been told. Where it is the later one, the other's gateway will know; where it isn't, it
        // will tell of the other again.
        let Some(at) = ours.get().opened_at_unix_ms else { return };
        if (heard.opened_at_unix_ms, &*heard.session_id) > (at, &*ours.get().id) {
            let (player, ours) = ours.remove_entry();
            open.new.remove(&player);
            drop(guard);
            ours.replaced.cancel();
        } else {
            open.new.insert(ours.key().clone());
            drop(guard);
            self.0.changed.notify_one();
        }
    }
}

impl Default for Open {
    fn default() -> Self {
        Self { of: HashMap::new(), new: HashSet::new(), again: Vec::new(), again_at: Instant::now() + ROUND }
    }
}

impl Session {
    fn tell(&mut self, player: &PlayerId, now: Instant) -> Option<pb::WatchRequest> {
        let open_for = now.duration_since(self.opened);
        // Its time will be later than all that were told before, unless it had to wait, or the answer was lost.
        let is_at_once = !std::mem::replace(&mut self.told, true) && open_for < AT_ONCE;
        let waited = if is_at_once { Duration::ZERO } else { open_for };
        let session = pb::Session {
            player_id: player.as_str().to_owned(),
            session_id: self.id.to_string(),
            opened_at_unix_ms: self.opened_at_unix_ms.unwrap_or(0),
            open_for_ms: u64::try_from(waited.as_millis()).ok()?,
        };
        Some(pb::WatchRequest { action: Some(Action::Session(session)) })
    }
}

impl OnlySession {
    /// Cancelled when a newer session of the same player takes its place.
    pub(crate) fn replaced(&self) -> &CancellationToken {
        &self.replaced
    }
}

impl Drop for OnlySession {
    fn drop(&mut self) {
        let mut guard = self.sessions.0.open.lock();
        let open = &mut *guard;
        if let Entry::Occupied(entry) = open.of.entry(self.player.clone())
            && entry.get().id == self.id
        {
            entry.remove();
            open.new.remove(&self.player);
        }
    }
}

#[cfg(test)]
mod tests;
