//! The matching engine: which tickets of a queue form a match, and when.
//!
//! Everything here is a plain data structure. There is no I/O, no async, no clock and no randomness: time is an argument
//! ([`Time`]), and the same inserts at the same times give the same matches. Production, benches and simulation run
//! this same code.
//!
//! The way through: a [`QueueKey`] and its [`QueueConfig`] give [`Rules`]; an [`Engine`] under those rules is fed
//! [`Ticket`]s, and gives [`Proposal`]s back when asked. What becomes of a proposal (a server, a commit, a way back) is
//! the control plane's business; the engine forgets the tickets that it proposed until they are inserted again.

#[macro_use]
mod ids;

// By this name the writer of rule sets, which tests and fuzz targets share, knows what it writes.
#[cfg(any(test, fuzzing))]
extern crate self as matching;

mod by_name;
mod engine;
mod explanation;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod judge;
mod queue_key;
pub mod rule_set;
mod rules;
mod search;
mod simple;
mod ticket;
mod time;

pub use by_name::ByName;
pub use engine::{Engine, Proposal, Team};
pub use explanation::{Exclusion, Explanation};
pub use ids::{GroupId, PlayerId, TicketId};
pub use queue_key::QueueKey;
pub use rules::{QueueConfig, RuleError, Rules};
pub use ticket::{Attribute, Player, Ticket};
pub use time::Time;
