//! Why a token could not be signed.

/// Why a token could not be signed. None of these is the player's fault.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key would leave the JWK Set before the token expires.
    #[error(
        "the token would live until {exp}, but the key ring promises only until {latest} (unix seconds): \
         make its `exp` no later than now plus the ring's token lifetime"
    )]
    LivesTooLong {
        /// The claims' `exp`, in unix seconds.
        exp: u64,
        /// The latest `exp` that is signed now, in unix seconds.
        latest: u64,
    },
    /// The claims could not be written as JSON.
    #[error("the claims could not be written as JSON")]
    Encode(#[from] serde_json::Error),
    /// The cryptography library refused to sign.
    #[error("the signing key could not sign")]
    Sign,
    /// The runtime stopped while the token was being signed.
    #[error("signing stopped because the program is stopping")]
    Stopped,
}
