//! Any text as a token.

use std::sync::OnceLock;

use super::{ISSUER, LAND, PROVIDER, PROVIDERS_AUDIENCE, SERVER, now};
use crate::{Expected, Verifier, VerifyError};

/// All tokens that were ever signed with these keys. Whoever did has thrown the private keys away.
const SIGNED: &str = include_str!("../../../../tests/fuzz/signed/tokens.txt");
const KEYS: &str = include_str!("../../../../tests/fuzz/signed/jwks.json");

/// No sentence about a token is longer, in bytes.
const LONGEST: usize = 2 * 1024;

/// A text that somebody brings as a token.
pub fn token(data: &[u8]) {
    static VERIFIERS: OnceLock<[Verifier; 2]> = OnceLock::new();
    let [ours, theirs] = VERIFIERS.get_or_init(|| {
        [ISSUER, PROVIDER].map(|issuer| Verifier::from_jwks(KEYS, issuer).expect("the keys are good"))
    });
    let Ok(text) = std::str::from_utf8(data) else { return };
    let found = [
        ours.verify(text, &Expected::land(LAND).on_server(SERVER), now()).map(|claims| claims.aud),
        ours.verify_identity(text, now()).map(|claims| claims.aud),
        theirs.verify_provided(text, PROVIDERS_AUDIENCE, now()).map(|_| PROVIDERS_AUDIENCE.to_owned()),
    ];
    assert!(found.iter().filter(|found| found.is_ok()).count() <= 1, "{text} is good for two things");
    for one in &found {
        match one {
            Ok(_) => assert!(SIGNED.lines().any(|signed| message(signed) == message(text)), "{text}"),
            Err(error) => told(text, error),
        }
    }
}

/// What is signed of a token. Of ES256's signatures others can be made that are as good, for the same.
fn message(token: &str) -> Option<&str> {
    token.rsplit_once('.').map(|(message, _)| message)
}

/// What is said of a token is short and doesn't hold it.
pub(super) fn told(token: &str, error: &VerifyError) {
    let told = error.to_string();
    assert!(told.len() <= LONGEST, "{} bytes: {told}", told.len());
    assert!(token.len() < 64 || !told.contains(token), "{told}");
    assert!(error.brief().len() < 100 && !error.brief().is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_good_and_so_the_target_tries_something() {
        let ours = Verifier::from_jwks(KEYS, ISSUER).unwrap();
        let theirs = Verifier::from_jwks(KEYS, PROVIDER).unwrap();
        for signed in SIGNED.lines() {
            let good = ours.verify(signed, &Expected::land(LAND).on_server(SERVER), now()).is_ok()
                || ours.verify_identity(signed, now()).is_ok()
                || theirs.verify_provided(signed, PROVIDERS_AUDIENCE, now()).is_ok();
            assert!(good, "{signed}");
        }
        assert!(SIGNED.lines().count() >= 9);
    }
}
