//! `Keys`: what match tokens are verified with, and whether one was used before.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use matching::Time;
use proto::{
    error::{Reason, Refusal},
    keys::v1::{self as pb, keys_server::Keys},
};
use runtime::Clock;
use storage::{Storage, TokenId};
use tokens::{Claims, Expected, KeyRing, Verifier};
use tonic::{Request, Response};

use super::{fields::Fields, refusals};

/// The longest token, in bytes.
const MAX_TOKEN: usize = tokens::MAX_TOKEN_BYTES;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct KeysService {
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) issuer: String,
    pub(crate) clock: Clock,
}

#[tonic::async_trait]
impl Keys for KeysService {
    async fn get_jwks(
        &self,
        _request: Request<pb::GetJwksRequest>,
    ) -> Result<Response<pb::GetJwksResponse>, tonic::Status> {
        Ok(Response::new(pb::GetJwksResponse {
            jwks_json: self.ring.jwks_json(self.clock.wall()),
            max_age_s: u32::try_from(self.ring.max_age().as_secs()).unwrap_or(u32::MAX),
        }))
    }

    async fn rotate_keys(
        &self,
        _request: Request<pb::RotateKeysRequest>,
    ) -> Result<Response<pb::RotateKeysResponse>, tonic::Status> {
        let (ring, now) = (Arc::clone(&self.ring), self.clock.wall());
        // Making a key takes a tenth of a second and writes to disk.
        let rotated = tokio::task::spawn_blocking(move || ring.rotate(now)).await;
        match rotated {
            Ok(Ok(rotated)) => {
                tracing::info!(kid = rotated.kid.as_str(), "a new key is published");
                Ok(Response::new(pb::RotateKeysResponse {
                    kid: rotated.kid.as_str().to_owned(),
                    signs_from_unix_ms: unix_ms(rotated.signs_from),
                }))
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "keys can't be rotated");
                let message = "the key directory can't be written; the log says why";
                Err(Refusal::new(Reason::Unavailable, message).into())
            }
            Err(error) => {
                tracing::error!(%error, "keys can't be rotated");
                Err(Refusal::internal().into())
            }
        }
    }

    async fn redeem_token(
        &self,
        request: Request<pb::RedeemTokenRequest>,
    ) -> Result<Response<pb::RedeemTokenResponse>, tonic::Status> {
        let request = request.into_inner();
        let mut fields = Fields::default();
        if request.token.is_empty() || request.token.len() > MAX_TOKEN {
            fields.wrong("token", format!("must be a token of at most {MAX_TOKEN} bytes"));
        }
        fields.id("land_id", &request.land_id);
        fields.id("server_id", &request.server_id);
        fields.check()?;

        let claims = self.verify(&request)?;
        // A token ends by the wall clock; storage counts by the steady one.
        let left = Time(claims.exp.saturating_mul(1000)).since(Time(self.clock.wall_ms()));
        let (token, now) = (TokenId::new(&claims.jti), Time(self.clock.now_ms()));
        let first = self.storage.redeem(&token, now + left + tokens::DEFAULT_LEEWAY, now).await;
        if !first.map_err(|error| refusals::storage(&error))? {
            let message = "the token was used before; the player gets a new one by reading their ticket";
            return Err(Refusal::new(Reason::TokenAlreadyRedeemed, message).into());
        }
        Ok(Response::new(pb::RedeemTokenResponse {
            player_id: claims.player_id,
            assignment_id: claims.assignment_id,
            match_id: claims.match_id,
            expires_at_unix_ms: claims.exp.saturating_mul(1000),
        }))
    }
}

impl KeysService {
    fn verify(&self, request: &pb::RedeemTokenRequest) -> Result<Claims, Refusal> {
        let now = self.clock.wall();
        let verifier = Verifier::from_jwks(&self.ring.jwks_json(now), &self.issuer).map_err(|error| {
            tracing::error!(%error, "our own keys can't be read");
            Refusal::internal()
        })?;
        let expected = Expected::land(&request.land_id).on_server(&request.server_id);
        verifier
            .verify(&request.token, &expected, now)
            .map_err(|error| Refusal::new(Reason::TokenInvalid, error.to_string()))
    }
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use storage::Local;
    use tokens::{Admission, KeyRingSettings};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_redeemed_once_though_the_wall_clock_was_set_back() {
        let dir = tempfile::tempdir().unwrap();
        let lifetime = Duration::from_secs(300);
        let settings = KeyRingSettings {
            token_lifetime: lifetime,
            publish_ahead: Duration::ZERO,
            bits: tokens::DEFAULT_BITS,
        };
        let ring = Arc::new(KeyRing::open(dir.path(), settings, SystemTime::now()).unwrap());
        let (storage, clock) = (Arc::new(Local::in_memory()), Clock::start());
        let keys = KeysService { ring, storage, issuer: "muster".to_owned(), clock };
        // Here only the steady clock runs on.
        tokio::time::sleep(Duration::from_secs(3600)).await;

        let admission = Admission {
            player_id: "p",
            assignment_id: "a",
            match_id: "m",
            land_id: "demo:1",
            server_id: "s-1",
        };
        let claims = Claims::admit("muster", admission, clock.wall(), lifetime);
        let token = keys.ring.sign(&claims, clock.wall()).unwrap().into_string();
        let request = || {
            let (land_id, server_id) = ("demo:1".to_owned(), "s-1".to_owned());
            Request::new(pb::RedeemTokenRequest { token: token.clone(), land_id, server_id })
        };
        keys.redeem_token(request()).await.unwrap();
        keys.storage.sweep(Time(clock.now_ms()), 100).await.unwrap();
        let again = Refusal::from_status(&keys.redeem_token(request()).await.unwrap_err());
        assert_eq!(again.reason, Reason::TokenAlreadyRedeemed);
        keys.storage.sweep(Time(clock.now_ms()) + lifetime + tokens::DEFAULT_LEEWAY, 100).await.unwrap();
        keys.redeem_token(request()).await.unwrap();
    }
}
