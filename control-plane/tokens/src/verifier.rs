//! Checks tokens against the published keys: for game servers, the gateway, and whoever redeems tokens.
//!
//! The order is the point. What costs nothing comes first (length, shape, algorithm, key id), then the signature, and
//! only then is a claim looked at: no claim of an unsigned token is ever reported. The key comes from the JWK Set and never
//! from the token: `jwk`, `jku` and `x5u` in a header are not looked at, and `crit` (which demands to be understood) is
//! refused. The key says the algorithm, and a token that says another is refused: nobody can have a public key taken for a
//! shared secret, or a signature of one kind for one of another.
//!
//! Fetching the JWK Set, keeping it, and fetching it anew on [`VerifyError::UnknownKey`] is the caller's business.

mod claims;
mod error;
mod expected;
mod header;
mod jwks;
mod object;

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use self::claims::Checked;
use self::header::PeekedHeader;
use self::jwks::PublicKey;
use self::object::Object;
use crate::time::unix_s;
use crate::{Claims, IDENTITY_AUDIENCE, IdentityClaims};

pub use claims::ProvidedClaims;
pub use error::{JwksError, VerifyError};
pub use expected::Expected;

/// The longest token that is looked at, in bytes. Ours have about 800.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// How far the clocks of the signer and the verifier may differ where nothing else is set.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(5);

/// The public keys of one issuer, ready to check tokens. Checking is computing only, about 20 µs (RSA-2048).
#[derive(Clone)]
pub struct Verifier {
    issuer: String,
    leeway: Duration,
    keys: HashMap<String, PublicKey>,
}

impl Verifier {
    /// Takes the keys of a JWK Set. Keys that are not RSA, P-256 or Ed25519 signature keys for RS256, ES256 or EdDSA, or that
    /// have no `kid`, are left out, as RFC 7517 asks.
    ///
    /// # Errors
    ///
    /// [`JwksError`] where the text is no JWK Set, where one of its keys is broken, or where none can be used.
    pub fn from_jwks(jwks_json: &str, issuer: impl Into<String>) -> Result<Self, JwksError> {
        Ok(Self { issuer: issuer.into(), leeway: DEFAULT_LEEWAY, keys: jwks::usable_keys(jwks_json)? })
    }

    /// For how long after its `exp`, and before its `nbf`, a token is accepted, because clocks differ. [`DEFAULT_LEEWAY`] unless
    /// set.
    #[must_use]
    pub fn with_leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }

    /// The ids of the keys that tokens may be signed with.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Checks a match token: shape, algorithm, key, signature, `iss`, `aud`, all claims there, land, server, time, in this
    /// order.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, as a sentence for the game's programmer: see [`VerifyError`].
    pub fn verify(
        &self,
        token: &str,
        expected: &Expected<'_>,
        now: SystemTime,
    ) -> Result<Claims, VerifyError> {
        let checked = self.checked(token, expected.audience)?;
        let claims: Claims = checked.read()?;
        expected.check(&claims)?;
        checked.within(claims.exp, unix_s(now), self.leeway)?;
        Ok(claims)
    }

    /// Checks an identity token of ours: as [`Verifier::verify`], for the audience [`IDENTITY_AUDIENCE`].
    ///
    /// # Errors
    ///
    /// The first thing that is wrong. The sentences are a match token's; [`VerifyError::brief`] says it of any.
    pub fn verify_identity(&self, token: &str, now: SystemTime) -> Result<IdentityClaims, VerifyError> {
        let checked = self.checked(token, IDENTITY_AUDIENCE)?;
        let claims: IdentityClaims = checked.read()?;
        checked.within(claims.exp, unix_s(now), self.leeway)?;
        Ok(claims)
    }

    /// Checks a token that an identity provider signed, for one of its audiences. Its `aud` may be a list, and its times may have
    /// fractions; it must have an `exp`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong; see [`VerifyError::brief`].
    pub fn verify_provided(
        &self,
        token: &str,
        audience: &str,
        now: SystemTime,
    ) -> Result<ProvidedClaims, VerifyError> {
        let checked = Checked { claims: self.signed(token)? };
        checked.issued_by(&self.issuer)?;
        checked.meant_for_one_of(audience)?;
        let exp = checked.exp()?;
        checked.within(exp, unix_s(now), self.leeway)?;
        Ok(checked.provided(exp))
    }

    /// The claims of a token of ours that is rightly signed, of the issuer, and meant for `audience`.
    fn checked(&self, token: &str, audience: &str) -> Result<Checked, VerifyError> {
        let checked = Checked { claims: self.signed(token)? };
        checked.issued_by(&self.issuer)?;
        checked.meant_for(audience)?;
        Ok(checked)
    }

    /// The claims of a token that is rightly signed.
    fn signed(&self, token: &str) -> Result<Object, VerifyError> {
        let header = PeekedHeader::read(token)?;
        let (kid, algorithm) = header.acceptable()?;
        let Some(key) = self.keys.get(kid) else {
            return Err(VerifyError::UnknownKey { kid: kid.to_owned() });
        };
        if algorithm != key.algorithm {
            let (alg, wanted) = (algorithm.name().to_owned(), key.algorithm.name());
            return Err(VerifyError::WrongAlgorithm { alg, wanted });
        }
        let not_a_token = |reason| VerifyError::NotAToken { reason };
        let (message, signature) = token.rsplit_once('.').expect("its header was read: it has three parts");
        let signature = URL_SAFE_NO_PAD.decode(signature);
        let signature = signature.map_err(|_| not_a_token("its signature is no base64url"))?;
        if !key.has_signed(message, &signature) {
            return Err(VerifyError::BadSignature);
        }
        let (_, claims) = message.split_once('.').expect("its header was read: it has three parts");
        let claims =
            URL_SAFE_NO_PAD.decode(claims).map_err(|_| not_a_token("its claims are no base64url"))?;
        serde_json::from_slice(&claims).map_err(|error| VerifyError::BadClaims { reason: error.to_string() })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuer", &self.issuer)
            .field("leeway", &self.leeway)
            .field("keys", &self.keys.keys())
            .finish_non_exhaustive()
    }
}
