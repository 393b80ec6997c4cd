//! What an operation is on, by the names that the caller used. Whether it exists is not known yet.

use std::fmt;

/// The object of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    /// The caller's account as a whole, or nothing in particular.
    Account,
    /// Another account, by name.
    OtherAccount(String),
    /// A stage.
    Stage(String),
    /// A path on the server's own file system, or a URL, without a stage.
    Path(String),
    /// A database.
    Database(String),
    /// A table.
    Table {
        /// Its database.
        database: String,
        /// Its name.
        name: String,
    },
    /// An export, by its id.
    Export(String),
    /// A user.
    User(String),
    /// A role.
    Role(String),
    /// A token, by its id.
    Token(String),
    /// A session, by its id.
    Session(String),
}

/// As audit and log name it.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account => Ok(()),
            Self::OtherAccount(name)
            | Self::Stage(name)
            | Self::Path(name)
            | Self::Database(name)
            | Self::Export(name)
            | Self::User(name)
            | Self::Role(name)
            | Self::Token(name)
            | Self::Session(name) => f.write_str(name),
            Self::Table { database, name } => write!(f, "{database}.{name}"),
        }
    }
}
