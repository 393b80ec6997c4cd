//! The PEM files of transport security: what makes them change, and how they become a configuration.
//! Errors name the setting and the file, and never what is in it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, version};

use crate::settings::TlsSettings;

/// The one protocol that is spoken.
const ALPN: &[u8] = b"h2";

const ALL_CAN_READ: u32 = 0o004;
const GROUP_CAN_READ: u32 = 0o040;

/// Where the files are.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) cert: PathBuf,
    key: PathBuf,
    pub(super) client_ca: Option<PathBuf>,
}

/// What differs when a file was written or replaced; `None` while it is not there.
pub(super) type Stamp = Option<(u64, u64, u64, Option<SystemTime>)>;

impl Files {
    /// `None` when TLS is not set; settings that were checked have both files or none.
    pub(super) fn of(settings: &TlsSettings) -> Option<Self> {
        Some(Self {
            cert: settings.cert.clone()?,
            key: settings.key.clone()?,
            client_ca: settings.client_ca.clone(),
        })
    }

    /// The state of every file.
    pub(super) fn stamps(&self) -> Vec<Stamp> {
        [Some(&self.cert), Some(&self.key), self.client_ca.as_ref()]
            .into_iter()
            .flatten()
            .map(|path| stamp(path))
            .collect()
    }

    /// Reads all files. Blocking.
    pub(super) fn load(&self) -> Result<Arc<ServerConfig>, String> {
        let certificates = certificates("tls.cert", &self.cert)?;
        check_readers(&self.key)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|e| {
            unusable(
                "tls.key",
                &self.key,
                "a private key in PEM form",
                &in_words(&e),
            )
        })?;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|e| format!("failed to set up TLS: {e}"))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for root in self::certificates("tls.client_ca", path)? {
                    roots
                        .add(root)
                        .map_err(|e| unusable("tls.client_ca", path, "root certificates", &e))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    Arc::new(ring::default_provider()),
                )
                .build()
                .map_err(|e| unusable("tls.client_ca", path, "root certificates", &e))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(certificates, key).map_err(|e| {
            format!(
                "tls.cert '{}' and tls.key '{}' cannot be used together: {e}",
                self.cert.display(),
                self.key.display()
            )
        })?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Arc::new(config))
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((
        metadata.dev(),
        metadata.ino(),
        metadata.len(),
        metadata.modified().ok(),
    ))
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let what = "certificates in PEM form";
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|e| unusable(setting, path, what, &in_words(&e)))?;
    if found.is_empty() {
        return Err(unusable(setting, path, what, &"it holds none"));
    }
    Ok(found)
}

/// A private key that others can read is one no more.
fn check_readers(path: &Path) -> Result<(), String> {
    let metadata = fs::metadata(path).map_err(|e| unusable("tls.key", path, "a file", &e))?;
    let mode = metadata.permissions().mode();
    if mode & ALL_CAN_READ != 0 {
        return Err(format!(
            "tls.key '{0}' can be read by every user of this machine: chmod 600 '{0}'",
            path.display()
        ));
    }
    if mode & GROUP_CAN_READ != 0 {
        tracing::warn!(
            "tls.key '{0}' can be read by its group; if that is not meant: chmod 600 '{0}'",
            path.display()
        );
    }
    Ok(())
}

/// The library's own words quote lines of the file, and that may be a key.
fn in_words(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(e) => e.to_string(),
        pem::Error::NoItemsFound => "it holds none".to_owned(),
        _ => "it is malformed".to_owned(),
    }
}

fn unusable(setting: &str, path: &Path, expected: &str, why: &dyn std::fmt::Display) -> String {
    format!("{setting} '{}' must be {expected}: {why}", path.display())
}
