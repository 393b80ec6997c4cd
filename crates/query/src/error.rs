//! The one error type of this crate: a coarse kind, a message for the user,
//! and for INSERT the rule that a value broke.

mod translate;

use std::sync::Arc;

pub(crate) use translate::{
    from_arrow, from_datafusion, from_parquet, from_parser, list, of_store,
};

/// What went wrong, coarsely: enough for the caller to choose a status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not SQL.
    Syntax,
    /// A table, column or function that is not there.
    NotFound,
    /// The text is SQL, but means nothing here, or a value does not fit.
    Invalid,
    /// A construct of MySQL that is not supported.
    Unsupported,
    /// A memory or disk limit was reached.
    ResourcesExhausted,
    /// The query took longer than it may.
    TimeLimit,
    /// A recursive common table expression went on for more rounds than `cte_max_recursion_depth`.
    RecursionLimit,
    /// Nobody waits for the query's rows any more.
    Cancelled,
    /// A file could not be read or written.
    Io,
    /// A table's own file is not what was written.
    DataLoss,
    /// A defect of this program.
    Internal,
}

/// The rule of INSERT that a statement or value broke; MySQL's error numbers are in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// `Incorrect integer value: 'x' for column 'c' at row n` (1366; 1292 for dates and times).
    IncorrectValue,
    /// `Out of range value for column 'c' at row n` (1264).
    OutOfRange,
    /// `Column 'c' cannot be null` (1048).
    NullValue,
    /// `Data too long for column 'c' at row n` (1406).
    TooLong,
    /// `Column count doesn't match value count at row n` (1136).
    ColumnCount,
    /// `Unknown column 'c' in 'field list'` (1054).
    UnknownColumn,
    /// `Column 'c' specified twice` (1110).
    ColumnTwice,
    /// `Field 'c' doesn't have a default value` (1364).
    NoDefault,
    /// `Invalid JSON text: "…" at position p in value for column 'c'` (3140).
    InvalidJson,
    /// `Invalid default value for 'c'` (1067).
    InvalidDefault,
}

/// Where in the statement's text an error is, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: u64,
    /// Column, in characters.
    pub column: u64,
}

/// An error of this crate. Its text is meant for the user and holds no secrets.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    violation: Option<Violation>,
    position: Option<Position>,
    /// It comes from the bytes of a file that it does not name.
    wants_file: bool,
    /// The column that a value of it was for.
    column: Option<Arc<str>>,
    #[source]
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            violation: None,
            position: None,
            wants_file: false,
            column: None,
            source: None,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    pub(crate) fn violation_of(violation: Violation, message: impl Into<String>) -> Self {
        Self {
            violation: Some(violation),
            ..Self::invalid(message)
        }
    }

    pub(crate) fn at(mut self, line: u64, column: u64) -> Self {
        if line > 0 {
            self.position = Some(Position { line, column });
        }
        self
    }

    pub(crate) fn because(
        mut self,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The same of a cause whose type is not known.
    pub(crate) fn because_of(mut self, source: Box<dyn std::error::Error + Send + Sync>) -> Self {
        self.source = Some(Arc::from(source));
        self
    }

    /// The first of its causes that is a `T`.
    pub fn cause<T: std::error::Error + 'static>(&self) -> Option<&T> {
        translate::cause(self)
    }

    pub(crate) fn in_file(mut self, path: &str, line: u64) -> Self {
        self.message = format!("{} (file '{path}', line {line})", self.message);
        self
    }

    /// The error with more before its text.
    pub(crate) fn before(mut self, place: &str) -> Self {
        self.message.insert_str(0, place);
        self
    }

    /// The error with more behind its text.
    pub(crate) fn with_detail(mut self, detail: &str) -> Self {
        self.message.push_str(detail);
        self
    }

    pub(crate) fn of_column(mut self, name: &str) -> Self {
        self.column = Some(name.into());
        self
    }

    pub(crate) fn of_a_file(mut self) -> Self {
        self.wants_file = true;
        self
    }

    pub(crate) fn wants_file(&self) -> bool {
        self.wants_file
    }

    pub(crate) fn of_files(mut self, names: &str) -> Self {
        self.message = format!("{} (reading {names})", self.message);
        self.wants_file = false;
        self
    }

    /// What went wrong, coarsely.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The rule of INSERT that was broken, if it was one.
    #[must_use]
    pub fn violation(&self) -> Option<Violation> {
        self.violation
    }

    /// The column whose value it is about, where it is about one.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    /// Where in the statement, when known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// Whether the same statement may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self.kind, ErrorKind::ResourcesExhausted | ErrorKind::Io)
    }
}
