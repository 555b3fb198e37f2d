//! Why a token or a JWK Set was refused, in sentences that tell a game's programmer what to do.

use super::MAX_TOKEN_BYTES;

/// Why a token was refused. Every one of them means: do not let the player in.
///
/// The texts may quote the token's header and, once its signature was checked, its claims; they never hold the token. What to
/// do stands before long ids: a WebSocket's close reason has room for 123 bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is longer than [`MAX_TOKEN_BYTES`].
    #[error(
        "the token has {bytes} bytes and a match token at most {MAX_TOKEN_BYTES}: send the matchToken and nothing else"
    )]
    Oversized {
        /// Its length.
        bytes: usize,
    },
    /// It has not the shape of a signed JWT.
    #[error("this is no match token ({reason}): send the matchToken of the assignment, unchanged")]
    NotAToken {
        /// What is wrong with its shape.
        reason: &'static str,
    },
    /// Its header says `alg: none`.
    #[error("the token is not signed (alg none): send the matchToken that the assignment came with")]
    Unsigned,
    /// Its header names another algorithm than its key is for.
    #[error(
        "the token is signed with {alg:?} and not {wanted}: send the matchToken that the assignment came with"
    )]
    WrongAlgorithm {
        /// The `alg` of its header, shortened.
        alg: String,
        /// What it would be.
        wanted: &'static str,
    },
    /// Its header demands (`crit`) what no match token needs.
    #[error(
        "the token's header has `crit`, which no match token has: send the matchToken that the assignment came with"
    )]
    CriticalHeader,
    /// Its header names no key.
    #[error(
        "the token's header has no `kid` (or one that is too long): send the matchToken that the assignment came with"
    )]
    NoKeyId,
    /// It is signed with a key that is not in the JWK Set. The keys may have been rotated.
    #[error(
        "the token's key {kid:?} is not in the JWK Set: fetch the JWK Set once more and check again; if the key is still \
         missing, the token is of another deployment"
    )]
    UnknownKey {
        /// The `kid` of its header: text from outside, at most 128 bytes.
        kid: String,
    },
    /// Its signature does not fit.
    #[error(
        "the token's signature is wrong: it was changed on the way or not made by the control plane; find a new match"
    )]
    BadSignature,
    /// It is rightly signed but is not a match token.
    #[error(
        "the token is signed but is no match token ({reason}): send the matchToken that the assignment came with"
    )]
    BadClaims {
        /// The first claim that does not fit.
        reason: String,
    },
    /// It is of another issuer.
    #[error(
        "the token was issued by {found:?} and not by {expected:?}: set the same issuer here and in the control plane"
    )]
    WrongIssuer {
        /// What the verifier was told to accept.
        expected: String,
        /// The `iss` of the token.
        found: String,
    },
    /// It is meant for somebody else.
    #[error(
        "the token is meant for {found:?} and not for {expected:?}: send the matchToken that the assignment came with"
    )]
    WrongAudience {
        /// What the verifier was told to accept.
        expected: String,
        /// The `aud` of the token.
        found: String,
    },
    /// It lets its player into another land.
    #[error(
        "connect to the connectUrl that came with the token: it is for the land {found:?} and not for {expected:?}"
    )]
    OtherLand {
        /// The land that the player wants to enter.
        expected: String,
        /// The `landId` of the token.
        found: String,
    },
    /// It is for another server.
    #[error(
        "connect to the connectUrl that came with the token: it is for the server {found:?} and this is {expected:?}"
    )]
    OtherServer {
        /// The server that asks.
        expected: String,
        /// The `serverId` of the token.
        found: String,
    },
    /// It is too old.
    #[error(
        "the token expired {ago_s} s ago: ask for the ticket's status to get a new one; if it is always so, compare this \
         machine's clock with the control plane's"
    )]
    Expired {
        /// Its `exp`, in unix seconds.
        exp: u64,
        /// How long ago that was, in seconds.
        ago_s: u64,
    },
    /// It isn't good yet.
    #[error(
        "the token is good only in {in_s} s (its nbf): wait, or compare this machine's clock with the clock of who signed it"
    )]
    NotYet {
        /// Its `nbf`, in unix seconds.
        nbf: u64,
        /// How long it is until then, in seconds.
        in_s: u64,
    },
}

impl VerifyError {
    /// What is wrong, in words that are true of every kind of token and quote nothing of this one.
    pub fn brief(&self) -> &'static str {
        match self {
            Self::Oversized { .. } => "the token is too long",
            Self::NotAToken { .. } => "this is no token",
            Self::Unsigned => "the token is not signed",
            Self::WrongAlgorithm { .. } => "the token is signed with another algorithm than its key is for",
            Self::CriticalHeader => "the token's header demands what is not supported (crit)",
            Self::NoKeyId => "the token's header names no key (kid)",
            Self::UnknownKey { .. } => "the token is signed with a key that is not known",
            Self::BadSignature => "the token's signature is wrong",
            Self::BadClaims { .. } => "the token's claims are not what they should be",
            Self::WrongIssuer { .. } => "the token was issued by somebody else",
            Self::WrongAudience { .. } => "the token is meant for somebody else",
            Self::OtherLand { .. } => "the token is for another land",
            Self::OtherServer { .. } => "the token is for another server",
            Self::Expired { .. } => "the token has expired",
            Self::NotYet { .. } => "the token is not good yet",
        }
    }
}

/// Why a JWK Set can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// The text is something else.
    #[error("this is no JWK Set ({0}): fetch it from the gateway's /.well-known/jwks.json or the agent")]
    NotAJwkSet(#[source] serde_json::Error),
    /// A key of the set is broken.
    #[error(
        "the key {kid:?} of the JWK Set is broken ({reason}): fetch the set again from the control plane"
    )]
    BadKey {
        /// The key's id.
        kid: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No key of the set can check a token.
    #[error(
        "the JWK Set has no RSA, P-256 or Ed25519 signature key with a `kid`: is this the JWK Set of the control plane?"
    )]
    NoUsableKey,
}
