//! The server's one error: what a client is told, whatever protocol it speaks.
//! A closed [`Reason`] for programs, MySQL code and SQLSTATE, and the text for people.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
    /// The stage's policy does not permit it.
    PolicyDenied,
    /// Something depends on the stage: a sub-stage or a running export.
    StageInUse,
    /// The stage changed since the caller read it.
    StageVersionConflict,
    /// The stage's URL or options are not valid.
    StageInvalid,
    /// ALTER STAGE … SET takes exactly one option.
    StageOptionCount,
    /// The login, password or token is not right, or not valid any more.
    Unauthenticated,
    /// Too many failed logins of late.
    LoginThrottled,
    /// The role was not granted to the user, or no longer is.
    RoleNotGranted,
    /// The caller, or the server's policy, does not permit it.
    PermissionDenied,
    /// An account of that name exists.
    AccountExists,
    /// There is no account of that name.
    AccountNotFound,
    /// A user of that name exists.
    UserExists,
    /// There is no user of that name.
    UserNotFound,
    /// A role of that name exists.
    RoleExists,
    /// There is no role of that name.
    RoleNotFound,
    /// There is no token of that id.
    TokenNotFound,
    /// An account, user or role cannot go now: something runs, or nobody would be left to administer.
    IdentityInUse,
    /// An account, user or role changed since the caller read it.
    IdentityVersionConflict,
    /// A secret cannot be sealed or opened: the server key is missing or another one.
    SecretUnavailable,
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
    /// There is no file of that name in the stage, or none that matches.
    FileNotFound,
    /// The file is no longer the one that the caller began with.
    FileChanged,
    /// A file's bytes are not those that their sender means.
    ChecksumMismatch,
    /// There is no export of that id.
    ExportNotFound,
    /// The id that a client gave an export is that of another statement's.
    ExportIdReused,
    /// The export was cancelled.
    ExportCancelled,
    /// The export has ended or has gone too far for what was asked.
    ExportState,
    /// There is no session of that id; it may have been idle for too long.
    SessionNotFound,
    /// The statement was killed.
    StatementKilled,
    /// The statement ran for longer than it may.
    StatementTimeout,
    /// A limit of the server was reached.
    LimitExceeded,
    /// A file system is full.
    StorageFull,
    /// A file system failed, or a folder is missing or not writable.
    StorageFailed,
    /// The store of a stage refused the stage's credentials, or what they may do.
    StoreRefused,
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

impl Reason {
    /// Whether somebody was refused what another may do, or what a policy of the server forbids.
    fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::PermissionDenied | Self::StageRequired | Self::PolicyDenied
        )
    }
}

/// What a client is told of a defect whose own text is not for it.
const DEFECT_TOLD: &str =
    "internal error: a defect of the server; its log has more under this request's id";

