//! Certificates: which issuers are trusted, and a check that leaves out the host's name alone.

use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme,
};

use crate::error::{Error, ErrorKind};

/// The certificates of the trusted issuers.
///
/// # Errors
/// [`ErrorKind::Tls`] for a PEM text without any.
pub(crate) fn issuers(pem: Option<&str>) -> Result<Vec<CertificateDer<'static>>, Error> {
    let Some(pem) = pem else {
        // What cannot be read is left out; a server that it vouches for then fails with its own error.
        return Ok(rustls_native_certs::load_native_certs().certs);
    };
    let none = || {
        Error::new(
            ErrorKind::Tls,
            "'sslrootcert' must hold the issuer's certificate as PEM text: -----BEGIN CERTIFICATE----- and on",
        )
    };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(none()),
    }
}

/// The settings of a TLS client.
///
/// # Errors
/// [`ErrorKind::Tls`] for issuers that are none.
pub(crate) fn client(roots: Option<&str>, host_checked: bool) -> Result<ClientConfig, Error> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::new(
            ErrorKind::Tls,
            format!("transport security cannot be set up: {error}"),
        )
    };
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(issuers(roots)?);
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    if host_checked {
        return Ok(config.with_root_certificates(store).with_no_client_auth());
    }
    let whole = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|error| failed(&error))?;
    Ok(config
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(IssuerOnly(whole)))
        .with_no_client_auth())
}

/// The whole check, but for the name: `verify-ca`.
#[derive(Debug)]
struct IssuerOnly(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for IssuerOnly {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        // The issuer is checked before the name is looked at.
        match self
            .0
            .verify_server_cert(certificate, intermediates, name, ocsp, now)
        {
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
