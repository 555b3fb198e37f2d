//! The player on whose behalf a gateway calls: `muster-player`, percent-encoded, because metadata is ASCII and player ids aren't.

use matching::PlayerId;
use percent_encoding::percent_decode;
use proto::error::{FieldError, Reason, Refusal};
use tonic::codegen::http::HeaderMap;

use super::{Scope, Scopes};
use crate::ids::{self, MAX_ID};

const HEADER: &str = "muster-player";

/// The player whom a caller with these scopes names; an error where it may not name any, or names none that could be.
pub(super) fn named(headers: &HeaderMap, name: &str, scopes: Scopes) -> Result<Option<PlayerId>, Refusal> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    if !scopes.has(Scope::Gateway) {
        let message =
            format!("`{name}` may not call on behalf of a player: `{HEADER}` needs the scope `gateway`");
        return Err(Refusal::new(Reason::Forbidden, message));
    }
    let wrong = |why: String| Refusal::invalid(vec![FieldError::new(HEADER, why)]);
    let player = percent_decode(value.as_bytes()).decode_utf8();
    let player = player.map_err(|_| wrong("must be UTF-8, percent-encoded".to_owned()))?;
    if player.is_empty() {
        return Err(wrong("is empty; leave it away where the call is nobody's".to_owned()));
    }
    match ids::problem(&player, MAX_ID) {
        Some(problem) => Err(wrong(problem)),
        None => Ok(Some(PlayerId::new(player))),
    }
}
