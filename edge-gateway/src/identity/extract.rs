//! A handler's [`Caller`], from the request.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};

use super::{Caller, Credentials};
use crate::{app::App, problem::Problem};

/// With each request of the internal listener, which is for backends and game servers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrustedDoor;

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Arc<App>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = Arc::<App>::from_ref(state);
        let credentials = Credentials::of(&parts.headers);
        if parts.extensions.get::<TrustedDoor>().is_some() && app.identity.trusts_inside(&credentials) {
            return Ok(Self::Trusted);
        }
        let caller = app.identity.caller(&credentials).await?;
        app.door.rates.caller(&caller)?;
        Ok(caller)
    }
}
