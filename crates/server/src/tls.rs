//! Transport security from PEM files, which are read again when they change. What is broken in them then
//! is logged, and the certificate before stays in use.

mod files;

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::server::TlsStream;
use x509_cert::der::Decode;

use crate::connections::ClientCertificate;
use crate::instance::OpenError;
use crate::settings::TlsSettings;
use files::Files;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// The server's certificate and what it asks of clients, as of the last good read of the files.
#[derive(Debug)]
pub(crate) struct Tls {
    files: Files,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files; `None` when the settings name none. Blocking.
    ///
    /// # Errors
    /// One cannot be read, holds something else, is open to all users, or does not fit the others.
    pub(crate) fn open(settings: &TlsSettings) -> Result<Option<Arc<Self>>, OpenError> {
        let Some(files) = Files::of(settings) else {
            return Ok(None);
        };
        let config = files.load().map_err(OpenError::new)?;
        Ok(Some(Arc::new(Self {
            files,
            config: RwLock::new(config),
        })))
    }

    /// Whether clients must present a certificate.
    pub(crate) fn is_mutual(&self) -> bool {
        self.files.client_ca.is_some()
    }

    /// Reads the files again whenever they have changed. Never ends.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut known = self.files.stamps();
        let mut seen = known.clone();
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let stamps = self.files.stamps();
            // Changed, and at rest since the last look: whoever replaces two files is done with both.
            if stamps == seen && stamps != known {
                known = stamps.clone();
                self.reload();
            }
            seen = stamps;
        }
    }

    fn reload(&self) {
        match self.files.load() {
            Ok(config) => {
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                tracing::info!(cert = %self.files.cert.display(), "read the changed TLS files; new connections use them");
            }
            Err(error) => {
                tracing::error!(
                    error,
                    "the TLS files have changed and cannot be used; the certificate before stays in use"
                );
            }
        }
    }

    /// For a port that speaks HTTP/1.1 only.
    fn config_for_http1(&self) -> Arc<ServerConfig> {
        let mut config = ServerConfig::clone(&self.config());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The server's side of a handshake before HTTP/1.1.
pub(crate) async fn handshake_for_http1(
    tls: &Tls,
    socket: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    TlsAcceptor::from(tls.config_for_http1())
        .accept(socket)
        .await
}

/// The server's side of a handshake that began within another protocol, which says itself what is spoken.
pub(crate) async fn handshake_within(
    tls: &Tls,
    socket: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let mut config = ServerConfig::clone(&tls.config());
    config.alpn_protocols.clear();
    TlsAcceptor::from(Arc::new(config)).accept(socket).await
}

/// The server's side of a handshake, and the client's certificate if one was asked for.
pub(crate) async fn handshake(
    tls: &Tls,
    socket: TcpStream,
) -> io::Result<(TlsStream<TcpStream>, Option<ClientCertificate>)> {
    let stream = TlsAcceptor::from(tls.config()).accept(socket).await?;
    let presented = stream.get_ref().1.peer_certificates();
    let certificate = presented
        .and_then(<[_]>::first)
        .map(client_certificate)
        .transpose()?;
    Ok((stream, certificate))
}

fn client_certificate(der: &CertificateDer<'_>) -> io::Result<ClientCertificate> {
    let certificate = x509_cert::Certificate::from_der(der).map_err(|e| {
        let why = format!("its certificate's subject cannot be read: {e}");
        io::Error::new(io::ErrorKind::InvalidData, why)
    })?;
    Ok(ClientCertificate {
        subject: certificate.tbs_certificate().subject().to_string(),
    })
}
