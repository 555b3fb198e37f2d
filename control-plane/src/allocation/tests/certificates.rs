//! Certificates for stand-ins, and for whoever calls them.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use runtime::{
    files::Named,
    tls::{ClientAuth, ServerFiles, ServerTls},
};

/// An authority, and files of what it signed.
pub(super) struct Authority {
    dir: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { dir, issuer }
    }

    /// A certificate and its key with this name.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let file = |end: &str| self.dir.path().join(format!("{name}.{end}"));
        std::fs::write(file("pem"), certificate.pem()).unwrap();
        std::fs::write(file("key"), key.serialize_pem()).unwrap();
        (file("pem"), file("key"))
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A server for `localhost` that asks for certificates of the same authority.
    pub(super) fn server(&self, protocol: &str) -> ServerTls {
        let (certificate, key) = self.sign("localhost");
        let named = |path: &Path| Named::new("test", path);
        let clients = Some((named(&self.file()), ClientAuth::Required));
        let files = ServerFiles { certificate: named(&certificate), key: named(&key), clients };
        ServerTls::open(files, &[protocol]).unwrap().0
    }

    /// Believes this authority.
    pub(super) fn believed(&self) -> String {
        format!("--allocation-ca {} ", self.file().display())
    }

    /// Is known to it.
    pub(super) fn known(&self) -> String {
        let (certificate, key) = self.sign("muster");
        let (certificate, key) = (certificate.display(), key.display());
        format!("--allocation-certificate {certificate} --allocation-certificate-key {key} ")
    }
}
