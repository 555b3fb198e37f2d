//! Tokens: what they say, how they are made, how they are checked.
//!
//! A match token is a JWT (RFC 7519) that lets one player into one land on one server (see [`Claims`]). An identity token
//! tells the gateway who its bearer is (see [`IdentityClaims`]). Neither is good in the other's place: their `aud` differs.
//! Both are signed RS256, ES256 or EdDSA ([`Algorithm`]), by the same keys.
//! The control plane keeps a [`KeyRing`] in a directory and signs through a [`SigningPool`]; it publishes the public
//! keys as a JWK Set. Whoever lets players in builds a [`Verifier`] from that text and never sees a private key.
//!
//! Three crates share the work. `rsa` makes and reads keys, and never signs: its private-key operations have an open
//! timing advisory (RUSTSEC-2023-0071). `aws-lc-rs` signs and checks, with keys that are parsed once. `jsonwebtoken`
//! gives the header, the signer's trait and the JWK Set; why not its `encode` and `decode` is said in the modules `compact`
//! and `verifier::jwks`.
//!
//! Time is always an argument, except in [`SigningPool::sign_all`]. That a token is used only once is not known here:
//! whoever redeems tokens remembers each [`Claims::jti`] until its `exp`.

mod algorithm;
mod claims;
mod compact;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod identity;
mod key_ring;
mod sign_error;
mod signed_token;
mod signing_pool;
mod time;
mod verifier;

pub use algorithm::Algorithm;
pub use claims::{Admission, Claims, GAME_SERVER_AUDIENCE};
pub use identity::{IDENTITY_AUDIENCE, IdentityClaims};
pub use key_ring::{DEFAULT_BITS, KeyError, KeyId, KeyInfo, KeyRing, KeyRingSettings, KeyState, Rotated};
pub use sign_error::SignError;
pub use signed_token::SignedToken;
pub use signing_pool::SigningPool;
pub use verifier::{
    DEFAULT_LEEWAY, Expected, JwksError, MAX_TOKEN_BYTES, ProvidedClaims, Verifier, VerifyError,
};
