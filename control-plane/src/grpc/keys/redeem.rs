//! Redeeming: a match token is good for one entrance.
//!
//! What is remembered is the token's `jti` and by which redemption it was used, until nobody would accept the token anyway. A
//! redemption has a name that its caller chose, and may be repeated under it: so an answer that was lost on its way to the game
//! server doesn't cost the player their token. Nobody else gains by that: who enters with a stolen token has another
//! redemption.

use matching::Time;
use proto::{
    error::{Reason, Refusal},
    keys::v1 as pb,
};
use storage::{RedemptionId, TokenId};
use tokens::{Claims, Expected, MAX_TOKEN_BYTES, Verifier};
use uuid::Uuid;

use super::KeysService;
use crate::{
    access::Caller,
    grpc::{fields::Fields, refusals},
};

impl KeysService {
    pub(super) async fn redeem(
        &self,
        caller: &Caller,
        request: pb::RedeemTokenRequest,
    ) -> Result<pb::RedeemTokenResponse, Refusal> {
        check(&request)?;
        caller.speaks_for(&request.server_id)?;
        let claims = self.verify(&request)?;
        let by = match request.redemption_id {
            nameless if nameless.is_empty() => RedemptionId::new(Uuid::now_v7().to_string()),
            name => RedemptionId::new(name),
        };
        // A token ends by the wall clock; storage counts by the steady one.
        let left = Time(claims.exp.saturating_mul(1000)).since(Time(self.clock.wall_ms()));
        let (token, now) = (TokenId::new(&claims.jti), Time(self.clock.now_ms()));
        let redeemed = self.storage.redeem(&token, &by, now + left + tokens::DEFAULT_LEEWAY, now).await;
        let redeemed = redeemed.map_err(|error| refusals::storage(&error))?;
        let outcome = if redeemed { "redeemed" } else { "used_before" };
        metrics::counter!("control_plane_redemptions_total", "outcome" => outcome).increment(1);
        if !redeemed {
            let message = "the token was used before; the player gets a new one by reading their ticket";
            return Err(Refusal::new(Reason::TokenAlreadyRedeemed, message));
        }
        Ok(pb::RedeemTokenResponse {
            player_id: claims.player_id,
            assignment_id: claims.assignment_id,
            match_id: claims.match_id,
            expires_at_unix_ms: claims.exp.saturating_mul(1000),
        })
    }

    fn verify(&self, request: &pb::RedeemTokenRequest) -> Result<Claims, Refusal> {
        let now = self.clock.wall();
        let jwks = self.signing.ring().jwks_json(now);
        let verifier = Verifier::from_jwks(&jwks, &self.issuer).map_err(|error| {
            tracing::error!(%error, "our own keys can't be read");
            Refusal::internal()
        })?;
        let expected = Expected::land(&request.land_id).on_server(&request.server_id);
        verifier.verify(&request.token, &expected, now).map_err(|error| {
            metrics::counter!("control_plane_redemptions_total", "outcome" => "invalid").increment(1);
            Refusal::new(Reason::TokenInvalid, error.to_string())
        })
    }
}

fn check(request: &pb::RedeemTokenRequest) -> Result<(), Refusal> {
    let mut fields = Fields::default();
    if request.token.is_empty() || request.token.len() > MAX_TOKEN_BYTES {
        fields.wrong("token", format!("must be a token of at most {MAX_TOKEN_BYTES} bytes"));
    }
    fields.id("land_id", &request.land_id);
    fields.id("server_id", &request.server_id);
    fields.optional_id("redemption_id", &request.redemption_id);
    fields.check()
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        time::{Duration, SystemTime},
    };

    use runtime::Clock;
    use storage::Local;
    use tokens::{Admission, KeyRing, KeyRingSettings, SigningPool};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_redeemed_once_though_the_wall_clock_was_set_back() {
        let dir = tempfile::tempdir().unwrap();
        let lifetime = Duration::from_secs(300);
        let settings = KeyRingSettings {
            algorithm: tokens::Algorithm::Rs256,
            token_lifetime: lifetime,
            identity_lifetime: lifetime,
            publish_ahead: Duration::ZERO,
            bits: tokens::DEFAULT_BITS,
        };
        let ring = Arc::new(KeyRing::open(dir.path(), settings, SystemTime::now()).unwrap());
        let (storage, clock) = (Arc::new(Local::in_memory()), Clock::start());
        let signing = SigningPool::new(Arc::clone(&ring));
        let keys = KeysService { signing, storage, issuer: "muster".to_owned(), clock };
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
        let token = ring.sign(&claims, clock.wall()).unwrap().into_string();
        let request = || pb::RedeemTokenRequest {
            token: token.clone(),
            land_id: "demo:1".to_owned(),
            server_id: "s-1".to_owned(),
            redemption_id: String::new(),
        };
        keys.redeem(&Caller::anybody(), request()).await.unwrap();
        keys.storage.sweep(Time(clock.now_ms()), 100).await.unwrap();
        let again = keys.redeem(&Caller::anybody(), request()).await.unwrap_err();
        assert_eq!(again.reason, Reason::TokenAlreadyRedeemed);
        keys.storage.sweep(Time(clock.now_ms()) + lifetime + tokens::DEFAULT_LEEWAY, 100).await.unwrap();
        keys.redeem(&Caller::anybody(), request()).await.unwrap();
    }
}
