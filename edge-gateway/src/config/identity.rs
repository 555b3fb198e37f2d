//! The settings by which callers are identified. Identity providers have tables of their own in the configuration file.

use std::{path::PathBuf, time::Duration};

use clap::ArgAction;
use runtime::config::{Invalid, duration};

/// Whom the gateway believes, and how sockets prove who they are.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Players")]
pub struct IdentitySettings {
    /// The `iss` of our own identity tokens: the control plane's `token_issuer`.
    #[arg(long, env = "TOKEN_ISSUER", default_value = "muster", value_name = "TEXT")]
    pub token_issuer: String,

    /// Make a player, and a token for them, for everybody who asks (`POST /v1/identity/guest`).
    #[arg(
        long,
        env = "GUEST_IDENTITY",
        default_value_t = false,
        action = ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub guest_identity: bool,

    /// The keys of trusted backends, which may enqueue anybody: lines as the control plane's access file has them, of which keys
    /// with the scope `matchmaking` count. Read again when it changes.
    #[arg(long, env = "GATEWAY_BACKEND_KEYS", value_name = "FILE")]
    pub backend_keys: Option<PathBuf>,

    /// How long a socket may be without a good token: until it has sent its first, and after its last has expired.
    #[arg(long, env = "GATEWAY_AUTHENTICATE_WITHIN", default_value = "5s", value_parser = duration)]
    pub authenticate_within: Duration,

    /// Let a known player have one socket, at all gateways that have this setting together: a newer one replaces the older, which is
    /// closed with 4000.
    #[arg(
        long,
        env = "ONE_SESSION_PER_PLAYER",
        default_value_t = false,
        action = ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub one_session_per_player: bool,
}

impl IdentitySettings {
    /// Refuses settings that parse but can't work.
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.token_issuer.is_empty() {
            return Err(Invalid::new("token_issuer", "is empty; set it as at the control plane"));
        }
        if self.authenticate_within.is_zero() {
            return Err(Invalid::new("authenticate_within", "must be longer than zero, for example 5s"));
        }
        Ok(())
    }
}
