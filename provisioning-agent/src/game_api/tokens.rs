//! A player's token at the door: verified with the keys that are here, or used up at the control plane.

use std::time::SystemTime;

use proto::keys::v1::RedeemTokenRequest;
use serde::Serialize;
use tokens::{Expected, MAX_TOKEN_BYTES, VerifyError};

use super::{Code, FieldError, GameApi, Refused};
use crate::{
    ids::{self, LandId},
    jwks::KeySet,
    redeem::NotRedeemed,
};

/// Whose token it was.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Admitted {
    pub(crate) player_id: String,
    pub(crate) assignment_id: String,
    pub(crate) match_id: String,
    pub(crate) land_id: String,
    pub(crate) server_id: String,
    pub(crate) expires_at_unix_ms: u64,
}

impl GameApi {
    /// Whether a token is good for that land on this server. Nobody is asked, except for a key that isn't here yet.
    pub(crate) async fn verify_token(&self, token: &str, land_id: &str) -> Result<Admitted, Refused> {
        checked(token, land_id, None)?;
        let keys = self.keys(None).await?;
        match self.verified(&keys, token, land_id)? {
            Err(VerifyError::UnknownKey { kid }) if ids::check(&kid).is_ok() => {
                // It may be a new one.
                let keys = self.keys(Some(&kid)).await?;
                self.verified(&keys, token, land_id)?.map_err(invalid)
            }
            verified => verified.map_err(invalid),
        }
    }

    /// Uses a token up. The same `redemption_id` again is the same use.
    pub(crate) async fn redeem_token(
        &self,
        token: String,
        land_id: String,
        redemption_id: Option<String>,
    ) -> Result<Admitted, Refused> {
        checked(&token, &land_id, redemption_id.as_deref())?;
        // The agent may have to ask twice, even where the game server doesn't care.
        let redemption_id = redemption_id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let server_id = self.server.server_id.as_str().to_owned();
        let request = RedeemTokenRequest { token, land_id, server_id, redemption_id };
        let redeemed = self.redeemer.redeem(&request).await.map_err(|why| match why {
            NotRedeemed::Refused(refusal) => Refused::from(refusal),
            NotRedeemed::Unanswered => Refused::unavailable(
                "the control plane doesn't answer; ask again under the same redemption id",
            ),
        })?;
        Ok(Admitted {
            player_id: redeemed.player_id,
            assignment_id: redeemed.assignment_id,
            match_id: redeemed.match_id,
            land_id: request.land_id,
            server_id: request.server_id,
            expires_at_unix_ms: redeemed.expires_at_unix_ms,
        })
    }

    fn verified(
        &self,
        keys: &KeySet,
        token: &str,
        land_id: &str,
    ) -> Result<Result<Admitted, VerifyError>, Refused> {
        let verifier = keys.verifier(&self.server.token_issuer).map_err(|why| {
            tracing::warn!(%why, "the control plane's keys can't be used");
            Refused::unavailable("the control plane's keys can't be used; the agent's log says why")
        })?;
        let expected = Expected::land(land_id).on_server(self.server.server_id.as_str());
        let verified = verifier.verify(token, &expected, SystemTime::now());
        Ok(verified.map(|claims| Admitted {
            player_id: claims.player_id,
            assignment_id: claims.assignment_id,
            match_id: claims.match_id,
            land_id: claims.land_id,
            server_id: claims.server_id,
            expires_at_unix_ms: claims.exp.saturating_mul(1000),
        }))
    }
}

fn checked(token: &str, land_id: &str, redemption_id: Option<&str>) -> Result<(), Refused> {
    let mut errors = Vec::new();
    if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
        let message = format!("give the player's token, at most {MAX_TOKEN_BYTES} bytes");
        errors.push(FieldError::new("token", message));
    }
    if let Err(error) = LandId::parse(land_id) {
        errors.push(FieldError::new("land_id", error));
    }
    if let Some(Err(error)) = redemption_id.map(ids::check) {
        errors.push(FieldError::new("redemption_id", error));
    }
    if errors.is_empty() { Ok(()) } else { Err(Refused::invalid(errors)) }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn invalid(error: VerifyError) -> Refused {
    Refused::new(Code::TokenInvalid, error.to_string())
}
