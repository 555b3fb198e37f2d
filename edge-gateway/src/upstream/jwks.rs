//! The public keys of match tokens, kept for as long as the control plane allows, and longer where it can't be asked.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use parking_lot::Mutex;
use proto::error::Refusal;
use tokio::time::Instant;

use super::{Calls, Origin, shared::SharedAnswer};
use crate::http::RequestId;

/// While the control plane can't be asked, it is tried again after this long, and so may a client.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A JWK Set and how long it may be kept.
#[derive(Debug, Clone)]
pub(crate) struct Jwks {
    /// The JSON text.
    pub(crate) json: Bytes,
    /// Until when it may be kept, by whoever has it: caches behind this one don't start anew.
    keep_until: Instant,
}

impl Jwks {
    /// For how long it may still be kept.
    pub(crate) fn max_age(&self) -> Duration {
        self.keep_until.saturating_duration_since(Instant::now())
    }
}

/// The keys as last read.
#[derive(Clone)]
pub(crate) struct JwksCache {
    calls: Calls,
    answer: SharedAnswer<Result<Jwks, Refusal>>,
    // The last keys that were read; held for a copy.
    last: Arc<Mutex<Option<Bytes>>>,
}

impl JwksCache {
    /// Reads the keys through `calls`.
    pub(crate) fn new(calls: Calls, patience: Duration) -> Self {
        Self { calls, answer: SharedAnswer::new(patience), last: Arc::default() }
    }

    /// The keys: fresh ones, or the last ones while the control plane is away.
    pub(crate) async fn get(&self, id: &RequestId) -> Result<Jwks, Refusal> {
        let (calls, origin) = (self.calls.clone(), Origin::from(id));
        let last = Arc::clone(&self.last);
        let answer = self.answer.get(
            |answer, age| age < RETRY_AFTER || answer.as_ref().is_ok_and(|jwks| !jwks.max_age().is_zero()),
            move || async move {
                let asked_at = Instant::now();
                let answer = calls.jwks(&origin).await?;
                let jwks = Jwks {
                    json: answer.jwks_json.into(),
                    keep_until: asked_at + Duration::from_secs(answer.max_age_s.into()),
                };
                *last.lock() = Some(jwks.json.clone());
                Ok(jwks)
            },
        );
        answer.await.or_else(|refusal| {
            // A key is published long before it signs, so old keys are better than none.
            let json = self.last.lock().clone().ok_or(refusal)?;
            Ok(Jwks { json, keep_until: Instant::now() + RETRY_AFTER })
        })
    }
}
