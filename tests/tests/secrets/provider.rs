//! An identity provider: its keys behind HTTP, and tokens that it signs.

use std::{net::SocketAddr, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PublicKeyData as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "the-game";

pub(crate) struct Provider {
    key: KeyPair,
    addr: SocketAddr,
    serving: JoinHandle<()>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let jwks = jwks(&key).to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{jwks}",
            jwks.len()
        );
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // One read is enough for a question without a body, and who doesn't hear the answer asks again.
                drop(stream.read(&mut [0; 4096]).await);
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
        Self { key, addr, serving }
    }

    /// Its table in the gateway's configuration.
    pub(crate) fn table(&self) -> String {
        format!(
            "[[identity_providers]]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks_url = \"http://{}/jwks\"\n\
             player_prefix = \"idp-\"\n",
            self.addr
        )
    }

    /// A token for a player of its own.
    pub(crate) fn token(&self, player: &str) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": player, "iat": now, "exp": now + 600 });
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, &claims, &EncodingKey::from_ec_pem(self.key.serialize_pem().as_bytes()).unwrap())
            .unwrap()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn jwks(key: &KeyPair) -> Value {
    // An uncompressed point: 4, x, y.
    let point = key.der_bytes();
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one", "x": number(&point[1..33]), "y": number(&point[33..65])
    }] })
}
