//! `Keys`: what tokens are verified with, who makes identity tokens, and whether a match token was used before.

mod identity;
mod redeem;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use proto::{
    error::{Reason, Refusal},
    keys::v1::{self as pb, keys_server::Keys},
};
use runtime::Clock;
use storage::Storage;
use tokens::{KeyInfo, KeyState, SigningPool};
use tonic::{Request, Response};

use crate::access::Caller;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct KeysService {
    pub(crate) signing: SigningPool,
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
        let ring = self.signing.ring();
        Ok(Response::new(pb::GetJwksResponse {
            jwks_json: ring.jwks_json(self.clock.wall()),
            max_age_s: u32::try_from(ring.max_age().as_secs()).unwrap_or(u32::MAX),
        }))
    }

    async fn rotate_keys(
        &self,
        _request: Request<pb::RotateKeysRequest>,
    ) -> Result<Response<pb::RotateKeysResponse>, tonic::Status> {
        let (ring, now) = (Arc::clone(self.signing.ring()), self.clock.wall());
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

    async fn list_keys(
        &self,
        _request: Request<pb::ListKeysRequest>,
    ) -> Result<Response<pb::ListKeysResponse>, tonic::Status> {
        let published = self.signing.ring().published(self.clock.wall());
        Ok(Response::new(pb::ListKeysResponse { keys: published.iter().map(key).collect() }))
    }

    async fn redeem_token(
        &self,
        request: Request<pb::RedeemTokenRequest>,
    ) -> Result<Response<pb::RedeemTokenResponse>, tonic::Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.redeem(&caller, request.into_inner()).await?))
    }

    async fn issue_identity(
        &self,
        request: Request<pb::IssueIdentityRequest>,
    ) -> Result<Response<pb::IssueIdentityResponse>, tonic::Status> {
        Ok(Response::new(self.issue(&request.into_inner()).await?))
    }
}

fn key(info: &KeyInfo) -> pb::Key {
    let state = match info.state {
        KeyState::Waiting => pb::KeyState::Waiting,
        KeyState::Signing => pb::KeyState::Signing,
        KeyState::Retiring => pb::KeyState::Retiring,
    };
    pb::Key {
        kid: info.kid.to_string(),
        algorithm: info.algorithm.to_string(),
        state: state.into(),
        signs_from_unix_ms: unix_ms(info.signs_from),
        published_until_unix_ms: info.published_until.map_or(0, unix_ms),
    }
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
