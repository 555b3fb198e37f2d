//! Why a call of a service gave no land, and what follows from it.

use std::{fmt, time::Duration};

/// What went wrong, as metrics name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::allocation) enum Kind {
    /// It has no server for such a match now.
    NoServer,
    /// It doesn't want this match, or us.
    Refused,
    /// It asks to be left alone for a while.
    Overloaded,
    /// It failed, and says so.
    Failed,
    /// There is no connection.
    Unreachable,
    /// There was no answer in time.
    Late,
    /// The connection ended before the answer.
    Broken,
    /// What it answered can't be used.
    BadAnswer,
    /// We have as many calls under way as we may.
    Busy,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::allocation) enum Then {
    /// Try again shortly.
    Again,
    /// Try again, and nothing at all before this has passed.
    AgainAfter(Duration),
    /// Trying again at once is of no use: the tickets wait.
    Wait,
}

/// One failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::allocation) struct Failure {
    pub(in crate::allocation) kind: Kind,
    pub(in crate::allocation) then: Then,
    /// Whether there may be a land all the same.
    pub(in crate::allocation) may_have_made: bool,
    /// What comes behind "the allocation service": operators and players may read it, so it holds nothing that the service wrote
    /// but its code.
    pub(in crate::allocation) said: String,
    /// What is known beyond that, for the log.
    pub(in crate::allocation) detail: String,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NoServer => "no_server",
            Self::Refused => "refused",
            Self::Overloaded => "overloaded",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Late => "late",
            Self::Broken => "broken",
            Self::BadAnswer => "bad_answer",
            Self::Busy => "busy",
        }
    }

    /// Whether it is about the service as a whole, and not about one match.
    pub(super) fn is_trouble(self) -> bool {
        !matches!(self, Self::NoServer | Self::Refused | Self::Busy)
    }
}

impl Failure {
    /// A call that was not made, or that surely made nothing.
    pub(in crate::allocation) fn nothing(kind: Kind, then: Then, said: impl Into<String>) -> Self {
        Self { kind, then, may_have_made: false, said: said.into(), detail: String::new() }
    }

    /// A call after which nobody knows whether there is a land.
    pub(in crate::allocation) fn unclear(kind: Kind, said: impl Into<String>) -> Self {
        Self { may_have_made: true, ..Self::nothing(kind, Then::Again, said) }
    }

    pub(super) fn late(within: Duration) -> Self {
        Self::unclear(Kind::Late, format!("didn't answer within {within:?}"))
    }

    /// Says more in the log.
    pub(in crate::allocation) fn because(self, detail: impl fmt::Display) -> Self {
        Self { detail: shortened(detail), ..self }
    }
}

/// What somebody else wrote may be long, and hold what garbles a log.
fn shortened(text: impl fmt::Display) -> String {
    const MOST: usize = 500;
    text.to_string().chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
