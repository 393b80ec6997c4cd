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

/// Which rows a SHOW shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShowFilter {
    /// `LIKE 'pattern'`: those whose name, the first column, is like that.
    Like(Spanned<String>),
    /// `WHERE condition`: those for which an expression over the columns of the SHOW is true. Its text as it stands,
    /// whose brackets match.
    Where(Spanned<String>),
}

/// `SHOW WARNINGS`, `SHOW ERRORS`: what the statement before had to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShowDiagnostics {
    /// `ERRORS`: nothing but errors.
    pub only_errors: bool,
    /// Which of them.
    pub shown: ShownDiagnostics,
}

/// What a [`ShowDiagnostics`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownDiagnostics {
    /// `COUNT(*)`: how many there are.
    Count,
    /// Them, without the first `offset` and no more than `rows`.
    Rows {
        /// `LIMIT offset, rows`; 0 where it is not given.
        offset: u64,
        /// `LIMIT rows`; all where it is not given.
        rows: Option<u64>,
    },
}

impl ShowDiagnostics {
    /// The statement without its bounds, which is its verb.
    pub fn verb(self) -> &'static str {
        match self.only_errors {
            false => "SHOW WARNINGS",
            true => "SHOW ERRORS",
        }
    }
}

/// `SHOW VARIABLES [LIKE 'pattern' | WHERE condition]` and its like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowServer {
    /// What it is about.
    pub topic: Topic,
    /// Which of them.
    pub filter: Option<ShowFilter>,
}

/// `SHOW INDEX FROM t`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowIndex {
    /// The table.
    pub table: TableName,
    /// `WHERE condition`.
    pub condition: Option<Spanned<String>>,
}
