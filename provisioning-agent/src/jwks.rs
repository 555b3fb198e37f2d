//! The public keys that match tokens are verified with, kept close to the game server.
//!
//! One task fetches them and fetches them again before they grow old. While the control plane is out of reach the old ones
//! stay in use: a key that was good stays good until it is rotated out, and players who have a token want to play.
//! Whoever meets a key id that isn't here may have the keys fetched at once, but all together not more often than every
//! [`ASKED_EVERY`]: else anybody with a made-up token could use this machine to flood the control plane.

mod key_set;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use proto::keys::v1::{GetJwksRequest, keys_client::KeysClient};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

pub(crate) use key_set::KeySet;

/// How often, at most, the keys are fetched because somebody asks.
pub(crate) const ASKED_EVERY: Duration = Duration::from_secs(5);
/// How long whoever asks is kept waiting.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one fetch may take; less than [`PATIENCE`], so that who waits learns how it went.
const FETCH: Duration = Duration::from_millis(2_500);
/// The waits between tries that fail.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The keys, for those who need them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Jwks {
    shared: Arc<Shared>,
}

struct Shared {
    latest: watch::Sender<Latest>,
    /// Wakes the task that fetches.
    wanted: Notify,
    /// The last fetch that was asked for. Held for a comparison, never over an await.
    asked: Mutex<Option<Asked>>,
}

#[derive(Clone, Copy)]
struct Asked {
    at: Instant,
    /// The fetch has ended when that many have.
    answered_by: u64,
}

/// How the last fetch went.
#[derive(Clone, Default)]
struct Latest {
    keys: Option<Arc<KeySet>>,
    /// Counts fetches that have ended, well or not.
    fetches: u64,
    /// Whether one is under way.
    fetching: bool,
}

impl Latest {
    fn suffices(&self, kid: Option<&str>) -> bool {
        let keys = self.keys.as_ref();
        keys.is_some_and(|keys| kid.is_none_or(|kid| keys.has(kid)))
    }
}

impl Jwks {
    pub(crate) fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                // The task begins with a fetch.
                latest: watch::Sender::new(Latest { fetching: true, ..Latest::default() }),
                wanted: Notify::new(),
                asked: Mutex::default(),
            }),
        }
    }

    /// The keys; `None` where none were ever fetched. With a `kid` that isn't among them, or with no keys at all, waits for
    /// a fetch if one may be made.
    pub(crate) async fn get(&self, kid: Option<&str>) -> Option<Arc<KeySet>> {
        let mut latest = self.shared.latest.subscribe();
        let known = latest.borrow_and_update().clone();
        if known.suffices(kid) {
            return known.keys;
        }
        let Some(answered_by) = self.ask(&known) else {
            return known.keys;
        };
        let fetched = latest.wait_for(|latest| latest.suffices(kid) || latest.fetches >= answered_by);
        match tokio::time::timeout(PATIENCE, fetched).await {
            Ok(Ok(latest)) => latest.keys.clone(),
            _ => known.keys,
        }
    }

    /// Asks for a fetch, or joins one that was asked for and has not ended. Returns how many fetches will have ended then;
    /// `None` where it is too soon for another.
    fn ask(&self, known: &Latest) -> Option<u64> {
        if known.keys.is_none() && known.fetching {
            // The first keys are on their way already.
            return Some(known.fetches + 1);
        }
        let at = Instant::now();
        let mut asked = self.shared.asked.lock();
        if let Some(asked) = asked.filter(|asked| at.duration_since(asked.at) < ASKED_EVERY) {
            return Some(asked.answered_by).filter(|answered_by| known.fetches < *answered_by);
        }
        // One that is under way may have been answered before the key was made; only the next one is sure to hold it.
        let answered_by = known.fetches + 1 + u64::from(known.fetching);
        *asked = Some(Asked { at, answered_by });
        self.shared.wanted.notify_one();
        Some(answered_by)
    }

    /// Fetches the keys, again and again, until `stop`.
    pub(crate) async fn keep_fresh(self, channel: Channel, stop: CancellationToken) {
        let mut client = KeysClient::new(channel);
        let mut failures = 0_u32;
        loop {
            self.shared.latest.send_modify(|latest| latest.fetching = true);
            let fetched = tokio::select! {
                fetched = fetch(&mut client) => fetched,
                () = stop.cancelled() => return,
            };
            let wait = match fetched {
                Ok(keys) => {
                    if failures > 0 {
                        tracing::info!("the keys of match tokens are here");
                    }
                    failures = 0;
                    let wait = keys.fresh_for();
                    self.publish(Some(keys));
                    wait
                }
                Err(cause) => {
                    if failures == 0 {
                        let in_use = self.shared.latest.borrow().keys.is_some();
                        tracing::warn!(%cause, old_keys_in_use = in_use, "the keys of match tokens can't be fetched; trying until they can");
                    }
                    let wait = RETRY.0.saturating_mul(1 << failures.min(6)).min(RETRY.1);
                    failures += 1;
                    self.publish(None);
                    wait
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.shared.wanted.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    fn publish(&self, keys: Option<KeySet>) {
        self.shared.latest.send_modify(|latest| {
            latest.fetches += 1;
            latest.fetching = false;
            if let Some(keys) = keys {
                latest.keys = Some(Arc::new(keys));
            }
        });
    }
}

async fn fetch(client: &mut KeysClient<Channel>) -> Result<KeySet, String> {
    let mut request = tonic::Request::new(GetJwksRequest {});
    request.set_timeout(FETCH);
    let response = match tokio::time::timeout(FETCH, client.get_jwks(request)).await {
        Ok(Ok(response)) => response.into_inner(),
        Ok(Err(status)) => return Err(format!("{:?}: {}", status.code(), status.message())),
        Err(_) => return Err("no answer in time".to_owned()),
    };
    KeySet::parse(response.jwks_json, response.max_age_s)
}
