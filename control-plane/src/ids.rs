//! What an identifier may be: one rule for the doors and for the configuration.

/// The longest identifier, in bytes.
pub(crate) const MAX_ID: usize = 128;
/// The longest land type, in bytes: the id of a land is its type, a colon and a UUID, and is an identifier.
pub(crate) const MAX_LAND_TYPE: usize = MAX_ID - 37;

/// What is wrong with a text of at most `max` bytes, where something is. That it is empty is not.
pub(crate) fn problem(text: &str, max: usize) -> Option<String> {
    if text.len() > max {
        Some(format!("has {} bytes; at most {max} are allowed", text.len()))
    } else if text.chars().any(char::is_control) {
        Some("contains control characters; use letters, digits and punctuation".to_owned())
    } else {
        None
    }
}
