//! Chaos: real programs under load while they are killed, paused and cut off, and a checker for what came of it.
//!
//! | part | is |
//! |---|---|
//! | [`history`] | what clients and game servers saw, in the order in which they saw it; a file of JSON lines |
//! | [`check`] | reads a history and finds what the contract forbids; knows nothing of programs |
//! | [`topology`] | which programs run, as a value |
//! | [`ground`] | runs them: processes with keepers, and a proxy on every connection that can be cut |
//! | [`load`] | players: they enqueue, cancel, watch, reconnect and play |
//! | [`faults`] | what is done to the programs, in an order that a seed decides |
//! | [`run`] | all of it together, round by round: load and faults, then rest, then the checker |
//!
//! A round ends with rest, because only then can be said that a ticket was forgotten: faults stop, everything is mended, no
//! more is enqueued, tickets that nobody can be matched with are cancelled, and every watcher has a stated time to be told.
//! What the checker uses was seen from outside: answers of the gateway, pushes, tokens, and the logs of game servers.

pub mod check;
pub mod faults;
pub mod ground;
pub mod history;
pub mod load;
pub mod run;
pub mod topology;
