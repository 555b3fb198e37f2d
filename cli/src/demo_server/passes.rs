//! How a game server verifies a player's token.
//!
//! The token is a JWT. Its signature is checked against the public keys (the JWKS) that the agent hands out, then the claims:
//! who issued it, that it is meant for game servers, that it has not expired, and that it is for *this* land on *this*
//! server. The crate `tokens` does all of that; in another language, take any JWT library and compare the same claims.
//!
//! Keys are rotated. A token with a key id that we don't know is no reason to refuse it, but to ask for the keys again:
//! at most once a second, whatever clients send.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use tokens::{Claims, Expected, JwksError, Verifier, VerifyError};
use tokio::{sync::Semaphore, time::Instant};

use super::{
    agent::{Agent, AgentError},
    ids::LandId,
};

/// After this long the keys are asked for again even though all is well: one may have been withdrawn.
const MAX_AGE: Duration = Duration::from_secs(300);
/// The shortest time between two questions for the keys.
const MIN_AGE: Duration = Duration::from_secs(1);

/// Verifies tokens.
#[derive(Debug)]
pub(super) struct Passes {
    agent: Agent,
    issuer: String,
    // Held to copy a pointer, never over an await.
    keys: Mutex<Option<Keys>>,
    // Many players may come with a new key at once; one of them asks, the others wait and look again.
    asking: Semaphore,
}

#[derive(Debug, Clone)]
struct Keys {
    verifier: Arc<Verifier>,
    since: Instant,
}

/// Why a token was not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoPass {
    /// The token is bad.
    #[error("{0}")]
    Token(#[from] VerifyError),
    /// It may be good, but there are no keys to verify it with.
    #[error("the keys are not there yet: {0}")]
    NoKeys(#[from] KeysError),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    #[error("{0}")]
    Agent(#[from] AgentError),
    #[error("{0}")]
    Jwks(#[from] JwksError),
}

impl Passes {
    pub(super) fn new(agent: Agent, issuer: String) -> Self {
        Self { agent, issuer, keys: Mutex::default(), asking: Semaphore::new(1) }
    }

    /// Verifies `token` for `land` on the server `server_id`.
    pub(super) async fn verify(&self, token: &str, land: &LandId, server_id: &str) -> Result<Claims, NoPass> {
        let expected = Expected::land(land.as_str()).on_server(server_id);
        let verifier = self.verifier(None).await?;
        match verifier.verify(token, &expected, SystemTime::now()) {
            Err(VerifyError::UnknownKey { kid }) => {
                let verifier = self.verifier(Some(&kid)).await?;
                Ok(verifier.verify(token, &expected, SystemTime::now())?)
            }
            verified => Ok(verified?),
        }
    }

    /// The keys as they are, asked for again where they are old or lack `kid`.
    async fn verifier(&self, kid: Option<&str>) -> Result<Arc<Verifier>, KeysError> {
        let usable = || self.keys.lock().clone().filter(|keys| keys.serve(kid));
        if let Some(keys) = usable() {
            return Ok(keys.verifier);
        }
        let _turn = self.asking.acquire().await.expect("the semaphore is never closed");
        if let Some(keys) = usable() {
            return Ok(keys.verifier);
        }
        let fetched = self.fetch(kid).await;
        match (fetched, self.keys.lock().clone()) {
            (Ok(verifier), _) => Ok(verifier),
            // Old keys are better than none while the agent is away.
            (Err(error), Some(old)) => {
                tracing::warn!(%error, "the keys can't be asked for; those that are there stay");
                Ok(old.verifier)
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn fetch(&self, kid: Option<&str>) -> Result<Arc<Verifier>, KeysError> {
        let jwks = self.agent.jwks(kid).await?;
        let verifier = Arc::new(Verifier::from_jwks(&jwks, &self.issuer)?);
        *self.keys.lock() = Some(Keys { verifier: Arc::clone(&verifier), since: Instant::now() });
        Ok(verifier)
    }
}

impl Keys {
    /// Whether these keys will do for `kid`, or were asked for so recently that asking again would not help.
    fn serve(&self, kid: Option<&str>) -> bool {
        let age = self.since.elapsed();
        let known = kid.is_none_or(|kid| self.verifier.key_ids().any(|key| key == kid));
        age < MIN_AGE || (known && age < MAX_AGE)
    }
}
