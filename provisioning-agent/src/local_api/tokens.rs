//! A player's token at the door.

use axum::{Json as Answer, extract::State};
use serde::Deserialize;

use super::{body::Json, problem::Problem};
use crate::game_api::{Admitted, GameApi};

/// It has no `Debug`: who holds the token is let in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Verify {
    token: String,
    land_id: String,
}

/// The same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Redeem {
    token: String,
    land_id: String,
    /// The game server's own name of this entrance, under which it may ask again.
    redemption_id: Option<String>,
}

pub(super) async fn verify(
    State(api): State<GameApi>,
    Json(Verify { token, land_id }): Json<Verify>,
) -> Result<Answer<Admitted>, Problem> {
    Ok(Answer(api.verify_token(&token, &land_id).await?))
}

pub(super) async fn redeem(
    State(api): State<GameApi>,
    Json(Redeem { token, land_id, redemption_id }): Json<Redeem>,
) -> Result<Answer<Admitted>, Problem> {
    Ok(Answer(api.redeem_token(token, land_id, redemption_id).await?))
}
