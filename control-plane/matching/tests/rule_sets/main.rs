//! Rule sets: that matches are judged, and made, as docs/rule-sets.md says.
//!
//! [`checker`] reads that page once more, slowly; [`made_up`] makes up rule sets and tickets from a seed. The judge is held against the
//! checker, and the engine against both.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

mod agreement;
mod checker;
mod dice;
mod engine;
mod made_up;
mod oracle;
mod possible;
mod queue;
