//! The gateway's behaviour, over real HTTP and real WebSockets, before a control plane that the tests play themselves.
//!
//! One program for all of it: it links once, and its tests run in parallel.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

mod drain;
mod failover;
mod identity;
mod internal;
mod limits;
mod openapi;
mod origins;
mod outage;
mod overload;
mod realtime;
mod rest;
mod slow;
mod strangers;
mod support;
