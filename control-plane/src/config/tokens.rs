//! What tokens are signed with, by the names that tokens have for it.

use tokens::Algorithm;

/// What tokens are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TokenAlgorithm {
    /// RSA: every library can check it; the slowest to sign.
    #[value(name = "RS256")]
    Rs256,
    /// ECDSA on P-256: shorter tokens, and ten times the signatures a second.
    #[value(name = "ES256")]
    Es256,
    /// Ed25519: as short, and faster still; not every library knows it.
    #[value(name = "EdDSA")]
    EdDsa,
}

impl From<TokenAlgorithm> for Algorithm {
    fn from(algorithm: TokenAlgorithm) -> Self {
        match algorithm {
            TokenAlgorithm::Rs256 => Self::Rs256,
            TokenAlgorithm::Es256 => Self::Es256,
            TokenAlgorithm::EdDsa => Self::EdDsa,
        }
    }
}
