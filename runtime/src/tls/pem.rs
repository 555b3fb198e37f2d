//! What is in PEM files, with words for what isn't.

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::{config::Invalid, files::Named};

/// A certificate with the intermediate ones behind it.
pub(super) fn chain(file: &Named, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Invalid> {
    let chain = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| file.invalid(format!("is no PEM file: {error}")))?;
    if chain.is_empty() {
        return Err(file.invalid("has no certificate in it (`-----BEGIN CERTIFICATE-----`)"));
    }
    Ok(chain)
}

/// A private key.
pub(super) fn key(file: &Named, text: &[u8]) -> Result<PrivateKeyDer<'static>, Invalid> {
    PrivateKeyDer::from_pem_slice(text)
        // The error's own words may quote the file.
        .map_err(|_| file.invalid("has no private key in it (`-----BEGIN PRIVATE KEY-----`)"))
}

/// The authorities that are believed.
pub(super) fn roots(file: &Named, text: &[u8]) -> Result<RootCertStore, Invalid> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(file, text)? {
        roots.add(certificate).map_err(|error| file.invalid(error))?;
    }
    Ok(roots)
}
