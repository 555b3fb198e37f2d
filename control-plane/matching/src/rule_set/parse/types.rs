//! What kind of values expressions yield.

use std::fmt;

use super::super::AttributeType;

/// The kind of values an expression yields: lists of lists, so and so deep, of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) of: Of,
    /// How many lists are around it: 0 is a single value.
    pub(super) depth: usize,
}

/// What the innermost lists hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Number,
    Text,
    Map,
    Player,
    /// Of an attribute whose declaration is broken: nothing is said twice.
    Unknown,
}

impl Type {
    pub(super) const NUMBER: Self = Self { of: Of::Number, depth: 0 };
    pub(super) const TEXT: Self = Self { of: Of::Text, depth: 0 };

    /// Of one player's attribute.
    pub(super) fn of_attribute(kind: Option<AttributeType>) -> Self {
        match kind {
            Some(AttributeType::Number) => Self::NUMBER,
            Some(AttributeType::String) => Self::TEXT,
            Some(AttributeType::StringList) => Self { of: Of::Text, depth: 1 },
            Some(AttributeType::StringNumberMap) => Self { of: Of::Map, depth: 0 },
            None => Self { of: Of::Unknown, depth: 0 },
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self.of, Of::Number | Of::Unknown)
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self.of, Of::Text | Of::Unknown)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, many) = match self.of {
            Of::Number => ("a number", "numbers"),
            Of::Text => ("a text", "texts"),
            Of::Map => ("a map", "maps"),
            Of::Player => ("a player", "players"),
            Of::Unknown => ("a value", "values"),
        };
        match self.depth {
            0 => f.write_str(one),
            depth => write!(f, "a list of {}{many}", "lists of ".repeat(depth - 1)),
        }
    }
}
