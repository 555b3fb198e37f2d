//! The doors: where messages become the control plane's own types, and its errors the contract's.

pub(crate) mod keys;
pub(crate) mod matchmaking;
pub(crate) mod provisioning;

mod fields;
mod refusals;
