//! What end-to-end tests stand on: whole stacks, in this process or as real programs, and the clients to try them with.
//!
//! [`Stack`] starts a control plane, a gateway and demo game servers with their agents on ports of their own, and asserts when it
//! is dropped that nothing was left over. [`Program`] starts one real program, so that it can be killed. [`eventually()`] is
//! the one way to wait.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a test reports")]
#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

pub mod chaos;
mod client;
pub mod crowd;
mod eventually;
mod program;
pub mod proxy;
mod servers;
mod stack;
mod tools;
pub mod usage;

pub use client::{Client, Socket};
pub use eventually::{PATIENCE, eventually};
pub use program::{Program, binary};
pub use proxy::Proxy;
pub use servers::Servers;
pub use stack::{Agent, LandCommands, Stack, StackBuilder};
pub use tools::{debian_python, free_port, repository};
