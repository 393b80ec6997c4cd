//! The server's one error: what a client is told, whatever protocol it speaks.
//! A closed [`Reason`] for programs, MySQL code and SQLSTATE, and the text for people.

use std::fmt;
use std::sync::Arc;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a statement or call failed; the closed list of docs/errors.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The statement does not parse, is too long or too deeply nested.
    SyntaxError,
    /// A stage of that name exists.
    StageExists,
    /// There is no stage of that name.
    StageNotFound,
    /// The stage is disabled.
    StageDisabled,
    /// A stage is enabled, and the target is not a stage path.
    StageRequired,
    /// Something depends on the stage: a sub-stage or a running export.
    StageInUse,
    /// The stage changed since the caller read it.
    StageVersionConflict,
    /// The stage's URL or options are not valid.
    StageInvalid,
    /// ALTER STAGE … SET takes exactly one option.
    StageOptionCount,
    /// The caller, or the server's policy, does not permit it.
    PermissionDenied,
    /// The target or one of its files exists.
    TargetExists,
    /// The target's path is not valid.
    TargetInvalid,
    /// An option's value, or a combination of options, is not valid.
    OptionInvalid,
    /// A database of that name exists.
    DatabaseExists,
    /// There is no database of that name.
    DatabaseNotFound,
    /// A table of that name exists.
    TableExists,
    /// There is no table of that name.
    TableNotFound,
    /// There is no column of that name.
    ColumnNotFound,
    /// A value does not fit its column.
    ValueInvalid,
    /// The query does not make sense.
    QueryInvalid,
    /// A file to read is not there, or is not what it should be.
    FileInvalid,
    /// There is no export of that id.
    ExportNotFound,
    /// The export was cancelled.
    ExportCancelled,
    /// The export has ended or has gone too far for what was asked.
    ExportState,
    /// There is no session of that id; it may have been idle for too long.
    SessionNotFound,
    /// A limit of the server was reached.
    LimitExceeded,
    /// A file system is full.
    StorageFull,
    /// A file system failed, or a folder is missing or not writable.
    StorageFailed,
    /// The server is stopping.
    ShuttingDown,
    /// The catalog takes no changes since a write to it failed.
    CatalogReadOnly,
    /// The catalog or a data file is damaged.
    DataLoss,
    /// Not part of this version.
    NotImplemented,
    /// Deliberately not offered.
    NotSupported,
    /// A defect of the server.
    Internal,
}

/// What a client is told.
#[derive(Debug, Clone)]
pub struct Error {
    reason: Reason,
    code: u16,
    sqlstate: &'static str,
    message: String,
    retryable: bool,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with everything said; `message` is complete, prefix included.
    pub(crate) fn new(
        reason: Reason,
        code: u16,
        sqlstate: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            code,
            sqlstate,
            message: message.into(),
            retryable: false,
            source: None,
        }
    }

    /// MatrixOne's code 20101: `internal error: …`, which it also uses for much that is no defect.
    pub(crate) fn internal(reason: Reason, text: impl fmt::Display) -> Self {
        Self::new(reason, 20101, "HY000", format!("internal error: {text}"))
    }

    /// Code 20102: `… is not yet implemented`.
    pub(crate) fn not_implemented(what: impl fmt::Display) -> Self {
        Self::new(
            Reason::NotImplemented,
            20102,
            "HY000",
            format!("{what} is not yet implemented"),
        )
    }

    /// Code 20105: `not supported: …`.
    pub(crate) fn not_supported(text: impl fmt::Display) -> Self {
        Self::new(
            Reason::NotSupported,
            20105,
            "HY000",
            format!("not supported: {text}"),
        )
    }

    /// Code 20300: `invalid configuration: …`.
    pub(crate) fn invalid_configuration(reason: Reason, text: impl fmt::Display) -> Self {
        Self::new(
            reason,
            20300,
            "HY000",
            format!("invalid configuration: {text}"),
        )
    }

    /// Code 20301: `invalid input: …`.
    pub(crate) fn invalid_input(reason: Reason, text: impl fmt::Display) -> Self {
        Self::new(reason, 20301, "HY000", format!("invalid input: {text}"))
    }

    /// A defect, or something that cannot happen: the text goes to the client, the rest to the log.
    pub(crate) fn defect(text: impl fmt::Display) -> Self {
        Self::internal(Reason::Internal, text)
    }

    pub(crate) fn with_source(
        mut self,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn retryable(mut self, retryable: bool) -> Self {
        self.retryable = retryable;
        self
    }

    /// Puts `what: ` before the text that follows the code's own prefix.
    pub(crate) fn within(mut self, what: impl fmt::Display) -> Self {
        let prefixes = [
            "internal error: ",
            "invalid configuration: ",
            "invalid input: ",
            "not supported: ",
        ];
        let prefix = prefixes
            .iter()
            .find(|prefix| self.message.starts_with(**prefix))
            .copied()
            .unwrap_or_default();
        self.message = format!("{prefix}{what}: {}", &self.message[prefix.len()..]);
        self
    }

    /// Why, for programs.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// MySQL's or MatrixOne's number.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Five characters.
    pub fn sqlstate(&self) -> &'static str {
        self.sqlstate
    }

    /// The text for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same call may succeed a little later.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }
}

