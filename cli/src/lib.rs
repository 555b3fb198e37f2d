//! The command line of Muster: what `muster` can do, each subcommand a module that can be used as a library.
//!
//! | module | subcommand |
//! |---|---|
//! | [`dev`] | all of Muster in one process |
//! | [`fleet`] | several of everything as real processes, to watch them fail and recover |
//! | [`demo_server`] | the demo game server, the example to read for integrators |
//! | [`load`] | players at a steady rate |
//! | [`scenario`] | stories of players, from JSON files |
//! | [`rules`] | what is wrong with rule-set files, and how they loosen |
//! | [`tickets`] | why a ticket waits |
//! | [`keys`] | making a new key, and seeing what each does |
//! | [`servers`] | listing game servers, and draining them |
//! | [`queues`] | reading a control plane's queues again |
//! | [`access`] | keys for callers of the control plane |
//! | [`mod@reference`] | the page of all settings |
//!
//! [`gateway`] is a game client's side of the gateway, which the tools share. Only this crate prints to standard output;
//! everything else writes a log.

pub mod access;
pub mod demo_server;
pub mod dev;
pub mod fleet;
pub mod gateway;
pub mod keys;
pub mod load;
pub mod queues;
pub mod reference;
pub mod rules;
pub mod scenario;
pub mod servers;
pub mod tickets;

mod cli;
mod operator;
mod spans;

pub use cli::run;
