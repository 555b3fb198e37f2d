//! What an identity token says: who its bearer is, for the gateway's ears only.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::time::unix_s;

/// The `aud` of every identity token: the gateway, and nobody else. No game server lets its bearer in.
pub const IDENTITY_AUDIENCE: &str = "edge-gateway";

/// The claims of an identity token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityClaims {
    /// Who issued the token: the control plane's configured issuer.
    pub iss: String,
    /// For whom it is: [`IDENTITY_AUDIENCE`].
    pub aud: String,
    /// The player.
    pub sub: String,
    /// When the token was made, in whole seconds since 1970-01-01T00:00:00Z.
    pub iat: u64,
    /// From when it is no longer accepted, in whole seconds since 1970-01-01T00:00:00Z.
    pub exp: u64,
    /// This token's own id.
    pub jti: String,
}

impl IdentityClaims {
    /// The claims of a token made `now` that says for `lifetime` (whole seconds count) that its bearer is `player_id`.
    pub fn of(issuer: &str, player_id: &str, now: SystemTime, lifetime: Duration) -> Self {
        let iat = unix_s(now);
        Self {
            iss: issuer.to_owned(),
            aud: IDENTITY_AUDIENCE.to_owned(),
            sub: player_id.to_owned(),
            iat,
            exp: iat.saturating_add(lifetime.as_secs()),
            jti: uuid::Uuid::now_v7().to_string(),
        }
    }
}