/// What a client is told.
#[derive(Debug, Clone)]
pub struct Error {
    reason: Reason,
    code: u16,
    sqlstate: &'static str,
    message: String,
    /// How much of the message is its code's own prefix, such as `internal error: `.
    prefix_bytes: usize,
    /// What clients are told instead of the message, which is for the operator: it may name places of the server.
    told: Option<&'static str>,
    /// Whether the audit has it already.
    audited: bool,
    retryable: bool,
    retry_after: Option<Duration>,
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
            message: masked_urls(message.into()),
            prefix_bytes: 0,
            told: None,
            audited: false,
            retryable: false,
            retry_after: None,
            source: None,
        }
    }

    /// MatrixOne's code 20101: `internal error: …`, which it also uses for much that is no defect.
    pub(crate) fn internal(reason: Reason, text: impl fmt::Display) -> Self {
        Self::prefixed(reason, 20101, "internal error: ", text)
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
        Self::prefixed(Reason::NotSupported, 20105, "not supported: ", text)
    }

    /// Code 20300: `invalid configuration: …`.
    pub(crate) fn invalid_configuration(reason: Reason, text: impl fmt::Display) -> Self {
        Self::prefixed(reason, 20300, "invalid configuration: ", text)
    }

    /// Code 20301: `invalid input: …`.
    pub(crate) fn invalid_input(reason: Reason, text: impl fmt::Display) -> Self {
        Self::prefixed(reason, 20301, "invalid input: ", text)
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

    /// Puts `what: ` before the text that follows the code's own prefix, unless it begins so already.
    pub(crate) fn within(mut self, what: impl fmt::Display) -> Self {
        let what = format!("{what}: ");
        let text = self.message.get(self.prefix_bytes..).unwrap_or_default();
        if !text.starts_with(&what) {
            self.message
                .insert_str(self.prefix_bytes, &masked_urls(what));
        }
        self
    }

    /// Keeps the message from clients, who are told this.
    fn telling_clients(mut self, told: &'static str) -> Self {
        self.told = Some(told);
        self
    }

    /// What clients are told where the message is for the operator alone, who finds it in the log.
    pub(crate) fn told(&self) -> Option<&'static str> {
        self.told
    }

    /// Says that the audit has it.
    pub(crate) fn audited(mut self) -> Self {
        self.audited = true;
        self
    }

    /// Whether the audit has it already.
    pub(crate) fn is_audited(&self) -> bool {
        self.audited
    }

    /// Whether it is a refusal that the audit has yet to get.
    pub(crate) fn is_unaudited_refusal(&self) -> bool {
        !self.audited && self.reason.is_refusal()
    }

    /// Whether it sends somebody away who may not, or may no longer, come in: no failure of the server's own.
    pub(crate) fn sends_away(&self) -> bool {
        matches!(
            self.reason,
            Reason::Unauthenticated | Reason::RoleNotGranted | Reason::PermissionDenied
        )
    }

    /// That the same call may succeed after this time.
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retryable = true;
        self.retry_after = Some(wait);
        self
    }

    fn prefixed(reason: Reason, code: u16, prefix: &'static str, text: impl fmt::Display) -> Self {
        let mut error = Self::new(reason, code, "HY000", format!("{prefix}{text}"));
        error.prefix_bytes = prefix.len();
        error
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

    /// After how long it may, where that is known.
    pub fn retry_after_hint(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// The text without the passwords and signatures of URLs in it, which a name or a path that was given may have.
pub(crate) fn masked_urls(text: String) -> String {
    const MASK: &str = "******";
    const SIGNED: [&str; 3] = ["signature=", "token=", "sig="];
    if !text.contains("://") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        out.push_str(before);
        let end = url
            .find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '<' | '>'))
            .unwrap_or(url.len());
        let (url, behind) = url.split_at(end);
        let host = url.find(['/', '?']).unwrap_or(url.len());
        let first = url.get(..host).unwrap_or_default();
        // A secret may hold a slash: then what is behind the `:` is no port.
        let is_secret = first
            .split_once(':')
            .is_some_and(|(_, port)| !port.bytes().all(|b| b.is_ascii_digit()));
        let user = first
            .rfind('@')
            .or_else(|| url.rfind('@').filter(|_| is_secret));
        let from = user.map_or(0, |at| {
            out.push_str(MASK);
            at
        });
        let query = url.find('?').filter(|&at| at >= from).filter(|&at| {
            let query = url.get(at..).unwrap_or_default().to_ascii_lowercase();
            SIGNED.iter().any(|word| query.contains(word))
        });
        out.push_str(
            url.get(from..query.unwrap_or(url.len()))
                .unwrap_or_default(),
        );
        if query.is_some() {
            out.push('?');
            out.push_str(MASK);
        }
        rest = behind;
    }
    out.push_str(rest);
    out
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
        let setting = match error.kind() {
            parser::ErrorKind::TooLong => " (limits.statement_bytes_max)",
            parser::ErrorKind::TooDeep => " (limits.nesting_max)",
            _ => "",
        };
        // 1064 with SQLSTATE HY000, as MatrixOne sends it.
        Self::new(
            Reason::SyntaxError,
            1064,
            "HY000",
            format!("{error}{setting}"),
        )
        .with_source(error)
    }
}

/// What a change of the catalog was about, so that its refusal has the right reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Stage,
    Export,
    /// An export that is let in: its stage, and the id that its user gives it.
    Admission,
    Account,
    User,
    Role,
    Grant,
    Token,
}

/// Says what a catalog's answer was about.
pub(crate) trait About<T> {
    /// The answer, or the error with the subject's reason.
    fn about(self, subject: Subject) -> Result<T>;
}

impl<T> About<T> for std::result::Result<T, catalog::Error> {
    fn about(self, subject: Subject) -> Result<T> {
        self.map_err(|error| about(subject, error))
    }
}

/// The catalog's error with the subject's reason.
pub(crate) fn about(subject: Subject, error: catalog::Error) -> Error {
    use catalog::ErrorKind as Kind;
    let reason = match error.kind() {
        Kind::AlreadyExists => exists_reason(subject),
        Kind::NotFound => not_found_reason(subject),
        Kind::Conflict => conflict_reason(subject),
        Kind::InUse => in_use_reason(subject),
        Kind::Invalid => invalid_reason(subject),
        _ => return error.into(),
    };
    let message = error.to_string();
    Error::internal(reason, &message).with_source(error)
}

