//! On whose behalf a call to the control plane is made: the client's request, and the player who sent it.
//!
//! The control plane believes what a gateway says of a player, so nothing but a verified identity may become an [`Origin`]'s
//! player.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tonic::{Request, metadata::AsciiMetadataValue};

use crate::{
    http::RequestId,
    identity::{Caller, PlayerId},
};

/// The metadata that names the player.
const PLAYER: &str = "muster-player";

/// What travels as it is; everything else is `%` and two hexadecimal digits, so that any id fits into a header.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The request that a call is made for, and its player. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    request_id: RequestId,
    player: Option<AsciiMetadataValue>,
    /// What a game server proves itself by; the control plane looks at it, not this gateway.
    credential: Credential,
}

/// By what the control plane is to know who calls.
#[derive(Debug, Clone)]
enum Credential {
    /// The gateway's own, which is none of the client's business.
    Gateways,
    /// The client's own, as it sent it; where it sent none, the gateway's, and what is said of that is for the client.
    Clients(Option<AsciiMetadataValue>),
}

impl Origin {
    /// A call for this caller.
    pub(crate) fn of(request_id: &RequestId, caller: &Caller) -> Self {
        Self {
            request_id: request_id.clone(),
            player: caller.player().map(as_metadata),
            credential: Credential::Gateways,
        }
    }

    /// A call for a game server, which may have a key of its own: it goes on as it came.
    pub(crate) fn of_server(request_id: &RequestId, headers: &HeaderMap) -> Self {
        let key =
            headers.get(AUTHORIZATION).and_then(|value| AsciiMetadataValue::try_from(value.as_bytes()).ok());
        let key = key.map(|mut key| {
            key.set_sensitive(true);
            key
        });
        Self { request_id: request_id.clone(), player: None, credential: Credential::Clients(key) }
    }

    /// Whether what the control plane says of the credential is for the client.
    pub(super) fn has_own_credential(&self) -> bool {
        matches!(self.credential, Credential::Clients(_))
    }

    /// The id of the client's request, for the log.
    pub(super) fn request_id(&self) -> &str {
        self.request_id.as_str()
    }

    /// Says in a call's metadata on whose behalf it is made.
    pub(super) fn mark<T>(&self, request: &mut Request<T>) {
        let metadata = request.metadata_mut();
        metadata.insert("x-request-id", self.request_id.metadata_value());
        if let Some(player) = &self.player {
            metadata.insert(PLAYER, player.clone());
        }
        if let Credential::Clients(Some(key)) = &self.credential {
            metadata.insert("authorization", key.clone());
        }
    }
}

/// A call that no player asked for.
impl From<&RequestId> for Origin {
    fn from(request_id: &RequestId) -> Self {
        Self { request_id: request_id.clone(), player: None, credential: Credential::Gateways }
    }
}

fn as_metadata(player: &PlayerId) -> AsciiMetadataValue {
    let escaped = utf8_percent_encode(player.as_str(), ESCAPED).to_string();
    escaped.parse().expect("letters, digits and percent signs are a metadata value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_player_fits_into_metadata() {
        for (player, wire) in
            [("ann", "ann"), ("eos|0001-a_b.c~", "eos%7C0001-a_b.c~"), ("Ünal %", "%C3%9Cnal%20%25")]
        {
            let player = PlayerId::new(player.to_owned()).unwrap();
            assert_eq!(as_metadata(&player).to_str().unwrap(), wire);
        }
    }
}
