//! Where a live table is: a server, a login, a table in it, and how the connection is secured.

use secrecy::SecretString;

/// Which server speaks there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PostgreSQL, and what speaks its protocol and has its catalog.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
}

impl Kind {
    /// The port that such servers have when none is said.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::Mysql => 3306,
        }
    }

    /// Its name, as messages have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
        }
    }
}

/// A table of a server. Its `Debug` shows no password.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which server.
    pub kind: Kind,
    /// Its name or address, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// With what; none for servers that ask for none.
    pub password: Option<SecretString>,
    /// The database.
    pub database: String,
    /// The schema within it; PostgreSQL alone has them.
    pub schema: String,
    /// The table or view.
    pub table: String,
    /// Transport security.
    pub tls: Tls,
}

impl Place {
    /// `host:port`, for messages.
    pub(crate) fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The table as messages name it.
    pub(crate) fn shown(&self) -> String {
        match self.kind {
            Kind::Postgres => format!("{}.{}", self.schema, self.table),
            Kind::Mysql => format!("{}.{}", self.database, self.table),
        }
    }
}

/// How a connection is secured. There is no way to have a certificate that is not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all: what is sent can be read on its way.
    Off,
    /// By TLS, with a certificate from an issuer that is trusted.
    On {
        /// The issuers, as PEM; none stands for those that the operating system trusts.
        roots: Option<String>,
        /// Whether the certificate must be for the host; if not, only the issuer counts.
        host_checked: bool,
    },
}
