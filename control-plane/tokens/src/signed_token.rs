//! The signed token, as something that can't be logged by accident.

use std::fmt;

/// A token in its compact form (`header.claims.signature`).
///
/// Whoever holds the text is let in by it, so nothing shows it but [`SignedToken::expose`]: it has no `Display`, no
/// `Serialize`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedToken(String);

impl SignedToken {
    pub(crate) fn new(compact: String) -> Self {
        Self(compact)
    }

    /// The text, for the answer to the player that it belongs to.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text, without copying it.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for SignedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedToken(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_text() {
        let token = SignedToken::new("e30.e30.c2ln".to_owned());
        assert_eq!(format!("{token:?}"), "SignedToken(hidden)");
        assert_eq!(token.expose(), "e30.e30.c2ln");
        assert_eq!(token.into_string(), "e30.e30.c2ln");
    }
}
