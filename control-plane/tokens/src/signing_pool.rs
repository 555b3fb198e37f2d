//! Signs away from the threads that serve requests.
//!
//! A signature is a third of a millisecond of pure computing: on a thread that drives thousands of sockets that is a stall.
//! Tokens are signed on tokio's blocking threads, no more at a time than the machine has cores, since more would only
//! take turns. The tasks need no owner beyond the call: they are short, touch nothing but memory, and end by themselves.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::{Claims, IdentityClaims, KeyRing, SignError, SignedToken};

/// The most tokens that one task signs, about 20 ms of work: a long list must not keep short ones waiting.
const LONGEST_SHARE: usize = 64;

/// Signs with a ring's key on threads of their own. Cheap to clone; clones share the threads.
#[derive(Debug, Clone)]
pub struct SigningPool {
    ring: Arc<KeyRing>,
    // One permit for each task that may sign at the same time.
    slots: Arc<Semaphore>,
    threads: NonZeroUsize,
}

impl SigningPool {
    /// Signs on as many threads as the machine has cores.
    pub fn new(ring: Arc<KeyRing>) -> Self {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self::with_threads(ring, cores)
    }

    /// Signs on at most `threads` threads.
    pub fn with_threads(ring: Arc<KeyRing>, threads: NonZeroUsize) -> Self {
        Self { ring, slots: Arc::new(Semaphore::new(threads.get())), threads }
    }

    /// The ring whose keys sign.
    pub fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    /// Signs one token for each of `claims`, in their order, or none. The key is the one that signs when a token's turn
    /// comes, by the wall clock.
    ///
    /// Waits for its turn as long as it takes: put the request's deadline around it. It may be dropped at any time; then
    /// what has not begun is not signed, and what has ends within milliseconds and is thrown away.
    ///
    /// # Errors
    ///
    /// The first [`SignError`] of any of them; [`SignError::Stopped`] where the runtime shuts down meanwhile.
    pub async fn sign_all(&self, claims: Vec<Claims>) -> Result<Vec<SignedToken>, SignError> {
        let share = claims.len().div_ceil(self.threads.get()).clamp(1, LONGEST_SHARE);
        let mut shares = Vec::with_capacity(claims.len().div_ceil(share));
        let mut signing = JoinSet::new();
        let mut left = claims.into_iter();
        while left.len() > 0 {
            let mine: Vec<Claims> = left.by_ref().take(share).collect();
            let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| SignError::Stopped)?;
            let (ring, place) = (Arc::clone(&self.ring), shares.len());
            shares.push(Vec::new());
            signing.spawn_blocking(move || {
                let now = SystemTime::now();
                let signed: Result<Vec<_>, _> = mine.iter().map(|claims| ring.sign(claims, now)).collect();
                drop(slot);
                signed.map(|tokens| (place, tokens))
            });
        }
        while let Some(done) = signing.join_next().await {
            let (place, tokens) = done.map_err(|_| SignError::Stopped)??;
            shares[place] = tokens;
        }
        Ok(shares.into_iter().flatten().collect())
    }
    /// Signs one identity token; as [`SigningPool::sign_all`].
    ///
    /// # Errors
    ///
    /// As [`SigningPool::sign_all`].
    pub async fn sign_identity(&self, claims: IdentityClaims) -> Result<SignedToken, SignError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| SignError::Stopped)?;
        let ring = Arc::clone(&self.ring);
        let signed = tokio::task::spawn_blocking(move || {
            let signed = ring.sign_identity(&claims, SystemTime::now());
            drop(slot);
            signed
        });
        signed.await.map_err(|_| SignError::Stopped)?
    }
}
