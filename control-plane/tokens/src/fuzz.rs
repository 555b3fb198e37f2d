//! Tokens and key sets, tried with inputs that a machine makes up: the bodies of the fuzz targets, which no program contains.
//!
//! Whatever comes, nobody is let in by anything but what one of the keys has signed, for its own issuer and audience, and in
//! its time; and nothing that is said about a token holds it. `tests/fuzz` runs the bodies under libFuzzer, the tests below on saved
//! inputs and mutations of them.

mod keys;
mod signed;
mod unsigned;

pub use keys::jwks;
pub use signed::token_claims;
pub use unsigned::token;

use std::time::{Duration, SystemTime};

/// Who signs, and for which land.
const ISSUER: &str = "https://muster.example";
const LAND: &str = "hero-defense:6f1c";
const SERVER: &str = "server-1";
/// Somebody else who signs, and one of the audiences for whom.
const PROVIDER: &str = "https://id.example";
const PROVIDERS_AUDIENCE: &str = "the-game";
/// What time it is, in seconds since 1970.
const NOW_S: u64 = 1_700_000_000;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW_S)
}

#[cfg(test)]
mod tests {
    use mutations::run;

    use super::*;

    #[test]
    fn tokens_that_nobody_signed() {
        run("token", token, 3_000);
    }

    #[test]
    fn claims_that_are_rightly_signed() {
        run("token_claims", token_claims, 2_000);
    }

    #[test]
    fn sets_of_keys() {
        run("jwks", jwks, 2_000);
    }
}
