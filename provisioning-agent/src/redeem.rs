//! Redeeming match tokens at the control plane, for a game server that knows no address but its agent's.
//!
//! Any replica can be asked. One question may be put to several, or twice to one: it has one name (the redemption's id), by
//! which the control plane knows that it is the same. So an answer that got lost costs the player nothing, and where nobody
//! answers the game server may ask again under that name.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use proto::{
    error::{Reason, Refusal},
    keys::v1::{RedeemTokenRequest, RedeemTokenResponse, keys_client::KeysClient},
};
use runtime::{control_plane::Calls, endpoints::Endpoint};
use tokio::{sync::Semaphore, time::Instant};

use crate::route::Route;

/// How long a game server is kept waiting.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// The pause before all are asked a second time: a connection that broke is made anew.
const PAUSE: Duration = Duration::from_millis(100);
/// How many redemptions may be under way. More wait, within [`PATIENCE`].
const AT_ONCE: usize = 256;

/// Asks the control plane. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Redeemer {
    shared: Arc<Shared>,
}

struct Shared {
    /// Held to choose an address, never over an await.
    route: Mutex<Route>,
    /// The connection that was good last: players come in crowds. Held to copy it.
    kept: Mutex<Option<(Endpoint, KeysClient<Calls>)>>,
    turns: Semaphore,
}

/// Why a token was not redeemed.
#[derive(Debug)]
pub(crate) enum NotRedeemed {
    /// The token is no good, or what was asked isn't: asking again changes nothing.
    Refused(Refusal),
    /// Nobody could say. It may have happened; the same redemption may be asked for again.
    Unanswered,
}

impl Redeemer {
    pub(crate) fn new(route: Route) -> Self {
        Self {
            shared: Arc::new(Shared {
                route: Mutex::new(route),
                kept: Mutex::default(),
                turns: Semaphore::new(AT_ONCE),
            }),
        }
    }

    /// Redeems a token, or says within [`PATIENCE`] why not.
    pub(crate) async fn redeem(
        &self,
        request: &RedeemTokenRequest,
    ) -> Result<RedeemTokenResponse, NotRedeemed> {
        let give_up = Instant::now() + PATIENCE;
        let asked = tokio::time::timeout_at(give_up, async {
            let _turn = self.shared.turns.acquire().await.map_err(|_| NotRedeemed::Unanswered)?;
            match self.ask_all(request, give_up).await {
                Err(NotRedeemed::Unanswered) => {
                    tokio::time::sleep(PAUSE).await;
                    self.ask_all(request, give_up).await
                }
                answered => answered,
            }
        });
        let redeemed = asked.await.unwrap_or(Err(NotRedeemed::Unanswered));
        if matches!(redeemed, Err(NotRedeemed::Unanswered)) {
            self.shared.route.lock().failed();
        }
        redeemed
    }

    /// Asks one replica after the other, until one knows.
    async fn ask_all(
        &self,
        request: &RedeemTokenRequest,
        give_up: Instant,
    ) -> Result<RedeemTokenResponse, NotRedeemed> {
        let all = self.shared.route.lock().all();
        let count = all.len();
        for (index, endpoint) in all.into_iter().enumerate() {
            let left = give_up.saturating_duration_since(Instant::now());
            // One that is silent leaves time for the others.
            let patience = if index + 1 < count { left / 2 } else { left };
            let asked = tokio::time::timeout(patience, self.ask(&endpoint, request, patience)).await;
            match asked.unwrap_or(Err(NotRedeemed::Unanswered)) {
                Err(NotRedeemed::Unanswered) => self.forget(&endpoint),
                answered => {
                    self.shared.route.lock().answered(endpoint);
                    return answered;
                }
            }
        }
        Err(NotRedeemed::Unanswered)
    }

    async fn ask(
        &self,
        endpoint: &Endpoint,
        request: &RedeemTokenRequest,
        patience: Duration,
    ) -> Result<RedeemTokenResponse, NotRedeemed> {
        let mut client = self.client(endpoint)?;
        let mut request = tonic::Request::new(request.clone());
        request.set_timeout(patience);
        match client.redeem_token(request).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(not_redeemed(&status)),
        }
    }

    /// The connection that is there, or a new one.
    fn client(&self, endpoint: &Endpoint) -> Result<KeysClient<Calls>, NotRedeemed> {
        let mut kept = self.shared.kept.lock();
        if let Some((_, client)) = kept.as_ref().filter(|(to, _)| to == endpoint) {
            return Ok(client.clone());
        }
        let way = self.shared.route.lock().way().clone();
        let calls = way.connect_when_needed(endpoint, PATIENCE).map_err(|error| {
            tracing::warn!(%error, "no token can be redeemed there");
            NotRedeemed::Unanswered
        })?;
        let client = KeysClient::new(calls);
        *kept = Some((endpoint.clone(), client.clone()));
        Ok(client)
    }

    fn forget(&self, endpoint: &Endpoint) {
        self.shared.kept.lock().take_if(|(to, _)| to == endpoint);
    }
}

fn not_redeemed(status: &tonic::Status) -> NotRedeemed {
    let refusal = Refusal::from_status(status);
    match refusal.reason {
        Reason::InvalidRequest | Reason::TokenInvalid | Reason::TokenAlreadyRedeemed => {
            NotRedeemed::Refused(refusal)
        }
        reason => {
            tracing::warn!(
                reason = reason.name(),
                message = refusal.message,
                "a token can't be redeemed now"
            );
            NotRedeemed::Unanswered
        }
    }
}
