//! TLS from PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::{StartError, TlsFiles};

/// Accepts TLS 1.2 and 1.3 with a certificate, for HTTP/2 and HTTP/1.1.
///
/// # Errors
/// A file cannot be read, or the key is not the certificate's.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, StartError> {
    let unreadable = |path: &Path, what: &str, error: &dyn std::fmt::Display| {
        StartError::Secret(format!("expected {what} in PEM in {}, found: {error}", path.display()))
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| unreadable(&files.certificate, "a certificate", &error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unreadable(&files.key, "a private key", &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth())
        .and_then(|builder| builder.with_single_cert(chain, key));
    let mut config = config.map_err(|error| {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        StartError::Secret(format!("the certificate in {certificate} and the key in {key} do not serve TLS: {error}"))
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
