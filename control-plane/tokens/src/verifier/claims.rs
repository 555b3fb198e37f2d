//! Checks of the claims that all tokens have, and what is told of a provider's.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::VerifyError;
use super::object::Object;

/// What an identity provider says of its token's bearer.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvidedClaims {
    /// From when the token is no longer accepted, in whole seconds since 1970-01-01T00:00:00Z.
    pub exp: u64,
    all: serde_json::Map<String, Value>,
}

impl ProvidedClaims {
    /// The claim of that name, where it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name)?.as_str()
    }

    /// The claim of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }
}

/// Claims that were signed.
pub(super) struct Checked {
    pub(super) claims: Object,
}

impl Checked {
    pub(super) fn issued_by(&self, issuer: &str) -> Result<(), VerifyError> {
        let found = self.text("iss")?;
        if found == issuer {
            return Ok(());
        }
        Err(VerifyError::WrongIssuer { expected: issuer.to_owned(), found: found.to_owned() })
    }

    /// Ours have one audience.
    pub(super) fn meant_for(&self, audience: &str) -> Result<(), VerifyError> {
        let found = self.text("aud")?;
        if found == audience {
            return Ok(());
        }
        Err(VerifyError::WrongAudience { expected: audience.to_owned(), found: found.to_owned() })
    }

    /// Others' may have several.
    pub(super) fn meant_for_one_of(&self, audience: &str) -> Result<(), VerifyError> {
        let Some(Value::Array(audiences)) = self.claims.0.get("aud") else {
            return self.meant_for(audience);
        };
        if audiences.iter().any(|one| one == audience) {
            return Ok(());
        }
        let found = audiences.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        Err(VerifyError::WrongAudience { expected: audience.to_owned(), found })
    }

    /// The claims in their own type.
    pub(super) fn read<C: DeserializeOwned>(&self) -> Result<C, VerifyError> {
        let claims = Value::Object(self.claims.0.clone());
        serde_json::from_value(claims).map_err(|error| bad(error.to_string()))
    }

    pub(super) fn exp(&self) -> Result<u64, VerifyError> {
        self.time("exp")?.ok_or_else(|| bad("missing field `exp`"))
    }

    /// Whether the token is good at this second, by a clock that may be off by `leeway`.
    pub(super) fn within(&self, exp: u64, now: u64, leeway: Duration) -> Result<(), VerifyError> {
        let leeway = leeway.as_secs();
        if now >= exp.saturating_add(leeway) {
            return Err(VerifyError::Expired { exp, ago_s: now - exp });
        }
        match self.time("nbf")? {
            Some(nbf) if now.saturating_add(leeway) < nbf => {
                Err(VerifyError::NotYet { nbf, in_s: nbf - now })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn provided(self, exp: u64) -> ProvidedClaims {
        ProvidedClaims { exp, all: self.claims.0 }
    }

    fn text(&self, name: &str) -> Result<&str, VerifyError> {
        match self.claims.0.get(name) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(bad(format!("`{name}` is no text"))),
            None => Err(bad(format!("missing field `{name}`"))),
        }
    }

    /// A moment in whole seconds. It may be written with a fraction (RFC 7519), which is left out.
    fn time(&self, name: &str) -> Result<Option<u64>, VerifyError> {
        let Some(value) = self.claims.0.get(name) else { return Ok(None) };
        let whole = value.as_u64();
        let fractional = || {
            let moment = value.as_f64().filter(|moment| (0.0..=MAX_MOMENT).contains(moment))?;
            Some(Duration::from_secs_f64(moment).as_secs())
        };
        let moment = whole.or_else(fractional);
        moment.map(Some).ok_or_else(|| bad(format!("`{name}` is no moment in unix seconds")))
    }
}

/// A day in the year 9999, the last that other libraries know.
const MAX_MOMENT: f64 = 253_402_300_799.0;

fn bad(reason: impl Into<String>) -> VerifyError {
    VerifyError::BadClaims { reason: reason.into() }
}
