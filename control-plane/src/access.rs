//! Who calls, and what they may: the first thing that happens to every call.
//!
//! Callers are gateways, game servers' agents, a studio's own services, and operators; each proves who it is by a key or by a
//! client certificate, and the access file (`file`) says which scopes that has. One table (`TABLE`) says which scopes each
//! call needs; what isn't in it can't be called. What passes carries a `Caller`, which services ask about the rest: whether a
//! ticket is the player's, whether a server id is the agent's.
//!
//! Without an access file everybody may do everything, which is allowed only where no stranger can be (see the settings).

mod caller;
mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod guard;
mod key;
mod player;
mod scope;
mod servers;
mod table;
mod until;

/// Whether `text` could be an access file.
///
/// # Errors
/// What is wrong, with its line, and nothing of a credential.
pub fn check(text: &str) -> Result<(), String> {
    let holders = file::Holders::parse(text.as_bytes())?;
    if holders.len() == 0 { Err("needs a name, scopes and a credential".to_owned()) } else { Ok(()) }
}

pub(crate) use caller::Caller;
pub(crate) use guard::{Access, GuardLayer, PeerNames};
pub use key::NewKey;
pub use scope::{Scope, Scopes};
pub use table::{Row, TABLE};
