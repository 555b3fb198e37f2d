//! Puts header, claims and signature together.
//!
//! This is `jsonwebtoken::encode` with one difference: the signer is given. `encode` makes a new signer for every token,
//! from a factory that only one crate in a process can install, and its aws-lc signer parses the private key again each
//! time, which costs more than half of the rate. So the signer here implements `jsonwebtoken`'s own trait, the header is
//! `jsonwebtoken`'s, and a test compares the result with `encode` byte by byte.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::crypto::JwtSigner;
use serde::Serialize;

use crate::{SignError, SignedToken};

/// The header of every token that `signer` signs, already as base64url.
pub(crate) fn encoded_header(signer: &dyn JwtSigner, kid: &str) -> Result<String, serde_json::Error> {
    let mut header = jsonwebtoken::Header::new(signer.algorithm());
    header.kid = Some(kid.to_owned());
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?))
}

/// The token that says `claims`, signed by `signer`.
pub(crate) fn encode(
    header: &str,
    claims: &impl Serialize,
    signer: &dyn JwtSigner,
) -> Result<SignedToken, SignError> {
    let json = serde_json::to_vec(claims)?;
    // Room for the whole token: header, claims and a signature of a 4096-bit key.
    let mut token = String::with_capacity(header.len() + json.len() * 4 / 3 + 700);
    token.push_str(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(&json, &mut token);
    let signature = signer.try_sign(token.as_bytes()).map_err(|_| SignError::Sign)?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
    Ok(SignedToken::new(token))
}
