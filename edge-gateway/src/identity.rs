//! Who a caller is, and what they may do.
//!
//! Handlers ask for a [`Caller`] and never look at headers themselves: how a caller proves who they are changes here and
//! nowhere else. What exists is Mode A, for development: the player ids that a client sends are believed, where the
//! operator allowed that.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use proto::error::{Reason, Refusal};

/// How callers are identified, decided once at the start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    /// Mode A.
    trust_client_player_ids: bool,
}

impl Identity {
    /// Mode A where `trust_client_player_ids`; else nobody can prove who they are.
    pub(crate) fn new(trust_client_player_ids: bool) -> Self {
        Self { trust_client_player_ids }
    }

    /// Who sent a request.
    fn caller(self) -> Caller {
        if self.trust_client_player_ids { Caller::Trusted } else { Caller::Unknown }
    }
}

/// Who sent a request or opened a socket.
///
/// Reading, watching and cancelling a ticket needs its id, which nobody guesses; only enqueueing speaks in the name of
/// players.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Believed, whatever player ids it sends.
    Trusted,
    /// Nobody knows.
    Unknown,
}

impl Caller {
    /// Whether the caller may enqueue the players that they name.
    pub(crate) fn may_enqueue(self) -> Result<(), Refusal> {
        match self {
            Self::Trusted => Ok(()),
            Self::Unknown => Err(Refusal::new(
                Reason::Unauthenticated,
                "this gateway can't tell which player you are: it does not trust player ids that clients send; for \
                 development, its operator can set ALLOW_CLIENT_PLAYER_ID=true",
            )),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Arc<crate::app::App>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Arc::<crate::app::App>::from_ref(state).identity.caller())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_mode_a_nobody_enqueues_and_the_refusal_names_the_setting() {
        Identity::new(true).caller().may_enqueue().unwrap();
        let refusal = Identity::new(false).caller().may_enqueue().unwrap_err();
        assert_eq!(refusal.reason, Reason::Unauthenticated);
        assert!(
            refusal.message.contains("ALLOW_CLIENT_PLAYER_ID=true")
                && refusal.message.contains("development")
        );
    }
}
