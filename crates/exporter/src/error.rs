//! The crate's errors: `EncodeError` for a value, a type or an option, `ExportError` for a whole export.
//! Each has a coarse kind that tells the caller whom to turn to.

use std::error::Error;

/// What is wrong with a schema, an option or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// Options that clash, or name a column or zone that does not exist. Known before the first byte.
    InvalidOptions,
    /// A column type that has no text form. Known before the first byte.
    UnsupportedType,
    /// A batch whose columns are not those of the schema.
    SchemaMismatch,
    /// A value that could not be told apart from another, or has no text.
    Value,
}

/// An option, a type or a value that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct EncodeError {
    kind: EncodeErrorKind,
    row: Option<u64>,
    column: Option<String>,
    reason: String,
}

impl EncodeError {
    pub(crate) fn options(reason: String) -> Self {
        Self {
            kind: EncodeErrorKind::InvalidOptions,
            row: None,
            column: None,
            reason,
        }
    }

    pub(crate) fn unsupported(column: &str, reason: String) -> Self {
        let column = Some(column.to_owned());
        Self {
            kind: EncodeErrorKind::UnsupportedType,
            row: None,
            column,
            reason,
        }
    }

    pub(crate) fn mismatch(reason: String) -> Self {
        Self {
            kind: EncodeErrorKind::SchemaMismatch,
            row: None,
            column: None,
            reason,
        }
    }

    pub(crate) fn value(row: u64, column: &str, reason: String) -> Self {
        let column = Some(column.to_owned());
        Self {
            kind: EncodeErrorKind::Value,
            row: Some(row),
            column,
            reason,
        }
    }

    /// Rows that cannot be written, without a place.
    pub(crate) fn refused(reason: String) -> Self {
        Self {
            kind: EncodeErrorKind::Value,
            row: None,
            column: None,
            reason,
        }
    }

    /// The coarse kind.
    pub fn kind(&self) -> EncodeErrorKind {
        self.kind
    }

    /// The row, counted from 0 over the whole export, where one value is to blame.
    pub fn row(&self) -> Option<u64> {
        self.row
    }

    /// The column's name, where one column is to blame.
    pub fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    /// What is wrong, without the place.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    fn text(&self) -> String {
        match (self.row, &self.column) {
            (Some(row), Some(column)) => {
                format!("row {} of column '{column}': {}", row + 1, self.reason)
            }
            (_, Some(column)) => format!("column '{column}': {}", self.reason),
            _ => self.reason.clone(),
        }
    }
}

/// Where an export failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportErrorKind {
    /// The stream of batches gave an error.
    Source,
    /// A value, type or option could not be written; the source is an [`EncodeError`].
    Encode,
    /// The sink refused to open, take or finish a part; the source is an [`std::io::Error`].
    Sink,
    /// A defect: a panic in one of the exporter's threads, or a thread that could not be started.
    Internal,
}

/// An export that failed. Its unfinished part has been aborted.
#[derive(Debug, thiserror::Error)]
#[error("{context}: {source}")]
pub struct ExportError {
    kind: ExportErrorKind,
    context: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

impl ExportError {
    pub(crate) fn source(error: Box<dyn Error + Send + Sync>) -> Self {
        Self {
            kind: ExportErrorKind::Source,
            context: "the source of the rows failed",
            source: error,
        }
    }

    pub(crate) fn sink(context: &'static str, error: std::io::Error) -> Self {
        Self {
            kind: ExportErrorKind::Sink,
            context,
            source: Box::new(error),
        }
    }

    pub(crate) fn too_many_files(most: usize) -> Self {
        EncodeError::options(format!(
            "the export would have more than {most} files; a larger SPLITSIZE makes fewer"
        ))
        .into()
    }

    pub(crate) fn internal(context: &'static str, message: String) -> Self {
        Self {
            kind: ExportErrorKind::Internal,
            context,
            source: message.into(),
        }
    }

    /// The coarse kind.
    pub fn kind(&self) -> ExportErrorKind {
        self.kind
    }

    /// The encoder's error, when the kind is [`ExportErrorKind::Encode`].
    pub fn encode_error(&self) -> Option<&EncodeError> {
        self.source.downcast_ref()
    }
}

impl From<EncodeError> for ExportError {
    fn from(error: EncodeError) -> Self {
        Self {
            kind: ExportErrorKind::Encode,
            context: "cannot write the rows",
            source: Box::new(error),
        }
    }
}