/// The governance rule's refusal, in the original document's words.
pub(crate) fn stage_required() -> Error {
    Error::internal(
        Reason::StageRequired,
        "stage exists, please try to check and use a stage instead",
    )
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ERROR {} ({}): {}",
            self.code, self.sqlstate, self.message
        )
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

impl From<parser::ParseError> for Error {
    fn from(error: parser::ParseError) -> Self {
        // 1064 with SQLSTATE HY000, as MatrixOne sends it.
        Self::new(Reason::SyntaxError, 1064, "HY000", error.to_string()).with_source(error)
    }
}

impl From<catalog::Error> for Error {
    fn from(error: catalog::Error) -> Self {
        use catalog::ErrorKind as Kind;
        let message = error.to_string();
        let mapped = match error.kind() {
            Kind::AlreadyExists => Self::internal(Reason::StageExists, &message),
            Kind::NotFound => Self::internal(Reason::StageNotFound, &message),
            Kind::Conflict => {
                Self::internal(Reason::StageVersionConflict, &message).retryable(true)
            }
            Kind::InUse => Self::internal(Reason::StageInUse, &message),
            Kind::Invalid => Self::internal(Reason::StageInvalid, &message),
            Kind::ReadOnly => Self::new(
                Reason::CatalogReadOnly,
                1290,
                "HY000",
                format!("the catalog takes no changes: {message}"),
            ),
            Kind::Corrupt => Self::internal(Reason::DataLoss, &message),
            Kind::Unsupported => Self::not_supported(&message),
            Kind::Io | Kind::Locked => Self::internal(Reason::StorageFailed, &message),
            _ => Self::defect(&message),
        };
        mapped.with_source(error)
    }
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        use storage::ErrorKind as Kind;
        let message = error.to_string();
        let mapped = match error.kind() {
            Kind::Invalid => Self::new(
                Reason::TargetInvalid,
                20411,
                "HY000",
                format!("invalid file path: {message}"),
            ),
            Kind::NotFound => Self::new(Reason::StorageFailed, 20405, "HY000", message),
            Kind::AlreadyExists => Self::new(Reason::TargetExists, 20406, "HY000", message),
            Kind::PermissionDenied => Self::new(
                Reason::PermissionDenied,
                20101,
                "HY000",
                format!("internal error: {message}"),
            ),
            Kind::NoSpace => Self::new(Reason::StorageFull, 1021, "HY000", message),
            Kind::Unsupported => Self::not_supported(&message),
            Kind::Io => Self::new(Reason::StorageFailed, 1815, "HY000", message),
            _ => Self::defect(&message),
        };
        mapped.retryable(error.is_temporary()).with_source(error)
    }
}
