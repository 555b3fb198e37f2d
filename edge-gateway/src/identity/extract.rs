//! A handler's [`Caller`], from the request.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};

use super::{Caller, Credentials};
use crate::{app::App, problem::Problem};

/// With each request of a listener whose clients are all trusted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrustedDoor;

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Arc<App>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.extensions.get::<TrustedDoor>().is_some() {
            return Ok(Self::Trusted);
        }
        let app = Arc::<App>::from_ref(state);
        let caller = app.identity.caller(&Credentials::of(&parts.headers)).await?;
        app.door.rates.caller(&caller)?;
        Ok(caller)
    }
}
