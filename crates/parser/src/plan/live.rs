//! The plan of a table that another server has.

use crate::plan::credentials::CredentialValue;
use crate::plan::table::{ColumnDef, TableName};
use crate::span::Spanned;

/// `CREATE EXTERNAL TABLE … FROM POSTGRES|MYSQL {'host'='…', …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateLiveTable {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The table's name.
    pub table: TableName,
    /// The columns; empty when they are to be asked of the server.
    pub columns: Vec<ColumnDef>,
    /// Where its rows are.
    pub source: LiveSource,
}

/// `POSTGRES|MYSQL {'key'='value', …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSource {
    /// Which server.
    pub server: LiveServer,
    /// Its options, each meaning at most once.
    pub options: Vec<LiveOption>,
}

impl LiveSource {
    /// The value of `key`; `None` where it is not given.
    pub fn get(&self, key: LiveKey) -> Option<&LiveOption> {
        self.options.iter().find(|option| option.key.value == key)
    }
}

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveServer {
    /// `POSTGRES`, `POSTGRESQL`.
    Postgres,
    /// `MYSQL`, `MARIADB`.
    Mysql,
}

impl LiveServer {
    /// The keyword.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "POSTGRES",
            Self::Mysql => "MYSQL",
        }
    }
}

/// One `'key'='value'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOption {
    /// What it means.
    pub key: Spanned<LiveKey>,
    /// The value. Printed, that of a secret key is masked.
    pub value: CredentialValue,
}

/// What an option's key means, whichever of its spellings was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LiveKey {
    /// `host`.
    Host,
    /// `port`.
    Port,
    /// `user`, `username`.
    User,
    /// `password`.
    Password,
    /// `database`, `dbname`.
    Database,
    /// `schema`.
    Schema,
    /// `table`.
    Table,
    /// `sslmode`, `ssl_mode`, `ssl-mode`.
    SslMode,
    /// `sslrootcert`, `ssl_ca`, `ssl-ca`: the issuers' certificates as PEM.
    SslRootCert,
}

impl LiveKey {
    /// Every spelling; the first of a key is the one to store it under.
    pub const NAMES: &[(&str, LiveKey)] = &[
        ("host", LiveKey::Host),
        ("port", LiveKey::Port),
        ("user", LiveKey::User),
        ("username", LiveKey::User),
        ("password", LiveKey::Password),
        ("database", LiveKey::Database),
        ("dbname", LiveKey::Database),
        ("schema", LiveKey::Schema),
        ("table", LiveKey::Table),
        ("sslmode", LiveKey::SslMode),
        ("ssl_mode", LiveKey::SslMode),
        ("ssl-mode", LiveKey::SslMode),
        ("sslrootcert", LiveKey::SslRootCert),
        ("ssl_ca", LiveKey::SslRootCert),
        ("ssl-ca", LiveKey::SslRootCert),
    ];

    /// The key spelled `name`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, key)| *key)
    }

    /// The spelling to store it under.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Port => "port",
            Self::User => "user",
            Self::Password => "password",
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::SslMode => "sslmode",
            Self::SslRootCert => "sslrootcert",
        }
    }

    /// Whether its value gives access and must never be shown.
    pub fn is_secret(self) -> bool {
        match self {
            Self::Password => true,
            Self::Host
            | Self::Port
            | Self::User
            | Self::Database
            | Self::Schema
            | Self::Table
            | Self::SslMode
            | Self::SslRootCert => false,
        }
    }
}
