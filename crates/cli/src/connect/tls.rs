//! TLS to a server: whom to trust, and which certificate to show to a server that asks for one.
//! Files are checked here, since an error that names the file helps more than a failed handshake.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use zeroize::Zeroizing;

use crate::credentials::warn_if_others_can_read;
use crate::failure::innermost;

/// The files of a TLS client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The authorities to trust instead of the machine's.
    pub(crate) ca: Option<PathBuf>,
    /// The certificate to show, and its key.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

/// Gives `endpoint` the TLS that `files` ask for.
///
/// # Errors
/// A file cannot be read, or does not hold what it should; the machine trusts no authority.
pub(super) fn secured(endpoint: Endpoint, files: &TlsFiles) -> anyhow::Result<Endpoint> {
    let mut config = ClientTlsConfig::new();
    config = match &files.ca {
        Some(path) => config.ca_certificate(Certificate::from_pem(&*certificates(path)?)),
        None => config.with_native_roots(),
    };
    if let Some((certificate, key)) = &files.client {
        config = config.identity(Identity::from_pem(
            &*certificates(certificate)?,
            &*private_key(key)?,
        ));
    }
    endpoint
        .tls_config(config)
        .map_err(|error| match &files.client {
            Some((certificate, key)) => anyhow::anyhow!(
                "cannot use the client certificate {} with the key {}: {}",
                certificate.display(),
                key.display(),
                innermost(&error)
            ),
            None => anyhow::anyhow!(
                "cannot set up TLS: {}; --ca-file FILE names authorities to trust",
                innermost(&error)
            ),
        })
}

/// The PEM text of a file that holds certificates.
fn certificates(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let (pem, _) = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(pem),
        _ => anyhow::bail!("{} holds no certificate in PEM form", path.display()),
    }
}

/// The PEM text of a file that holds a private key.
fn private_key(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let (pem, file) = read(path)?;
    anyhow::ensure!(
        PrivateKeyDer::from_pem_slice(&pem).is_ok(),
        "{} holds no private key in PEM form, or one with a passphrase",
        path.display()
    );
    warn_if_others_can_read(&file, path, "key file");
    Ok(pem)
}

fn read(path: &Path) -> anyhow::Result<(Zeroizing<Vec<u8>>, File)> {
    let cannot = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(cannot)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.read_to_end(&mut bytes).with_context(cannot)?;
    Ok((bytes, file))
}

#[cfg(test)]
mod tests;
