//! What a match token says.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::time::unix_s;

/// The `aud` of every match token: it is meant for game servers and for nobody else.
pub const GAME_SERVER_AUDIENCE: &str = "game-server";

/// The claims of a match token, in the names that travel (`playerId`, `landId`, …).
///
/// A token without one of them is not a match token and is refused. Claims that are not named here are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    /// Who issued the token: the control plane's configured issuer.
    pub iss: String,
    /// For whom it is: [`GAME_SERVER_AUDIENCE`].
    pub aud: String,
    /// Whom it is about: the player, the same as `playerId`.
    pub sub: String,
    /// The player who may enter.
    pub player_id: String,
    /// The assignment that the player got.
    pub assignment_id: String,
    /// The match that the assignment belongs to.
    pub match_id: String,
    /// The land that may be entered.
    pub land_id: String,
    /// The server that hosts the land.
    pub server_id: String,
    /// When the token was made, in whole seconds since 1970-01-01T00:00:00Z.
    pub iat: u64,
    /// From when it is no longer accepted, in whole seconds since 1970-01-01T00:00:00Z.
    pub exp: u64,
    /// This token's own id. Whoever allows a token only once remembers it.
    pub jti: String,
}

/// Who is let in where: the part of the claims that differs from player to player.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// The player who may enter.
    pub player_id: &'a str,
    /// The assignment that the player got.
    pub assignment_id: &'a str,
    /// The match that the assignment belongs to.
    pub match_id: &'a str,
    /// The land that may be entered.
    pub land_id: &'a str,
    /// The server that hosts the land.
    pub server_id: &'a str,
}

impl Claims {
    /// The claims of a token made `now` that lives for `lifetime` (whole seconds count).
    ///
    /// The `jti` is a new UUID of version 7: the ids of one moment lie together, which the stores of redeemed tokens like.
    pub fn admit(issuer: &str, admission: Admission<'_>, now: SystemTime, lifetime: Duration) -> Self {
        let iat = unix_s(now);
        Self {
            iss: issuer.to_owned(),
            aud: GAME_SERVER_AUDIENCE.to_owned(),
            sub: admission.player_id.to_owned(),
            player_id: admission.player_id.to_owned(),
            assignment_id: admission.assignment_id.to_owned(),
            match_id: admission.match_id.to_owned(),
            land_id: admission.land_id.to_owned(),
            server_id: admission.server_id.to_owned(),
            iat,
            exp: iat.saturating_add(lifetime.as_secs()),
            jti: uuid::Uuid::now_v7().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix_ms;

    fn claims() -> Claims {
        let admission = Admission {
            player_id: "ann",
            assignment_id: "a-1",
            match_id: "m-1",
            land_id: "hero-defense:1",
            server_id: "s-1",
        };
        Claims::admit("muster", admission, from_unix_ms(1_700_000_000_999), Duration::from_secs(60))
    }

    #[test]
    fn the_names_on_the_wire_are_the_contract_s() {
        let json = serde_json::to_value(Claims { jti: "j".to_owned(), ..claims() }).unwrap();
        let wanted = serde_json::json!({
            "iss": "muster", "aud": "game-server", "sub": "ann", "playerId": "ann", "assignmentId": "a-1",
            "matchId": "m-1", "landId": "hero-defense:1", "serverId": "s-1",
            "iat": 1_700_000_000, "exp": 1_700_000_060, "jti": "j",
        });
        assert_eq!(json, wanted);
    }

    #[test]
    fn every_token_has_an_id_of_its_own() {
        assert_ne!(claims().jti, claims().jti);
    }
}
