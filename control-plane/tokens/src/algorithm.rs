//! What tokens are signed with.

use std::fmt;

/// A signature algorithm of RFC 7518 (and RFC 8037), each with one kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: every library can check it. The slowest to sign.
    Rs256,
    /// ECDSA on P-256 with SHA-256: short tokens, ten times the signatures a second.
    Es256,
    /// Ed25519: as short, faster still, and no randomness in a signature. Not every library knows it.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// Its name in a token's header and in a JWK: `RS256`, `ES256` or `EdDSA`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The one of that name, in exactly that spelling.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(crate) const fn for_jwt(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }

    pub(crate) const fn for_jwk(self) -> jsonwebtoken::jwk::KeyAlgorithm {
        match self {
            Self::Rs256 => jsonwebtoken::jwk::KeyAlgorithm::RS256,
            Self::Es256 => jsonwebtoken::jwk::KeyAlgorithm::ES256,
            Self::EdDsa => jsonwebtoken::jwk::KeyAlgorithm::EdDSA,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
