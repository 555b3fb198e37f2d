//! Identity tokens: signed for whoever has made sure of who the player is.

use std::time::Duration;

use proto::{
    error::{Reason, Refusal},
    keys::v1 as pb,
};
use tokens::{IdentityClaims, SignError};

use super::KeysService;
use crate::grpc::fields::Fields;

/// The shortest life of an identity token, in milliseconds: times in tokens are whole seconds.
const SHORTEST_MS: u64 = 1000;

impl KeysService {
    pub(super) async fn issue(
        &self,
        request: &pb::IssueIdentityRequest,
    ) -> Result<pb::IssueIdentityResponse, Refusal> {
        let longest = self.signing.ring().identity_lifetime();
        let longest_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let mut fields = Fields::default();
        fields.id("player_id", &request.player_id);
        let lifetime_ms = match request.lifetime_ms {
            0 => longest_ms,
            asked => asked,
        };
        if !(SHORTEST_MS..=longest_ms).contains(&lifetime_ms) {
            let range = format!("must be from {SHORTEST_MS} to {longest_ms} (--identity-lifetime), or 0");
            fields.wrong("lifetime_ms", range);
        }
        fields.check()?;
        let lifetime = Duration::from_millis(lifetime_ms);
        let claims = IdentityClaims::of(&self.issuer, &request.player_id, self.clock.wall(), lifetime);
        let expires_at_unix_ms = claims.exp.saturating_mul(1000);
        let token = self.signing.sign_identity(claims).await.map_err(|error| unsigned(&error))?;
        metrics::counter!("control_plane_identities_issued_total").increment(1);
        Ok(pb::IssueIdentityResponse { token: token.into_string(), expires_at_unix_ms })
    }
}

fn unsigned(error: &SignError) -> Refusal {
    tracing::error!(%error, "an identity token can't be signed");
    match error {
        SignError::Stopped => {
            Refusal::new(Reason::Unavailable, "this control plane is shutting down; try again")
        }
        _ => Refusal::internal(),
    }
}
