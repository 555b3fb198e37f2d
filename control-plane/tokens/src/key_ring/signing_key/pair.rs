//! A key pair in aws-lc, of any of the three kinds.

use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::pkcs8::Document;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rsa::pkcs8::{AlgorithmIdentifierRef, ObjectIdentifier};

use crate::Algorithm;

/// rsaEncryption, the algorithm identifier of every RSA key.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Of every key on an elliptic curve but the Edwards ones; the curve is its parameter.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A private key, parsed.
pub(super) enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The algorithm that keys of this kind sign with; `None` where we have no use for them.
pub(super) fn algorithm(kind: &AlgorithmIdentifierRef<'_>) -> Option<Algorithm> {
    match kind.oid {
        RSA_ENCRYPTION => Some(Algorithm::Rs256),
        ED25519 => Some(Algorithm::EdDsa),
        EC_PUBLIC_KEY if kind.parameters_oid() == Ok(P256) => Some(Algorithm::Es256),
        _ => None,
    }
}

/// Makes a key on a curve, in PKCS#8: version 1, which every tool reads.
pub(super) fn generate(algorithm: Algorithm) -> Result<Document, Unspecified> {
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8v1(&random),
        _ => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
    }
}

impl Pair {
    pub(super) fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyRejected> {
        Ok(match algorithm {
            Algorithm::Rs256 => Self::Rsa(RsaKeyPair::from_pkcs8(der)?),
            Algorithm::Es256 => Self::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)?),
            Algorithm::EdDsa => Self::Ed25519(Ed25519KeyPair::from_pkcs8(der)?),
        })
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa(_) => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// The public half: for RSA its PKCS#1 DER, for P-256 the point uncompressed, for Ed25519 its 32 bytes.
    pub(super) fn public(&self) -> &[u8] {
        match self {
            Self::Rsa(pair) => pair.public_key().as_ref(),
            Self::P256(pair) => pair.public_key().as_ref(),
            Self::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                // RS256 is deterministic; the randomness only blinds the computation, and aws-lc takes its own.
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
            Self::P256(pair) => Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}
