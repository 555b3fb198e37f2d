//! What a call brings, found usable or named.

use std::collections::HashSet;

use super::{FieldError, Refused};
use crate::{
    ids::{LandId, PlayerId},
    machine::{MAX_REASON_BYTES, MOST_PLAYERS},
};

/// How many bad fields are named at once; more help nobody.
const MOST_ERRORS: usize = 20;

pub(super) fn land_id(field: &str, text: &str) -> Result<LandId, Refused> {
    LandId::parse(text).map_err(|error| Refused::field(field, error))
}

/// For people and logs: may be empty.
pub(super) fn reason(text: &str) -> Result<(), Refused> {
    if text.len() > MAX_REASON_BYTES || text.chars().any(char::is_control) {
        let message = format!("give at most {MAX_REASON_BYTES} bytes of printable text");
        return Err(Refused::field("reason", message));
    }
    Ok(())
}

/// Ids that follow the rule, each once, and not too many.
pub(super) fn players(field: &str, listed: &[String]) -> Result<Vec<PlayerId>, Refused> {
    if listed.len() > MOST_PLAYERS {
        let message = format!("lists {} players; list at most {MOST_PLAYERS}", listed.len());
        return Err(Refused::field(field, message));
    }
    let mut players = Vec::with_capacity(listed.len());
    let mut errors = Vec::new();
    let mut seen = HashSet::with_capacity(listed.len());
    for (place, text) in listed.iter().enumerate() {
        let wrong = |message: String| FieldError::new(format!("{field}[{place}]"), message);
        match PlayerId::parse(text) {
            Ok(_) if !seen.insert(text) => {
                errors.push(wrong("is listed before; list each player once".to_owned()));
            }
            Ok(player) => players.push(player),
            Err(error) => errors.push(wrong(error.to_string())),
        }
    }
    errors.truncate(MOST_ERRORS);
    if errors.is_empty() { Ok(players) } else { Err(Refused::invalid(errors)) }
}
