//! A finding: what was tried, how it went, and what to do about it.

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// The place opens, and what it stands on is enabled.
    Open,
    /// The endpoint answers.
    Connection,
    /// The endpoint is who it says, and nobody reads along.
    Tls,
    /// The store's clock and ours.
    Clock,
    /// The store knows the keys, the bucket and the region.
    Credentials,
    /// How long the keys are good.
    Expiry,
    /// Where the bucket's name stands.
    Addressing,
    /// Whether the bucket keeps versions.
    Versioning,
    /// Room on the disk.
    FreeSpace,
    /// Files without a name, linked when they are whole.
    UnnamedFile,
    /// Renaming that refuses to replace.
    RenameNoReplace,
    /// Writing a file.
    Write,
    /// Reading it back, byte for byte.
    Read,
    /// Finding it in a list, at once.
    List,
    /// A second writing that must not replace the first.
    ConditionalWrite,
    /// Sending a file in parts.
    Multipart,
    /// A second publication that must not replace the first.
    ConditionalCreate,
    /// A publication that replaces.
    Overwrite,
    /// Giving up an upload.
    Abort,
    /// Removing files.
    Delete,
    /// That nothing of all this is left.
    Cleanup,
}

impl Check {
    /// As a table shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Clock => "clock",
            Self::Credentials => "credentials",
            Self::Expiry => "expiry",
            Self::Addressing => "addressing",
            Self::Versioning => "versioning",
            Self::FreeSpace => "free_space",
            Self::UnnamedFile => "unnamed_file",
            Self::RenameNoReplace => "rename_no_replace",
            Self::Write => "write",
            Self::Read => "read",
            Self::List => "list",
            Self::ConditionalWrite => "conditional_write",
            Self::Multipart => "multipart",
            Self::ConditionalCreate => "conditional_create",
            Self::Overwrite => "overwrite",
            Self::Abort => "abort",
            Self::Delete => "delete",
            Self::Cleanup => "cleanup",
        }
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Exports work, though not as well as they could.
    Warning,
    /// Something that a stage is for does not work.
    Failed,
    /// It was not tried.
    Skipped,
}

impl Outcome {
    /// As a table shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One line of a validation. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was tried.
    pub check: Check,
    /// How it went.
    pub outcome: Outcome,
    /// What was seen.
    pub detail: String,
    /// What to do; empty where nothing is to be done.
    pub advice: String,
}
