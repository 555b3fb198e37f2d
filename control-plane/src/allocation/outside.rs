//! What the ports to services outside have in common: one connection's making, who is believed and known there, how many calls
//! are under way, and how often a call is tried.
//!
//! Such a service is somebody else's program: it may be slow, broken, hostile or away, and its answers are read like any
//! stranger's. What it costs is bounded: a match waits for it no longer than its budget, and then its tickets wait in their queue.

mod connect;
mod credentials;
mod failure;
mod gate;
mod persist;

pub(super) use self::{
    connect::Dial,
    credentials::Credentials,
    failure::{Failure, Kind, Then},
    gate::Gate,
    persist::{Call, Pace, persist},
};
