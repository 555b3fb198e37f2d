//! Identifiers, each a type of its own, so that none is taken for another.

/// Makes a string type that is cheap to clone and says what it identifies.
///
/// Who uses it needs `serde` and `smol_str`.
#[macro_export]
macro_rules! string_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(smol_str::SmolStr);

        impl $name {
            /// Takes the text as it is; who takes text from outside checks it first.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(smol_str::SmolStr::new(text))
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
    };
}
string_id!(
    /// One request for a match.
    TicketId
);
string_id!(
    /// The group (party) of players of one ticket.
    GroupId
);
string_id!(
    /// One player.
    PlayerId
);
