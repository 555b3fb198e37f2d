//! Checks match tokens against the published keys: for game servers, their agents, and whoever redeems tokens.
//!
//! The order is the point. What costs nothing comes first (length, shape, algorithm, key id), then the signature, and
//! only then is a claim looked at: no claim of an unsigned token is ever reported. The algorithm is RS256 whatever the
//! token says, and the key comes from the JWK Set and never from the token: `jwk`, `jku` and `x5u` in a header are not
//! looked at, and `crit` (which demands to be understood) is refused.
//!
//! Fetching the JWK Set, keeping it, and fetching it anew on [`VerifyError::UnknownKey`] is the caller's business.

mod error;
mod header;
mod jwks;

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use self::header::PeekedHeader;
use crate::time::unix_s;
use crate::{Claims, GAME_SERVER_AUDIENCE};

pub use error::{JwksError, VerifyError};

/// The longest token that is looked at, in bytes. Ours have about 800.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// How far the clocks of the signer and the verifier may differ where nothing else is set.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(5);

/// What a token must be good for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The `aud`: [`GAME_SERVER_AUDIENCE`] for match tokens.
    pub audience: &'a str,
    /// The land that the player wants to enter.
    pub land_id: &'a str,
    /// The server that asks; `None` where any server may host the land.
    pub server_id: Option<&'a str>,
}

impl<'a> Expected<'a> {
    /// A match token for that land, on whichever server.
    pub fn land(land_id: &'a str) -> Self {
        Self { audience: GAME_SERVER_AUDIENCE, land_id, server_id: None }
    }

    /// The same, on that server only.
    pub fn on_server(self, server_id: &'a str) -> Self {
        Self { server_id: Some(server_id), ..self }
    }
}

/// The public keys of one issuer, ready to check tokens. Checking is computing only, about 25 µs (RSA-2048).
#[derive(Clone)]
pub struct Verifier {
    issuer: String,
    leeway: Duration,
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

impl Verifier {
    /// Takes the keys of a JWK Set. Keys that are not RSA signature keys for RS256, or that have no `kid`, are left out,
    /// as RFC 7517 asks.
    ///
    /// # Errors
    ///
    /// [`JwksError`] where the text is no JWK Set, where one of its keys is broken, or where none can be used.
    pub fn from_jwks(jwks_json: &str, issuer: impl Into<String>) -> Result<Self, JwksError> {
        let mut validation = Validation::new(Algorithm::RS256);
        // The signature and the algorithm are checked by `jsonwebtoken`, the claims here: it reads the clock itself, and its
        // errors do not say what was found.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Ok(Self {
            issuer: issuer.into(),
            leeway: DEFAULT_LEEWAY,
            keys: jwks::usable_keys(jwks_json)?,
            validation,
        })
    }

    /// For how long after its `exp` a token is still accepted, because clocks differ. [`DEFAULT_LEEWAY`] unless set.
    #[must_use]
    pub fn with_leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }

    /// The ids of the keys that tokens may be signed with.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Checks a token: shape, algorithm, key, signature, `iss`, `aud`, land, server, `exp`, in this order.
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
        let header = PeekedHeader::read(token)?;
        let kid = header.acceptable_key_id()?;
        let Some(key) = self.keys.get(kid) else {
            return Err(VerifyError::UnknownKey { kid: kid.to_owned() });
        };
        let signed = jsonwebtoken::decode::<Claims>(token, key, &self.validation);
        let claims = signed.map_err(|error| refusal(token, &error))?.claims;
        self.check(&claims, expected, now)?;
        Ok(claims)
    }

    fn check(&self, claims: &Claims, expected: &Expected<'_>, now: SystemTime) -> Result<(), VerifyError> {
        let pair = |expected: &str, found: &str| (expected.to_owned(), found.to_owned());
        if claims.iss != self.issuer {
            let (expected, found) = pair(&self.issuer, &claims.iss);
            return Err(VerifyError::WrongIssuer { expected, found });
        }
        if claims.aud != expected.audience {
            let (expected, found) = pair(expected.audience, &claims.aud);
            return Err(VerifyError::WrongAudience { expected, found });
        }
        if claims.land_id != expected.land_id {
            let (expected, found) = pair(expected.land_id, &claims.land_id);
            return Err(VerifyError::OtherLand { expected, found });
        }
        if let Some(server_id) = expected.server_id.filter(|id| *id != claims.server_id) {
            let (expected, found) = pair(server_id, &claims.server_id);
            return Err(VerifyError::OtherServer { expected, found });
        }
        let now = unix_s(now);
        if now >= claims.exp.saturating_add(self.leeway.as_secs()) {
            let ago_s = now - claims.exp;
            return Err(VerifyError::Expired { exp: claims.exp, ago_s });
        }
        Ok(())
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

/// What `jsonwebtoken` says, in our words.
fn refusal(token: &str, error: &jsonwebtoken::errors::Error) -> VerifyError {
    match error.kind() {
        ErrorKind::InvalidSignature => VerifyError::BadSignature,
        // Claims are read after the signature was checked, the header before: which of the two was no good JSON?
        ErrorKind::Json(json) if jsonwebtoken::decode_header(token).is_ok() => {
            VerifyError::BadClaims { reason: json.to_string() }
        }
        _ => VerifyError::NotAToken { reason: "a part of it is not what a JWT has there" },
    }
}
