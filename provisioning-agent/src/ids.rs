//! Identifiers, each a type of its own, so that none is taken for another.
//!
//! All follow the one rule of the contract: 1 to 128 bytes of UTF-8 without control characters. Whoever makes one from
//! outside text learns here what is wrong with it, in words that fit behind the name of a field.

use std::sync::Arc;

/// The longest identifier, in bytes.
pub const MAX_ID_BYTES: usize = 128;

/// Why a text is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// There is no text.
    #[error("is empty; give 1 to 128 bytes")]
    Empty,
    /// It is too long.
    #[error("has {0} bytes; give at most 128")]
    TooLong(usize),
    /// It can't be printed.
    #[error("holds a control character; give printable text")]
    Control,
}

/// Whether `text` can be an identifier.
pub fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        Err(IdError::Empty)
    } else if text.len() > MAX_ID_BYTES {
        Err(IdError::TooLong(text.len()))
    } else if text.chars().any(char::is_control) {
        Err(IdError::Control)
    } else {
        Ok(())
    }
}

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes `text` where it follows the rule.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text).map(|()| Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// One game server; stays the same over its restarts.
    ServerId;
    /// One start of an agent.
    InstanceId;
    /// One land: `<landType>:<uuid>`.
    LandId;
    /// What kind of land.
    LandType;
    /// One player.
    PlayerId;
    /// One command of the control plane, which its answer names.
    CommandId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_identifiers() {
        assert_eq!(LandId::parse("arena:1").unwrap().as_str(), "arena:1");
        assert_eq!(LandId::parse(""), Err(IdError::Empty));
        assert_eq!(LandId::parse(&"x".repeat(129)), Err(IdError::TooLong(129)));
        assert!(LandId::parse(&"x".repeat(128)).is_ok());
        assert_eq!(LandId::parse("a\nb"), Err(IdError::Control));
    }
}
