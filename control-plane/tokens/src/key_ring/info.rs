//! What can be told of keys.

use std::time::SystemTime;

use super::KeyId;
use crate::Algorithm;

/// What a rotation led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key that will sign next.
    pub kid: KeyId,
    /// From when it signs. It is published already.
    pub signs_from: SystemTime,
}

/// A published key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its id.
    pub kid: KeyId,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// What it does now.
    pub state: KeyState,
    /// From when it signs, or has signed.
    pub signs_from: SystemTime,
    /// Until when it is published: its last token has expired then. `None` while no other key follows it.
    pub published_until: Option<SystemTime>,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is published and doesn't sign yet.
    Waiting,
    /// It signs.
    Signing,
    /// It signs no more, and is published for the tokens that it signed.
    Retiring,
}
