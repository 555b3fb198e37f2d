//! One key: made, read, parsed once, and put to work.
//!
//! The PEM is read here and says what kind of key it holds; RSA keys are made and read by `rsa`, because it says exactly what
//! is wrong with one that is not good. It never signs (see the crate's header); for that every key is handed to aws-lc,
//! which keeps it ready: `pair`. What is published of it: `public`.

mod pair;
mod public;

use std::fmt;
use std::path::Path;

use jsonwebtoken::crypto::JwtSigner;
use jsonwebtoken::jwk::Jwk;
use rsa::pkcs8::der::zeroize::Zeroizing;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding, PrivateKeyInfo, SecretDocument};
use rsa::rand_core::OsRng;
use rsa::signature::{self, Signer};
use rsa::{RsaPrivateKey, traits::PublicKeyParts as _};
use serde::Serialize;

use self::pair::Pair;
use super::KeyError;
use crate::{Algorithm, SignError, SignedToken, compact};

/// The lengths of RSA keys that are accepted, in bits: shorter is unsafe, longer only slow.
pub(crate) const BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
const PKCS8_LABEL: &str = "PRIVATE KEY";

/// A key's id (`kid`): its RFC 7638 thumbprint (SHA-256, base64url), so that the same key has the same id everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The text, 43 characters of base64url.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A private key that is parsed and ready to sign.
pub(crate) struct SigningKey {
    kid: KeyId,
    jwk: Jwk,
    pair: Pair,
    // The header of every token of this key, encoded once.
    header: String,
}

impl SigningKey {
    /// Makes a key for `algorithm`, an RSA key of that many bits: its id and its PKCS#8 PEM. RSA takes a tenth of a second or
    /// more.
    pub(crate) fn generate(
        algorithm: Algorithm,
        bits: usize,
    ) -> Result<(KeyId, Zeroizing<String>), KeyError> {
        let document = match algorithm {
            Algorithm::Rs256 => {
                let private = RsaPrivateKey::new(&mut OsRng, bits).map_err(cannot_make)?;
                private.to_pkcs8_der().map_err(cannot_make)?
            }
            Algorithm::Es256 | Algorithm::EdDsa => {
                let der = pair::generate(algorithm).map_err(cannot_make)?;
                SecretDocument::try_from(der.as_ref()).map_err(cannot_make)?
            }
        };
        let pem = document.to_pem(PKCS8_LABEL, LineEnding::LF).map_err(cannot_make)?;
        // Read as it will be from the file: what is written is what can be read.
        let key = Self::from_pem(Path::new("new"), &pem)?;
        Ok((key.kid, pem))
    }

    /// Reads a key from PKCS#8 PEM. `path` is where it came from, for the error.
    pub(crate) fn from_pem(path: &Path, pem: &str) -> Result<Self, KeyError> {
        let broken = |reason: &dyn fmt::Display| KeyError::Broken {
            path: path.to_owned(),
            reason: reason.to_string(),
        };
        let (label, der) = SecretDocument::from_pem(pem).map_err(|error| broken(&error))?;
        if label != PKCS8_LABEL {
            return Err(broken(&format_args!("it begins with `BEGIN {label}`")));
        }
        let info = PrivateKeyInfo::try_from(der.as_bytes()).map_err(|error| broken(&error))?;
        let Some(algorithm) = pair::algorithm(&info.algorithm) else {
            return Err(KeyError::OtherKind { path: path.to_owned() });
        };
        if algorithm == Algorithm::Rs256 {
            let private = RsaPrivateKey::try_from(info).map_err(|error| broken(&error))?;
            let bits = private.n().bits();
            if !BITS.contains(&bits) {
                return Err(KeyError::Size { path: path.to_owned(), bits });
            }
        }
        let pair = Pair::from_pkcs8(algorithm, der.as_bytes()).map_err(|error| broken(&error))?;
        let (kid, jwk) = public::identify(&pair).map_err(|error| broken(&error))?;
        let mut key = Self { kid: KeyId(kid), jwk, pair, header: String::new() };
        key.header = compact::encoded_header(&key, key.kid.as_str()).map_err(|error| broken(&error))?;
        Ok(key)
    }

    pub(crate) fn kid(&self) -> &KeyId {
        &self.kid
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.pair.algorithm()
    }

    /// The public half, as it is published.
    pub(crate) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    pub(crate) fn sign_claims(&self, claims: &impl Serialize) -> Result<SignedToken, SignError> {
        compact::encode(&self.header, claims, self)
    }
}

impl Signer<Vec<u8>> for SigningKey {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        self.pair.sign(message).map_err(signature::Error::from_source)
    }
}

impl JwtSigner for SigningKey {
    fn algorithm(&self) -> jsonwebtoken::Algorithm {
        self.pair.algorithm().for_jwt()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.pair.algorithm())
            .finish_non_exhaustive()
    }
}

fn cannot_make(error: impl fmt::Display) -> KeyError {
    KeyError::Generate { reason: error.to_string() }
}
