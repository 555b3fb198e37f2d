//! What a match token must be good for.

use super::VerifyError;
use crate::{Claims, GAME_SERVER_AUDIENCE};

/// What a match token must be good for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The `aud`: [`GAME_SERVER_AUDIENCE`] for match tokens.
    pub audience: &'a str,
    /// The land that the player wants to enter.
    pub land_id: &'a str,
    /// The server that asks; `None` where any server may host the land.
    pub server_id: Option<&'a str>,
}

impl<'a> Expected<'a> {
    /// A match token for that land, on whichever server.
    pub fn land(land_id: &'a str) -> Self {
        Self { audience: GAME_SERVER_AUDIENCE, land_id, server_id: None }
    }

    /// The same, on that server only.
    pub fn on_server(self, server_id: &'a str) -> Self {
        Self { server_id: Some(server_id), ..self }
    }

    pub(super) fn check(&self, claims: &Claims) -> Result<(), VerifyError> {
        if claims.land_id != self.land_id {
            let (expected, found) = (self.land_id.to_owned(), claims.land_id.clone());
            return Err(VerifyError::OtherLand { expected, found });
        }
        if let Some(server_id) = self.server_id.filter(|id| *id != claims.server_id) {
            let (expected, found) = (server_id.to_owned(), claims.server_id.clone());
            return Err(VerifyError::OtherServer { expected, found });
        }
        Ok(())
    }
}
