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
use runtime::{control_plane::Way, endpoints::Endpoint};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub(crate) use key_set::KeySet;

use crate::route::Route;

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
    pub(crate) async fn keep_fresh(self, mut route: Route, stop: CancellationToken) {
        let mut failures = 0_u32;
        loop {
            self.shared.latest.send_modify(|latest| latest.fetching = true);
            let fetched = tokio::select! {
                fetched = fetch(&mut route) => fetched,
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

/// Asks one replica after the other, until one answers.
async fn fetch(route: &mut Route) -> Result<KeySet, String> {
    let give_up = Instant::now() + FETCH;
    let mut why = "no address of the control plane is known".to_owned();
    let all = route.all();
    let count = all.len();
    for (index, endpoint) in all.into_iter().enumerate() {
        let left = give_up.saturating_duration_since(Instant::now());
        // One that is silent leaves time for the others.
        let patience = if index + 1 < count { left / 2 } else { left };
        match tokio::time::timeout(patience, fetch_from(route.way(), &endpoint, patience)).await {
            Ok(Ok(keys)) => {
                route.answered(endpoint);
                return Ok(keys);
            }
            Ok(Err(error)) => why = error,
            Err(_) => "no answer in time".clone_into(&mut why),
        }
    }
    route.failed();
    Err(why)
}

/// Over a connection of its own: keys are fetched every few minutes.
async fn fetch_from(way: &Way, endpoint: &Endpoint, patience: Duration) -> Result<KeySet, String> {
    let calls = way.connect(endpoint, patience, |transport| transport).await;
    let calls = calls.map_err(|error| format!("{error:#}"))?;
    let mut request = tonic::Request::new(GetJwksRequest {});
    request.set_timeout(patience);
    let answer = KeysClient::new(calls).get_jwks(request).await;
    let keys = answer.map_err(|status| format!("{:?}: {}", status.code(), status.message()))?.into_inner();
    KeySet::parse(keys.jwks_json, keys.max_age_s)
}
