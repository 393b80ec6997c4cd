//! A login to a MySQL server: over TCP to addresses that were looked up, read only, in UTC.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, IoError, Opts, OptsBuilder, SslOpts};
use secrecy::ExposeSecret;

use crate::error::{Error, ErrorKind};
use crate::place::{Kind, Place, Tls};
use crate::tls;

/// For the connection, the handshakes and the login together.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(15);
/// For telling the server that its work is not needed any more.
const KILL_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest row.
const ROW_BYTES_MAX: usize = 64 << 20;
/// Seconds; a value that only says that nobody need ask the server for its own.
const WAIT_SECONDS: usize = 28_800;

/// Times in UTC; nothing is written, not even by functions; and a reader that waits for its own place of writing
/// is waited for.
const SETUP: &str =
    "SET SESSION time_zone = '+00:00', SESSION net_write_timeout = 3600, SESSION sql_mode = ''";
const READ_ONLY: &str = "SET SESSION TRANSACTION READ ONLY";

pub(super) struct Login {
    options: Opts,
    server: String,
}

impl Login {
    pub(super) fn new(place: &Place, addresses: &[SocketAddr]) -> Result<Self, Error> {
        let ips: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
        let port = addresses.first().map_or(place.port, SocketAddr::port);
        let tls = match &place.tls {
            Tls::Off => None,
            // The client knows no check of the issuer alone.
            Tls::On {
                host_checked: false,
                ..
            } => {
                return Err(Error::new(
                    ErrorKind::Tls,
                    "MySQL's certificates are checked for the host as well: 'verify-ca' is not possible",
                ));
            }
            Tls::On {
                roots,
                host_checked: true,
            } => {
                let issuers = tls::issuers(roots.as_deref())?;
                let issuers = issuers
                    .into_iter()
                    .map(|certificate| certificate.as_ref().to_vec().into())
                    .collect();
                Some(
                    SslOpts::default()
                        .with_root_certs(issuers)
                        .with_disable_built_in_roots(true),
                )
            }
        };
        let password = place.password.as_ref();
        let options = OptsBuilder::default()
            .ip_or_hostname(&place.host)
            .resolved_ips(Some(ips))
            .tcp_port(port)
            .user(Some(&place.user))
            .pass(password.map(|password| password.expose_secret().to_owned()))
            .db_name(Some(&place.database))
            // A socket of this machine is not where the host is.
            .prefer_socket(Some(false))
            .stmt_cache_size(Some(0))
            .max_allowed_packet(Some(ROW_BYTES_MAX))
            .wait_timeout(Some(WAIT_SECONDS))
            .ssl_opts(tls)
            .into();
        Ok(Self {
            options,
            server: place.server(),
        })
    }

    pub(super) async fn connect(&self) -> Result<Conn, Error> {
        let login = async {
            let mut connection = Conn::new(self.options.clone()).await?;
            connection.query_drop(SETUP).await?;
            connection.query_drop(READ_ONLY).await?;
            Ok(connection)
        };
        match tokio::time::timeout(CONNECT_TIME_MAX, login).await {
            Ok(connection) => connection.map_err(|error| self.error(&error)),
            Err(_) => Err(Error::new(
                ErrorKind::Unreachable,
                format!(
                    "no login to {} at '{}' within {} s",
                    Kind::Mysql.name(),
                    self.server,
                    CONNECT_TIME_MAX.as_secs()
                ),
            )),
        }
    }

    /// Has the server end a connection of ours with what it does.
    pub(super) async fn kill(&self, id: u32) {
        let ask = async {
            if let Ok(mut connection) = Conn::new(self.options.clone()).await {
                let _ = connection.query_drop(format!("KILL {id}")).await;
                let _ = connection.disconnect().await;
            }
        };
        let _ = tokio::time::timeout(KILL_TIME_MAX, ask).await;
    }

    /// The client's error, in words for the user.
    pub(super) fn error(&self, error: &mysql_async::Error) -> Error {
        let (name, server) = (Kind::Mysql.name(), &self.server);
        match error {
            mysql_async::Error::Server(answer) => {
                let kind = match answer.code {
                    1049 | 1054 | 1146 => ErrorKind::NotFound,
                    1044 | 1045 | 1142 | 1143 | 1227 | 1698 => ErrorKind::Denied,
                    // Killed, shut down, too many connections.
                    1040 | 1053 | 1077 | 1203 | 1317 | 1927 => ErrorKind::Lost,
                    _ => ErrorKind::Invalid,
                };
                Error::new(
                    kind,
                    format!(
                        "{name} at '{server}' answers: {} ({})",
                        answer.message, answer.code
                    ),
                )
            }
            mysql_async::Error::Io(IoError::Tls(reason)) => self.untrusted(&reason.to_string()),
            mysql_async::Error::Io(IoError::Io(reason)) => {
                let inner = reason.get_ref();
                if inner.is_some_and(|inner| inner.is::<tokio_rustls::rustls::Error>()) {
                    return self.untrusted(&reason.to_string());
                }
                let refused = matches!(
                    reason.kind(),
                    std::io::ErrorKind::ConnectionRefused
                        | std::io::ErrorKind::HostUnreachable
                        | std::io::ErrorKind::NetworkUnreachable
                        | std::io::ErrorKind::TimedOut
                );
                if refused {
                    return Error::new(
                        ErrorKind::Unreachable,
                        format!(
                            "no connection to {name} at '{server}': {reason}; check host, port and the network between"
                        ),
                    );
                }
                Error::new(
                    ErrorKind::Lost,
                    format!("the connection to {name} at '{server}' ended: {reason}"),
                )
            }
            mysql_async::Error::Driver(mysql_async::DriverError::NoClientSslFlagFromServer) => {
                self.untrusted("the server does not offer TLS")
            }
            other => Error::new(
                ErrorKind::Lost,
                format!("the connection to {name} at '{server}' ended: {other}"),
            ),
        }
    }

    fn untrusted(&self, reason: &str) -> Error {
        Error::new(
            ErrorKind::Tls,
            format!(
                "no trusted connection to {} at '{}': {reason}; have the server offer TLS with a certificate \
                 from a trusted issuer, name the issuer by 'sslrootcert', or set 'sslmode' = 'disable' where the network is trusted",
                Kind::Mysql.name(),
                self.server
            ),
        )
    }
}
