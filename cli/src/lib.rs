//! The command line of Muster: what `muster` can do, each subcommand a module that can be used as a library.
//!
//! Only this crate prints to standard output; everything else writes a log.

pub mod demo_server;
pub mod gateway;
pub mod load;
pub mod scenario;
