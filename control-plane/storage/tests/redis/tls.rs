//! A server that speaks TLS, and who trusts whom.

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use storage::{RedisPassword, RedisSettings, RedisTls, Storage as _};

use crate::{
    fixture::{NOW, ticket},
    ground::{at, open, try_open},
    server::{Server, free_port},
};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        // Named unlike what it signs, or that would seem to have signed itself.
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A certificate for this machine, and its key.
    fn sign(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let signed = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        (signed.pem(), key.serialize_pem())
    }
}

/// Speaks TLS on a second port, and asks its clients for certificates where that is wanted.
fn start(dir: &Path, authority: &Authority, clients: &str) -> (Server, u16) {
    let (certificate, key) = authority.sign();
    let file = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let [ca, certificate, key] =
        [("ca", &authority.certificate), ("certificate", &certificate), ("key", &key)]
            .map(|(n, t)| file(n, t));
    let port = free_port();
    let server = Server::start_with(&[
        "--appendonly",
        "yes",
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        clients,
    ]);
    (server, port)
}

#[tokio::test]
async fn a_server_is_trusted_by_its_authority_only() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (_server, port) = start(dir.path(), &authority, "no");
    let trusting = |authority: &Authority| {
        let root_certificate = Some(authority.certificate.clone().into_bytes());
        RedisSettings { tls: Some(RedisTls { root_certificate, client: None }), ..at(port) }
    };
    let (storage, _upkeep) = open(&trusting(&authority));
    storage.enqueue(ticket("t", &["p"]), NOW).await.unwrap();
    assert!(try_open(&trusting(&Authority::new())).is_err());
    assert!(try_open(&at(port)).is_err(), "it is not spoken to in the clear");
}

#[tokio::test]
async fn a_server_may_ask_for_a_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (_server, port) = start(dir.path(), &authority, "yes");
    let as_whom = |client: Option<(String, String)>| {
        let client = client.map(|(certificate, key)| (certificate.into_bytes(), RedisPassword::new(key)));
        let root_certificate = Some(authority.certificate.clone().into_bytes());
        RedisSettings { tls: Some(RedisTls { root_certificate, client }), ..at(port) }
    };
    let (storage, _upkeep) = open(&as_whom(Some(authority.sign())));
    storage.enqueue(ticket("t", &["p"]), NOW).await.unwrap();
    assert!(try_open(&as_whom(None)).is_err());
}