fn exists_reason(subject: Subject) -> Reason {
    match subject {
        Subject::Stage => Reason::StageExists,
        Subject::Admission => Reason::ExportIdReused,
        Subject::Export | Subject::Token | Subject::Grant => Reason::Internal,
        Subject::Account => Reason::AccountExists,
        Subject::User => Reason::UserExists,
        Subject::Role => Reason::RoleExists,
    }
}

fn not_found_reason(subject: Subject) -> Reason {
    match subject {
        Subject::Stage | Subject::Admission => Reason::StageNotFound,
        Subject::Export => Reason::ExportNotFound,
        Subject::Account => Reason::AccountNotFound,
        Subject::User => Reason::UserNotFound,
        Subject::Role | Subject::Grant => Reason::RoleNotFound,
        Subject::Token => Reason::TokenNotFound,
    }
}

fn conflict_reason(subject: Subject) -> Reason {
    match subject {
        Subject::Stage | Subject::Admission => Reason::StageVersionConflict,
        Subject::Export => Reason::ExportState,
        Subject::Account | Subject::User | Subject::Role | Subject::Grant | Subject::Token => {
            Reason::IdentityVersionConflict
        }
    }
}

fn in_use_reason(subject: Subject) -> Reason {
    match subject {
        Subject::Stage | Subject::Admission | Subject::Export => Reason::StageInUse,
        Subject::Account | Subject::User | Subject::Role | Subject::Grant | Subject::Token => {
            Reason::IdentityInUse
        }
    }
}

fn invalid_reason(subject: Subject) -> Reason {
    match subject {
        Subject::Stage => Reason::StageInvalid,
        Subject::Export
        | Subject::Admission
        | Subject::Account
        | Subject::User
        | Subject::Role
        | Subject::Grant
        | Subject::Token => Reason::OptionInvalid,
    }
}

/// For what no caller can be blamed for; answers to a request go through `About`.
impl From<catalog::Error> for Error {
    fn from(error: catalog::Error) -> Self {
        use catalog::ErrorKind as Kind;
        let message = error.to_string();
        let mapped = match error.kind() {
            Kind::ReadOnly => Self::new(
                Reason::CatalogReadOnly,
                1290,
                "HY000",
                format!("the catalog takes no changes: {message}"),
            )
            .telling_clients(
                "the catalog takes no changes since a write failed; the server's log has the cause under this request's id",
            ),
            Kind::Corrupt | Kind::Behind => {
                Self::internal(Reason::DataLoss, &message).telling_clients(
                    "internal error: the catalog is damaged; the server's log has the place under this request's id",
                )
            }
            Kind::Unsupported => Self::not_supported(&message),
            Kind::Io | Kind::Locked => {
                Self::internal(Reason::StorageFailed, &message).telling_clients(
                    "internal error: the catalog's disk failed; the server's log has the cause under this request's id",
                )
            }
            Kind::KeyMissing => Self::internal(Reason::SecretUnavailable, &message),
            Kind::Forbidden => Self::internal(Reason::PermissionDenied, &message),
            Kind::LimitReached => Self::internal(Reason::LimitExceeded, &message),
            _ => Self::defect(&message).telling_clients(DEFECT_TOLD),
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
            Kind::Refused => Self::internal(Reason::StoreRefused, &message),
            Kind::Changed => Self::new(Reason::FileChanged, 20405, "HY000", message),
            Kind::NoSpace => Self::new(Reason::StorageFull, 1021, "HY000", message),
            Kind::Unsupported => Self::not_supported(&message),
            Kind::Io => Self::new(Reason::StorageFailed, 1815, "HY000", message),
            _ => Self::defect(&message).telling_clients(DEFECT_TOLD),
        };
        mapped.retryable(error.is_temporary()).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::masked_urls;

    #[test]
    fn urls_lose_their_secrets_and_nothing_else() {
        for (text, shown) in [
            ("no URL: a@b", "no URL: a@b"),
            ("'file:///a@b/c' is there", "'file:///a@b/c' is there"),
            (
                "Table 'main.s3://u:pw@b/x.csv' doesn't exist",
                "Table 'main.s3://******@b/x.csv' doesn't exist",
            ),
            (
                "https://h/b?X-Amz-Signature=abc&y=1 and stage://s/a?b",
                "https://h/b?****** and stage://s/a?b",
            ),
            ("s3://a@b@c/d?sig=1", "s3://******@c/d?******"),
            ("'s3://AKIA:ab/cd@b/x'", "'s3://******@b/x'"),
            ("http://h:80/a@b", "http://h:80/a@b"),
            ("://", "://"),
        ] {
            assert_eq!(masked_urls(text.to_owned()), shown);
        }
    }
}
