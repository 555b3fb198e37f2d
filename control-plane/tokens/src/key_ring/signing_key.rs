//! One key: made, read, parsed once, and put to work.
//!
//! `rsa` makes and reads it, because it says exactly what is wrong with a key that is not good. It never signs (see the
//! crate's header); for that the key is handed to aws-lc, which keeps it ready.

use std::fmt;
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use jsonwebtoken::crypto::JwtSigner;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, Jwk, KeyAlgorithm, PublicKeyUse, RSAKeyParameters, RSAKeyType,
    ThumbprintHash,
};
use rsa::pkcs8::der::zeroize::Zeroizing;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding, ObjectIdentifier, PrivateKeyInfo, SecretDocument};
use rsa::rand_core::OsRng;
use rsa::signature::{self, Signer};
use rsa::{RsaPrivateKey, RsaPublicKey, traits::PublicKeyParts};

use super::KeyError;
use crate::{Claims, MatchToken, SignError, compact};

/// The lengths that are accepted, in bits: shorter is unsafe, longer only slow.
pub(crate) const BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// rsaEncryption, the algorithm identifier of every RSA key.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
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
    pair: RsaKeyPair,
    // The header of every token of this key, encoded once.
    header: String,
}

impl SigningKey {
    /// Makes a key of that many bits: its id and its PKCS#8 PEM. Takes a tenth of a second or more.
    pub(crate) fn generate(bits: usize) -> Result<(KeyId, Zeroizing<String>), KeyError> {
        let private = RsaPrivateKey::new(&mut OsRng, bits).map_err(cannot_make)?;
        let pem = private.to_pkcs8_pem(LineEnding::LF).map_err(cannot_make)?;
        let (kid, _) = identify(&private.to_public_key()).map_err(cannot_make)?;
        Ok((kid, pem))
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
        if info.algorithm.oid != RSA_ENCRYPTION {
            return Err(KeyError::NotRsa { path: path.to_owned() });
        }
        let private = RsaPrivateKey::try_from(info).map_err(|error| broken(&error))?;
        let bits = private.n().bits();
        if !BITS.contains(&bits) {
            return Err(KeyError::Size { path: path.to_owned(), bits });
        }
        let pair = RsaKeyPair::from_pkcs8(der.as_bytes()).map_err(|error| broken(&error))?;
        let (kid, jwk) = identify(&private.to_public_key()).map_err(|error| broken(&error))?;
        let mut key = Self { kid, jwk, pair, header: String::new() };
        key.header = compact::encoded_header(&key, key.kid.as_str()).map_err(|error| broken(&error))?;
        Ok(key)
    }

    pub(crate) fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// The public half, as it is published.
    pub(crate) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    pub(crate) fn sign_claims(&self, claims: &Claims) -> Result<MatchToken, SignError> {
        compact::encode(&self.header, claims, self)
    }
}

impl Signer<Vec<u8>> for SigningKey {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        // RS256 is deterministic; the randomness only blinds the computation, and aws-lc takes its own.
        let signed = self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map(|()| signature).map_err(signature::Error::from_source)
    }
}

impl JwtSigner for SigningKey {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn identify(public: &RsaPublicKey) -> Result<(KeyId, Jwk), jsonwebtoken::errors::Error> {
    let mut jwk = Jwk {
        common: CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(KeyAlgorithm::RS256),
            ..CommonParameters::default()
        },
        algorithm: AlgorithmParameters::RSA(RSAKeyParameters {
            key_type: RSAKeyType::RSA,
            n: URL_SAFE_NO_PAD.encode(public.n().to_bytes_be()),
            e: URL_SAFE_NO_PAD.encode(public.e().to_bytes_be()),
        }),
    };
    let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
    jwk.common.key_id = Some(kid.clone());
    Ok((KeyId(kid), jwk))
}

fn cannot_make(error: impl fmt::Display) -> KeyError {
    KeyError::Generate { reason: error.to_string() }
}
