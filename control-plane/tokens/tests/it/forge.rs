//! A key ring whose key a test can sign anything with, right or wrong.

use std::fs;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use rsa::pkcs8::SecretDocument;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokens::{Algorithm, Claims, Expected, KeyRing, KeyRingSettings, Verifier, VerifyError};

use crate::fixture::{ISSUER, LAND, at, claims, key_files, ring, settings};

pub(crate) struct Forge {
    _dir: TempDir,
    pub(crate) algorithm: Algorithm,
    pub(crate) ring: KeyRing,
    pub(crate) verifier: Verifier,
    pem: String,
}

/// One of each algorithm.
pub(crate) fn forges() -> impl Iterator<Item = Forge> {
    Algorithm::ALL.into_iter().map(Forge::new)
}

impl Forge {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let (dir, ring) = match algorithm {
            // The RSA key that all tests share: making one takes a while.
            Algorithm::Rs256 => ring(),
            _ => {
                let dir = tempfile::tempdir().unwrap();
                let settings = KeyRingSettings { algorithm, ..settings() };
                let ring = KeyRing::open(dir.path(), settings, at(0)).unwrap();
                (dir, ring)
            }
        };
        let verifier = Verifier::from_jwks(&ring.jwks_json(at(0)), ISSUER).unwrap();
        let pem = fs::read_to_string(&key_files(dir.path())[0]).unwrap();
        Self { _dir: dir, algorithm, ring, verifier, pem }
    }

    pub(crate) fn kid(&self) -> String {
        self.ring.signing_kid(at(0)).to_string()
    }

    /// The header of the ring's own tokens.
    pub(crate) fn header(&self) -> Value {
        json!({ "typ": "JWT", "alg": self.algorithm.name(), "kid": self.kid() })
    }

    /// The private key in PKCS#8 DER.
    pub(crate) fn der(&self) -> Vec<u8> {
        SecretDocument::from_pem(&self.pem).unwrap().1.as_bytes().to_vec()
    }

    /// A token of exactly these texts, rightly signed.
    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = message(header, claims);
        let (key, algorithm) = match self.algorithm {
            Algorithm::Rs256 => {
                (EncodingKey::from_rsa_pem(self.pem.as_bytes()), jsonwebtoken::Algorithm::RS256)
            }
            Algorithm::Es256 => {
                (EncodingKey::from_ec_pem(self.pem.as_bytes()), jsonwebtoken::Algorithm::ES256)
            }
            Algorithm::EdDsa => {
                (EncodingKey::from_ed_pem(self.pem.as_bytes()), jsonwebtoken::Algorithm::EdDSA)
            }
        };
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key.unwrap(), algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// A rightly signed token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_text(&self.header().to_string(), &claims.to_string())
    }

    pub(crate) fn verify(&self, token: &str) -> Result<Claims, VerifyError> {
        self.verifier.verify(token, &Expected::land(LAND), at(0))
    }

    pub(crate) fn refusal(&self, token: &str) -> VerifyError {
        self.verify(token).unwrap_err()
    }
}

/// What is signed of a token.
pub(crate) fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// The claims of a good match token.
pub(crate) fn good() -> Value {
    serde_json::to_value(claims(at(0))).unwrap()
}
