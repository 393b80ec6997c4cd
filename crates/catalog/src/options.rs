//! What callers hand in with every call or at opening: options, the clock, who acts, what to do on
//! an existing name, and which version is expected.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Error;
use crate::secrets::KeyRing;

/// Gives the time in microseconds since 1970-01-01T00:00:00 UTC.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The machine's clock, as a [`Clock`].
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    })
}

/// How a catalog is opened.
#[derive(Clone)]
pub struct Options {
    /// Where record times come from.
    pub clock: Clock,
    /// A journal not larger than this is never compacted.
    pub compact_bytes_min: u64,
    /// A journal is compacted only when it is larger than this many times the live data.
    pub compact_ratio_min: u64,
    /// How much memory the index may use as its cache.
    pub cache_bytes_max: u64,
    /// About how much a page of the index has at most: more makes the index smaller and quicker to
    /// make anew, less makes single reads and changes cheaper.
    pub index_page_bytes: usize,
    /// How much memory the latest changes may have until they are written into the index. A crash
    /// costs the reading of so much of the journal.
    pub index_recent_bytes_max: usize,
    /// How long the latest changes may wait until they are written into the index, in milliseconds.
    pub index_recent_ms: u64,
    /// What seals and opens secrets. Without it a catalog works, but stores and gives no secret.
    pub keys: Option<KeyRing>,
    /// How long a record of the audit that is no change ([`Catalog::record`](crate::Catalog::record))
    /// may wait until it is durable, in milliseconds.
    pub audit_sync_ms: u64,
    /// An index of more keys than this is not read as a whole when it is opened;
    /// [`Catalog::scrub`](crate::Catalog::scrub) does it then.
    pub check_keys_max: u64,
    /// A longer journal is not read as a whole when it is opened, but from where the index ends;
    /// [`Catalog::scrub`](crate::Catalog::scrub) does it then. In bytes.
    pub check_journal_bytes_max: u64,
    /// Open also when the journal lacks changes that were acknowledged, and go on without them. The
    /// index that has them is kept beside.
    pub accept_cut: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            clock: system_clock(),
            compact_bytes_min: 64 << 20,
            compact_ratio_min: 4,
            cache_bytes_max: 64 << 20,
            index_page_bytes: 4 << 10,
            index_recent_bytes_max: 1 << 20,
            index_recent_ms: 5_000,
            keys: None,
            audit_sync_ms: 1000,
            check_keys_max: 100_000,
            check_journal_bytes_max: 64 << 20,
            accept_cut: false,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("compact_bytes_min", &self.compact_bytes_min)
            .field("compact_ratio_min", &self.compact_ratio_min)
            .field("cache_bytes_max", &self.cache_bytes_max)
            .field("index_page_bytes", &self.index_page_bytes)
            .field("index_recent_bytes_max", &self.index_recent_bytes_max)
            .field("index_recent_ms", &self.index_recent_ms)
            .field("audit_sync_ms", &self.audit_sync_ms)
            .field("check_keys_max", &self.check_keys_max)
            .field("check_journal_bytes_max", &self.check_journal_bytes_max)
            .field("accept_cut", &self.accept_cut)
            .finish_non_exhaustive()
    }
}

/// The request in which somebody acts: what the audit tells of it, and how its changes are to be made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Request {
    /// Its id; empty when it has none.
    pub id: String,
    /// Where it came from, as an address; empty when from within.
    pub client: String,
    /// The statement, with its secrets masked already; empty when it is none.
    pub statement: String,
    /// Decide and answer as always, errors included, but write nothing, neither the change nor a record
    /// of the audit. Ids and versions in the answer are those that the change would have now.
    pub validate_only: bool,
    /// Names this request to the changes of stages, accounts, users, roles, grants and tokens, which answer the same
    /// request given again as they did first, for 24 hours: 1 to 128 printable characters. No other change looks at it.
    pub idempotency_key: Option<String>,
}

/// Who makes a change. It is written into the journal, and into each version of a stage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Actor {
    /// The account in which the change is made.
    pub account: String,
    /// The user.
    pub user: String,
    /// The role in force; empty when none.
    pub role: String,
    /// In which request.
    pub request: Request,
}

impl Actor {
    /// An actor of these three names.
    pub fn new(
        account: impl Into<String>,
        user: impl Into<String>,
        role: impl Into<String>,
    ) -> Actor {
        Actor {
            account: account.into(),
            user: user.into(),
            role: role.into(),
            request: Request::default(),
        }
    }

    /// The same, in this request.
    #[must_use]
    pub fn with_request(self, request: Request) -> Actor {
        Actor { request, ..self }
    }
}

/// The form of a login: `account:user`, or `account:user:role`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.account, self.user)?;
        if self.role.is_empty() {
            Ok(())
        } else {
            write!(f, ":{}", self.role)
        }
    }
}

/// What a create does when the name is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnExists {
    /// Answer [`AlreadyExists`](crate::ErrorKind::AlreadyExists).
    Error,
    /// Leave what exists as it is (`IF NOT EXISTS`); the new definition is not even looked at.
    Keep,
    /// Put the new definition in its place (`OR REPLACE`).
    Replace,
}

/// Which version a change is meant for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expected {
    /// Whatever the current version is.
    Any,
    /// Exactly this one; else [`Conflict`](crate::ErrorKind::Conflict).
    Version(u64),
    /// Exactly this one of the record with this id, not of another that has its name since; else
    /// [`Conflict`](crate::ErrorKind::Conflict).
    Record {
        /// The record's id.
        id: u64,
        /// Its version.
        version: u64,
    },
}

impl Expected {
    /// Compares with the version of the record with this id.
    pub(crate) fn check(self, what: &str, id: u64, version: u64) -> Result<(), Error> {
        match self {
            Expected::Any => Ok(()),
            Expected::Version(expected) if expected == version => Ok(()),
            Expected::Version(expected) => Err(Error::conflict(format!(
                "{what} is at version {version}, not at the expected version {expected}"
            ))),
            expected @ Expected::Record { .. }
                if expected == (Expected::Record { id, version }) =>
            {
                Ok(())
            }
            Expected::Record {
                id: expected,
                version: at,
            } => Err(Error::conflict(format!(
                "{what} is at {id}-{version} (id and version), not at the expected {expected}-{at}"
            ))),
        }
    }
}

/// What a create did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CreateOutcome {
    /// There was none, now there is.
    Created,
    /// There was one, and it is unchanged.
    Kept,
    /// There was one, and the new one has its place.
    Replaced,
}

/// The answer of a create.
#[derive(Clone, Debug, PartialEq)]
pub struct Created<R> {
    /// What is there now.
    pub record: R,
    /// How it came to be there.
    pub outcome: CreateOutcome,
    /// What was there before, when `outcome` is [`CreateOutcome::Replaced`].
    pub replaced: Option<R>,
}

impl<R> Created<R> {
    pub(crate) fn new(record: R) -> Self {
        Created {
            record,
            outcome: CreateOutcome::Created,
            replaced: None,
        }
    }

    pub(crate) fn kept(record: R) -> Self {
        Created {
            record,
            outcome: CreateOutcome::Kept,
            replaced: None,
        }
    }

    pub(crate) fn replaced(record: R, before: R) -> Self {
        Created {
            record,
            outcome: CreateOutcome::Replaced,
            replaced: Some(before),
        }
    }
}
