//! Signs tokens with any claims, as a control plane does, an identity provider, or a forger.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// A key that signs, and its public half.
pub(crate) struct Signer {
    kid: String,
    secret: Vec<u8>,
    public: Vec<u8>,
}

/// Seconds since 1970, from now.
pub(crate) fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + seconds
}

impl Signer {
    pub(crate) fn new(kid: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let public = pair.public_key().as_ref().to_vec();
        Self { kid: kid.to_owned(), secret: pair.to_pkcs8v1().unwrap().as_ref().to_vec(), public }
    }

    /// The public key as bytes, which anybody has.
    pub(crate) fn public(&self) -> &[u8] {
        &self.public
    }

    pub(crate) fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(&self.public);
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": x})
    }

    pub(crate) fn jwks(&self) -> Value {
        json!({"keys": [self.jwk()]})
    }

    pub(crate) fn header(&self) -> Header {
        Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) }
    }

    /// A token that says `claims`.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header(), claims, &EncodingKey::from_ed_der(&self.secret)).unwrap()
    }

    /// An identity token of ours.
    pub(crate) fn identity(&self, player: &str) -> String {
        self.sign(&identity_claims(player))
    }
}

/// What an identity token of ours says.
pub(crate) fn identity_claims(player: &str) -> Value {
    json!({
        "iss": "muster", "aud": "edge-gateway", "sub": player, "iat": in_seconds(0), "exp": in_seconds(600),
        "jti": uuid::Uuid::now_v7().to_string()
    })
}
