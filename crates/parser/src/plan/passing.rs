//! Plans of what clients of MySQL say in passing: transactions, and questions about the server.

use crate::plan::table::TableName;
use crate::span::Spanned;

/// A statement about transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transaction {
    /// `BEGIN`, `START TRANSACTION`.
    Begin,
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`.
    Rollback,
    /// `SET TRANSACTION …`: how the next ones are to be.
    Characteristics,
}

impl Transaction {
    /// The statement in its shortest form, which is its verb.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::Characteristics => "SET TRANSACTION",
        }
    }
}

/// What a SHOW is about that tells of the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Its variables.
    Variables,
    /// Its counters.
    Status,
    /// Its storage engines.
    Engines,
    /// Its plugins.
    Plugins,
    /// Its collations.
    Collation,
    /// Its character sets.
    CharacterSet,
}

impl Topic {
    /// The statement without LIKE, which is its verb.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Variables => "SHOW VARIABLES",
            Self::Status => "SHOW STATUS",
            Self::Engines => "SHOW ENGINES",
            Self::Plugins => "SHOW PLUGINS",
            Self::Collation => "SHOW COLLATION",
            Self::CharacterSet => "SHOW CHARACTER SET",
        }
    }
}

/// `SHOW VARIABLES [LIKE 'pattern']` and its like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowServer {
    /// What it is about.
    pub topic: Topic,
    /// `LIKE 'pattern'`.
    pub like: Option<Spanned<String>>,
}

/// `SHOW INDEX FROM t`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowIndex {
    /// The table.
    pub table: TableName,
}
