//! A player's token at the door: good once, for this server.

use std::time::Duration;

use axum::{Json as Answer, extract::State, http::StatusCode};
use proto::{
    error::{Reason, Refusal},
    keys::v1::RedeemTokenRequest,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    LocalApi,
    body::Json,
    problem::{FieldError, Problem},
};
use crate::{
    ids::{self, LandId},
    redeem::NotRedeemed,
};

/// The longest token, in bytes. Muster's have about 800.
const MAX_TOKEN: usize = 8 * 1024;

/// It has no `Debug`: who holds the token is let in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Redeem {
    token: String,
    land_id: String,
    /// The game server's own name of this entrance, under which it may ask again.
    redemption_id: Option<String>,
}

pub(super) async fn redeem(
    State(api): State<LocalApi>,
    Json(asked): Json<Redeem>,
) -> Result<Answer<Value>, Problem> {
    let request = checked(asked, api.server.server_id.as_str())?;
    let redeemed = api.redeemer.redeem(&request).await.map_err(problem)?;
    Ok(Answer(json!({
        "playerId": redeemed.player_id,
        "assignmentId": redeemed.assignment_id,
        "matchId": redeemed.match_id,
        "landId": request.land_id,
        "serverId": request.server_id,
        "expiresAtUnixMs": redeemed.expires_at_unix_ms,
    })))
}

fn checked(asked: Redeem, server_id: &str) -> Result<RedeemTokenRequest, Problem> {
    let mut errors = Vec::new();
    if asked.token.is_empty() || asked.token.len() > MAX_TOKEN {
        errors.push(FieldError::new("token", format!("give the player's token, at most {MAX_TOKEN} bytes")));
    }
    if let Err(error) = LandId::parse(&asked.land_id) {
        errors.push(FieldError::new("landId", error));
    }
    if let Some(Err(error)) = asked.redemption_id.as_deref().map(ids::check) {
        errors.push(FieldError::new("redemptionId", error));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    Ok(RedeemTokenRequest {
        token: asked.token,
        land_id: asked.land_id,
        server_id: server_id.to_owned(),
        // The agent may have to ask twice, even where the game server doesn't care.
        redemption_id: asked.redemption_id.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
    })
}

fn problem(why: NotRedeemed) -> Problem {
    match why {
        NotRedeemed::Refused(refusal) => refused(refusal),
        NotRedeemed::Unanswered => {
            let detail = "the control plane doesn't answer; ask again with the same redemptionId";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", detail)
                .retry_after(Duration::from_secs(1))
        }
    }
}

fn refused(refusal: Refusal) -> Problem {
    let status = match refusal.reason {
        Reason::TokenAlreadyRedeemed => StatusCode::CONFLICT,
        Reason::TokenInvalid => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, refusal.reason.name(), refusal.message)
}
