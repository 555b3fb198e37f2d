//! Part of the fuzz targets: see [`crate::fuzz`].

use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use runtime::files::Named;
use tokens::Verifier;

use super::{
    Credentials, Secret,
    backends::Backends,
    claimed_issuer, is_token,
    issuer::{Says, known},
};

/// Tokens that are good, and the keys that they were signed with. Whoever signed them has thrown the private keys away.
const SIGNED: &str = include_str!("../../../tests/fuzz/signed/tokens.txt");
const KEYS: &str = include_str!("../../../tests/fuzz/signed/jwks.json");
const OURS: &str = "https://muster.example";
const PROVIDER: &str = "https://id.example";

/// The headers with which a request or a WebSocket's handshake says who sends it: `name: value`, a line each.
pub fn credentials(data: &[u8]) {
    let headers: HeaderMap = data.split(|byte| *byte == b'\n').take(64).filter_map(header).collect();
    let of_request = Credentials::of(&headers);
    let of_handshake = Credentials::of_handshake(&headers);
    if !headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        assert_eq!(of_handshake, of_request);
    }
    if headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
        assert_eq!(
            of_request,
            Credentials::Unreadable,
            "one of several would be chosen by whoever looks first"
        );
    }
    for found in [of_request, of_handshake] {
        assert!(!format!("{found:?}").contains("eyJ"), "a token is shown");
        let Credentials::Bearer(secret) = found else { continue };
        let text = secret.reveal();
        assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(
            headers
                .values()
                .any(|value| value.as_bytes().windows(text.len()).any(|part| part == text.as_bytes()))
        );
        if is_token(&secret) {
            token(&secret);
        }
    }
}

/// Who is known by a token has one that was signed for that.
fn token(secret: &Secret) {
    static ISSUERS: OnceLock<[(&str, Says, Arc<Verifier>); 2]> = OnceLock::new();
    let issuers = ISSUERS.get_or_init(|| {
        let keys = |issuer: &str| Arc::new(Verifier::from_jwks(KEYS, issuer).expect("the keys are good"));
        let theirs = Says::Player {
            audiences: vec!["nobody".to_owned(), "the-game".to_owned()],
            claim: "sub".to_owned(),
            prefix: "x:".to_owned(),
        };
        [(OURS, Says::OurPlayer, keys(OURS)), (PROVIDER, theirs, keys(PROVIDER))]
    });
    let claimed = claimed_issuer(secret);
    for (issuer, says, verifier) in issuers {
        match known(says.read(verifier, secret)) {
            Ok(player) => {
                assert_eq!(claimed.as_deref(), Some(*issuer), "it would not have come here");
                let message = secret.reveal().rsplit_once('.').map(|(message, _)| message);
                let signed =
                    SIGNED.lines().any(|line| line.rsplit_once('.').map(|(message, _)| message) == message);
                assert!(signed, "{:?} was never signed", secret.reveal());
                let ours = *issuer == OURS;
                assert_ne!(
                    player.id.as_str().starts_with("x:"),
                    ours,
                    "a provider's players have its prefix"
                );
            }
            Err(refusal) => assert!(refusal.message.len() < 200, "{}", refusal.message),
        }
    }
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = match line[..colon].to_ascii_lowercase().as_slice() {
        b"authorization" => header::AUTHORIZATION,
        b"sec-websocket-protocol" => header::SEC_WEBSOCKET_PROTOCOL,
        _ => return None,
    };
    Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
}

/// The file with the backends' keys.
pub fn backend_keys(data: &[u8]) {
    let file = Named::new("backend_keys", "keys");
    match Backends::of_file(&file, data) {
        Ok(backends) => {
            // Hashes are looked for, not keys: what stands in the file opens nothing.
            let words = std::str::from_utf8(data).unwrap_or_default().split_whitespace().take(200);
            for word in words {
                assert_eq!(backends.with_key(&Secret::new(word)), None, "{word}");
            }
        }
        Err(error) => {
            let error = error.to_string();
            assert!(error.len() < 200 && error.contains("backend_keys"), "{error}");
        }
    }
}
