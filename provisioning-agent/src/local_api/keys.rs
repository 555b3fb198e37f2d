//! The keys, as the agent has them.

use std::time::Duration;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::Deserialize;

use super::{LocalApi, problem::Problem};
use crate::ids;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// A key that must be there, if the control plane has it.
    kid: Option<String>,
}

pub(super) async fn jwks(
    State(api): State<LocalApi>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Query(Wanted { kid }) = wanted.map_err(|error| Problem::field("query", error.body_text()))?;
    if let Some(kid) = &kid {
        ids::check(kid).map_err(|error| Problem::field("kid", error))?;
    }
    let Some(keys) = api.jwks.get(kid.as_deref()).await else {
        let detail = "the keys were not fetched yet, because the control plane can't be reached";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", detail)
            .retry_after(Duration::from_secs(1)));
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CACHE_CONTROL, format!("max-age={}", keys.max_age_s())),
    ];
    Ok((headers, keys.text().to_owned()))
}
