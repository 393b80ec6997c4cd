//! A connection to a PostgreSQL server: read only, in one transaction, ended with its owner.

use std::error::Error as _;
use std::net::SocketAddr;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::ToSql;
use tokio_postgres::{CancelToken, Client, Config, CopyOutStream, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Error, ErrorKind};
use crate::place::{Kind, Place, Tls};
use crate::tls;

/// For the connection, the handshakes and the login together.
pub(crate) const CONNECT_TIME_MAX: Duration = Duration::from_secs(15);
/// For telling the server that its work is not needed any more.
pub(crate) const CANCEL_TIME_MAX: Duration = Duration::from_secs(5);

/// Dates and spans as they are read here, whatever the user's settings; nothing is written, not even by functions.
const BEGIN: &str = "BEGIN READ ONLY; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; \
    SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex'";

pub(super) struct Session {
    client: Client,
    cancel: CancelToken,
    tls: Option<MakeRustlsConnect>,
    host: String,
    server: String,
    /// The connection lives in it.
    driver: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Session {
    pub(super) async fn open(place: &Place, addresses: &[SocketAddr]) -> Result<Self, Error> {
        let late = || {
            Error::new(
                ErrorKind::Unreachable,
                format!(
                    "no login to {} at '{}' within {} s",
                    Kind::Postgres.name(),
                    place.server(),
                    CONNECT_TIME_MAX.as_secs()
                ),
            )
        };
        let session = tokio::time::timeout(CONNECT_TIME_MAX, Self::connect(place, addresses))
            .await
            .map_err(|_| late())??;
        session
            .client
            .batch_execute(BEGIN)
            .await
            .map_err(|error| session.error(&error))?;
        Ok(session)
    }

    async fn connect(place: &Place, addresses: &[SocketAddr]) -> Result<Self, Error> {
        let tcp = reach(place, addresses).await?;
        let mut config = Config::new();
        config
            .user(&place.user)
            .dbname(&place.database)
            .application_name("stagedoor");
        if let Some(password) = &place.password {
            config.password(password.expose_secret());
        }
        let failed = |error: tokio_postgres::Error| told(&error, &place.server());
        let (client, driver, tls) = match &place.tls {
            Tls::Off => {
                config.ssl_mode(SslMode::Disable);
                let (client, connection) = config.connect_raw(tcp, NoTls).await.map_err(failed)?;
                let driver = tokio::spawn(async move {
                    // Its end is told by what waits for it.
                    let _ = connection.await;
                });
                (client, driver, None)
            }
            Tls::On {
                roots,
                host_checked,
            } => {
                config.ssl_mode(SslMode::Require);
                let settings = tls::client(roots.as_deref(), *host_checked)?;
                let mut make = MakeRustlsConnect::new(settings);
                let connect = for_host(&mut make, &place.host)?;
                let (client, connection) =
                    config.connect_raw(tcp, connect).await.map_err(failed)?;
                let driver = tokio::spawn(async move {
                    let _ = connection.await;
                });
                (client, driver, Some(make))
            }
        };
        Ok(Self {
            cancel: client.cancel_token(),
            client,
            tls,
            host: place.host.clone(),
            server: place.server(),
            driver,
        })
    }

    pub(super) async fn query(
        &self,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let rows = self.client.query(statement, values).await;
        rows.map_err(|error| self.error(&error))
    }

    pub(super) async fn copy(
        &self,
        statement: &str,
    ) -> Result<CopyOutStream, tokio_postgres::Error> {
        self.client.copy_out(statement).await
    }

    /// Has the server end the statement that runs. Whether it does or not, the connection ends soon.
    pub(super) async fn cancel(&self, addresses: &[SocketAddr]) {
        let ask = async {
            let Some(address) = addresses.first() else {
                return;
            };
            let Ok(tcp) = TcpStream::connect(address).await else {
                return;
            };
            let _ = match &self.tls {
                None => self.cancel.cancel_query_raw(tcp, NoTls).await,
                Some(make) => match for_host(&mut make.clone(), &self.host) {
                    Ok(connect) => self.cancel.cancel_query_raw(tcp, connect).await,
                    Err(_) => Ok(()),
                },
            };
        };
        let _ = tokio::time::timeout(CANCEL_TIME_MAX, ask).await;
    }

    /// An error of this connection.
    pub(super) fn error(&self, error: &tokio_postgres::Error) -> Error {
        told(error, &self.server)
    }
}

fn for_host(
    make: &mut MakeRustlsConnect,
    host: &str,
) -> Result<<MakeRustlsConnect as MakeTlsConnect<TcpStream>>::TlsConnect, Error> {
    MakeTlsConnect::<TcpStream>::make_tls_connect(make, host).map_err(|_| {
        Error::new(
            ErrorKind::Tls,
            format!("'{host}' is no name that a certificate can have"),
        )
    })
}

/// The first of the addresses that takes a connection.
async fn reach(place: &Place, addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut why = "it has no address".to_owned();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => why = error.to_string(),
        }
    }
    Err(Error::new(
        ErrorKind::Unreachable,
        format!(
            "no connection to {} at '{}': {why}; check host, port and the network between",
            Kind::Postgres.name(),
            place.server()
        ),
    ))
}

/// The client's error, in words for the user.
fn told(error: &tokio_postgres::Error, server: &str) -> Error {
    let name = Kind::Postgres.name();
    if let Some(answer) = error.as_db_error() {
        let code = answer.code().code();
        let kind = match code {
            "3D000" | "42P01" | "42703" | "3F000" => ErrorKind::NotFound,
            "42501" => ErrorKind::Denied,
            _ if code.starts_with("28") => ErrorKind::Denied,
            _ if code.starts_with("57") || code.starts_with("08") || code.starts_with("53") => {
                ErrorKind::Lost
            }
            _ => ErrorKind::Invalid,
        };
        return Error::new(
            kind,
            format!(
                "{name} at '{server}' answers: {} ({code})",
                answer.message()
            ),
        );
    }
    let reason = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    let text = error.to_string();
    if text.contains("TLS") {
        return Error::new(
            ErrorKind::Tls,
            format!(
                "no trusted connection to {name} at '{server}': {reason}; have the server offer TLS with a certificate \
                 from a trusted issuer, name the issuer by 'sslrootcert', or set 'sslmode' = 'disable' where the network is trusted"
            ),
        );
    }
    let kind = if text.contains("authentication") || text.contains("password") {
        ErrorKind::Denied
    } else {
        ErrorKind::Lost
    };
    Error::new(
        kind,
        format!("the connection to {name} at '{server}' ended: {reason}"),
    )
}
