//! What the crate promises, seen from outside: one binary, because each would link the cryptography again.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

mod algorithms;
mod claims;
mod directory;
mod encodings;
mod fixture;
mod forge;
mod identity;
mod pool;
mod rotation;
mod signing;
mod tampering;
mod verification;
