//! Looks at a token's header before anything is computed, so that each refusal has its own name.
//!
//! Nothing here is trusted: it only says which key has to have signed it, and the key says how.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::{MAX_TOKEN_BYTES, VerifyError};
use crate::Algorithm;

/// The longest `kid` that is looked up or quoted, in bytes. Ours have 43.
const MAX_KID_BYTES: usize = 128;
/// The longest `alg` that is quoted, in characters.
const MAX_ALG_CHARS: usize = 16;

/// What a token may be signed with.
const WANTED: &str = "RS256, ES256 or EdDSA";

/// What decides whether the rest of a token is looked at.
#[derive(Debug, Deserialize)]
pub(super) struct PeekedHeader {
    alg: String,
    kid: Option<String>,
    #[serde(default, rename = "crit", deserialize_with = "whatever_it_is")]
    has_crit: bool,
}

impl PeekedHeader {
    pub(super) fn read(token: &str) -> Result<Self, VerifyError> {
        let not_a_token = |reason| VerifyError::NotAToken { reason };
        if token.len() > MAX_TOKEN_BYTES {
            return Err(VerifyError::Oversized { bytes: token.len() });
        }
        if token.is_empty() {
            return Err(not_a_token("it is empty"));
        }
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        let [header, _, _] = parts[..] else {
            return Err(not_a_token("it has not three parts with dots between them"));
        };
        let json = URL_SAFE_NO_PAD.decode(header).map_err(|_| not_a_token("its header is no base64url"))?;
        serde_json::from_slice(&json).map_err(|_| not_a_token("its header is no JSON object with an `alg`"))
    }

    /// The key's id and the algorithm, where a token could have such a header.
    pub(super) fn acceptable(&self) -> Result<(&str, Algorithm), VerifyError> {
        if self.alg.eq_ignore_ascii_case("none") {
            return Err(VerifyError::Unsigned);
        }
        let Some(algorithm) = Algorithm::from_name(&self.alg) else {
            let alg = self.alg.chars().take(MAX_ALG_CHARS).collect();
            return Err(VerifyError::WrongAlgorithm { alg, wanted: WANTED });
        };
        if self.has_crit {
            return Err(VerifyError::CriticalHeader);
        }
        let kid = self.kid.as_deref().filter(|kid| kid.len() <= MAX_KID_BYTES);
        kid.map(|kid| (kid, algorithm)).ok_or(VerifyError::NoKeyId)
    }
}

/// A field that counts by being there, even as `null`.
fn whatever_it_is<'de, D: Deserializer<'de>>(field: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(field).map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peek(header: &str) -> Result<String, VerifyError> {
        let header = PeekedHeader::read(&format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header)))?;
        header.acceptable().map(|(kid, _)| kid.to_owned())
    }

    #[test]
    fn a_header_like_ours_passes() {
        assert_eq!(peek(r#"{"typ":"JWT","alg":"RS256","kid":"k"}"#).unwrap(), "k");
    }

    #[test]
    fn none_is_refused_in_every_spelling() {
        for alg in ["none", "None", "NONE", "nOnE"] {
            assert_eq!(peek(&format!(r#"{{"alg":"{alg}","kid":"k"}}"#)), Err(VerifyError::Unsigned));
        }
    }

    #[test]
    fn other_algorithms_are_refused_and_quoted_shortly() {
        for alg in ["HS256", "RS384", "PS256", "ES256K", "ES384", "rs256", "eddsa", "Ed25519", "", "RS256 "] {
            let refused = peek(&format!(r#"{{"alg":"{alg}","kid":"k"}}"#)).unwrap_err();
            assert_eq!(refused, VerifyError::WrongAlgorithm { alg: alg.to_owned(), wanted: WANTED });
        }
        let long = peek(&format!(r#"{{"alg":"{}","kid":"k"}}"#, "é".repeat(1000))).unwrap_err();
        assert_eq!(long, VerifyError::WrongAlgorithm { alg: "é".repeat(16), wanted: WANTED });
    }

    #[test]
    fn crit_is_refused_whatever_it_holds() {
        for crit in [r#"["b64"]"#, "[]", "null", "1"] {
            let refused = peek(&format!(r#"{{"alg":"RS256","kid":"k","crit":{crit}}}"#));
            assert_eq!(refused, Err(VerifyError::CriticalHeader), "{crit}");
        }
    }

    #[test]
    fn a_header_without_a_usable_kid_is_refused() {
        assert_eq!(peek(r#"{"alg":"RS256"}"#), Err(VerifyError::NoKeyId));
        let long = "k".repeat(129);
        assert_eq!(peek(&format!(r#"{{"alg":"RS256","kid":"{long}"}}"#)), Err(VerifyError::NoKeyId));
    }

    #[test]
    fn what_is_no_jwt_is_refused_with_the_reason() {
        let reasons: Vec<_> = ["", "abc", "a.b", "a.b.c.d.e", "!!.e30.c2ln", "e30.e30.c2ln", "W10.e30.c2ln"]
            .into_iter()
            .map(|text| match PeekedHeader::read(text) {
                Err(VerifyError::NotAToken { reason }) => reason,
                other => panic!("{text}: {other:?}"),
            })
            .collect();
        assert_eq!(reasons[0], "it is empty");
        assert!(reasons[1..4].iter().all(|reason| reason.contains("three parts")));
        assert!(reasons[4].contains("base64url"));
        assert!(reasons[5..].iter().all(|reason| reason.contains("JSON object")));
        // Twice the same name is two answers to one question.
        assert!(matches!(
            peek(r#"{"alg":"RS256","alg":"none","kid":"k"}"#),
            Err(VerifyError::NotAToken { .. })
        ));
    }
}
