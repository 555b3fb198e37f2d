//! The keys, as the agent has them.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::IntoResponse,
};
use serde::Deserialize;

use super::problem::Problem;
use crate::game_api::GameApi;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// A key that must be there, if the control plane has it.
    kid: Option<String>,
}

pub(super) async fn jwks(
    State(api): State<GameApi>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Query(Wanted { kid }) = wanted.map_err(|error| Problem::field("query", error.body_text()))?;
    let keys = api.keys(kid.as_deref()).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CACHE_CONTROL, format!("max-age={}", keys.max_age_s())),
    ];
    Ok((headers, keys.text().to_owned()))
}
