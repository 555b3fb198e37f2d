//! The public keys of one issuer: fetched when they are first needed, then kept, and kept up to date.
//!
//! One task fetches, so an issuer that is slow or away holds up nobody whose key is known: who checks a token reads what is
//! there. Only two wait, and not for long: who comes before the first keys, and who brings a key's id that isn't known yet. The
//! second may be a stranger who makes ids up, so the keys are fetched for that reason rarely.

use std::{sync::Arc, time::Duration};

use proto::error::{Reason, Refusal};
use tokens::Verifier;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::source::{Fetched, Source};

/// How long a caller waits for keys.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a fetch may take, all of it.
const FETCH_WITHIN: Duration = Duration::from_secs(4);

/// For how long keys are believed that can't be fetched any more. A key that its issuer has withdrawn is not believed for ever
/// by a gateway that can't hear of it.
const KEEP: Duration = Duration::from_secs(24 * 3600);

/// After how long an issuer that didn't answer is asked again, at first and at last.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// The keys of one issuer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keys(Arc<Inner>);

struct Inner {
    source: Source,
    issuer: String,
    known: watch::Sender<Known>,
    // Wakes the task that fetches.
    wanted: Notify,
}

#[derive(Clone, Default)]
struct Known {
    verifier: Option<Arc<Verifier>>,
    tried: Option<Instant>,
    fetched: Option<Instant>,
    failures: u32,
}

impl Keys {
    /// Those of `issuer`, which `source` has.
    pub(crate) fn new(issuer: &str, source: Source) -> Self {
        let (known, _) = watch::channel(Known::default());
        Self(Arc::new(Inner { source, issuer: issuer.to_owned(), known, wanted: Notify::new() }))
    }

    /// The keys, waited for where there are none yet. `UNAVAILABLE` where they can't be had.
    pub(crate) async fn get(&self) -> Result<Arc<Verifier>, Refusal> {
        if let Some(verifier) = &self.0.known.borrow().verifier {
            return Ok(Arc::clone(verifier));
        }
        self.fetch_after(RETRY).await;
        let known = self.0.known.borrow();
        known.verifier.clone().ok_or_else(|| {
            let message = "the keys to check this token with can't be read at the moment; try again shortly";
            Refusal::new(Reason::Unavailable, message)
        })
    }

    /// Keys that are newer than `these`, for a token whose key is not among them. `None` where there are none, also because
    /// they were fetched a moment ago.
    pub(crate) async fn newer_than(&self, these: &Arc<Verifier>) -> Option<Arc<Verifier>> {
        let is_newer = |known: &Known| known.verifier.clone().filter(|now| !Arc::ptr_eq(now, these));
        if let Some(newer) = is_newer(&self.0.known.borrow()) {
            return Some(newer);
        }
        self.fetch_after(self.0.source.least_interval()).await;
        is_newer(&self.0.known.borrow())
    }

    /// Has the keys fetched, and waits for it; not where they were less than `interval` ago.
    async fn fetch_after(&self, interval: Duration) {
        let mut known = self.0.known.subscribe();
        let before = known.borrow_and_update().tried;
        if before.is_some_and(|tried| tried.elapsed() < interval) {
            return;
        }
        self.0.wanted.notify_one();
        // Where it takes too long, what is there then has to do.
        drop(timeout(PATIENCE, known.wait_for(|known| known.tried != before)).await);
    }

    /// Fetches until `stop`, from when somebody first needs the keys.
    pub(crate) async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.fetch_on()).await;
    }

    async fn fetch_on(&self) {
        self.0.wanted.notified().await;
        loop {
            let wait = self.fetch_once().await;
            let asked = async {
                // Whoever asked while the last fetch was under way got its answer.
                loop {
                    self.0.wanted.notified().await;
                    if self.0.known.borrow().tried.is_none_or(|tried| tried.elapsed() >= RETRY / 2) {
                        return;
                    }
                }
            };
            // By then it is time anyway.
            drop(timeout(wait, asked).await);
        }
    }

    /// Fetches them, and says how long they are good.
    async fn fetch_once(&self) -> Duration {
        let Inner { source, issuer, known, .. } = &*self.0;
        let fetched = timeout(FETCH_WITHIN, source.fetch(issuer)).await;
        let fetched = fetched.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {FETCH_WITHIN:?}")));
        let read = fetched.and_then(|Fetched { jwks, keep }| {
            Ok((Arc::new(Verifier::from_jwks(&jwks, issuer)?.with_leeway(source.leeway())), keep))
        });
        let now = Instant::now();
        match read {
            Ok((verifier, keep)) => {
                if known.borrow().failures > 0 {
                    tracing::info!(issuer, "the keys of an issuer of tokens can be read again");
                }
                known.send_replace(Known {
                    verifier: Some(verifier),
                    tried: Some(now),
                    fetched: Some(now),
                    failures: 0,
                });
                keep
            }
            Err(error) => {
                let failures = known.borrow().failures + 1;
                if failures == 1 {
                    let why = format!("{error:#}");
                    tracing::warn!(
                        issuer,
                        why,
                        "the keys of an issuer of tokens can't be read; trying again"
                    );
                }
                known.send_modify(|known| {
                    known.tried = Some(now);
                    known.failures = failures;
                    if known.fetched.is_some_and(|fetched| fetched.elapsed() > KEEP) {
                        known.verifier = None;
                    }
                });
                (RETRY * 2_u32.saturating_pow(failures.min(6))).min(LONGEST_RETRY)
            }
        }
    }
}
