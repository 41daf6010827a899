//! Whom to believe over TLS.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The certificates of a text in PEM. `None`: there is none in it, or one that is broken.
pub(super) fn read(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(pem) {
        roots.add(root.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}
