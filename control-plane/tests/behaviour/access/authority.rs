//! An authority that a test has for itself, and what it signs.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd};
use runtime::control_plane::Credentials;

/// Changes a file as a whole, as whoever looks after certificates does.
pub(super) fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, path).unwrap();
}

pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// Where a certificate and its key are.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn write(&self, path: &Path) -> PathBuf {
        replace(path, &self.0.pem());
        path.to_owned()
    }

    /// For these names, into `dir` under `name`.
    pub(super) fn sign(&self, dir: &Path, name: &str, names: &[&str]) -> Pair {
        self.sign_with(dir, name, names, |_| ())
    }

    pub(super) fn sign_expired(&self, dir: &Path, name: &str, names: &[&str]) -> Pair {
        self.sign_with(dir, name, names, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        })
    }

    fn sign_with(
        &self,
        dir: &Path,
        name: &str,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Pair {
        let (uris, names): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.contains("://"));
        let mut params =
            CertificateParams::new(names.into_iter().map(str::to_owned).collect::<Vec<_>>()).unwrap();
        params.subject_alt_names.extend(uris.into_iter().map(|uri| SanType::URI(uri.try_into().unwrap())));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let pair =
            Pair { certificate: dir.join(format!("{name}.pem")), key: dir.join(format!("{name}-key.pem")) };
        replace(&pair.certificate, &certificate.pem());
        replace(&pair.key, &key.serialize_pem());
        pair
    }
}

impl Pair {
    /// Of a client who believes the authority at `ca`.
    pub(super) fn credentials(&self, ca: &Path) -> Credentials {
        Credentials {
            control_plane_ca: Some(ca.to_owned()),
            control_plane_certificate: Some(self.certificate.clone()),
            control_plane_certificate_key: Some(self.key.clone()),
            ..Credentials::default()
        }
    }
}
