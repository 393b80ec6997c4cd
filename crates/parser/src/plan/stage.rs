//! Plans of the stage statements.

use crate::plan::credentials::Credentials;
use crate::plan::policy::PolicyRule;
use crate::span::{Name, Spanned};

/// `CREATE STAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateStage {
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The stage's name.
    pub name: Name,
    /// What it is made of. Without a URL it is an internal stage.
    pub options: StageOptions,
}

/// The clauses that CREATE STAGE and ALTER STAGE … SET share; each is there when it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageOptions {
    /// `URL = …`.
    pub url: Option<Spanned<StageUrl>>,
    /// `CREDENTIALS = {…}`.
    pub credentials: Option<Spanned<Credentials>>,
    /// `ENABLE = TRUE | FALSE`.
    pub enable: Option<Spanned<bool>>,
    /// `DIRECTORY = (ENABLE = TRUE | FALSE)`.
    pub directory: Option<Spanned<bool>>,
    /// `COMMENT = 'text'`.
    pub comment: Option<Spanned<String>>,
    /// `POLICY = {…}`: all rules, in the order given; each key once.
    pub policy: Option<Vec<PolicyRule>>,
}

impl StageOptions {
    /// How many clauses were given. ALTER STAGE takes exactly one; who executes it says so,
    /// because that is checked after the privilege.
    pub fn count(&self) -> usize {
        usize::from(self.url.is_some())
            + usize::from(self.credentials.is_some())
            + usize::from(self.enable.is_some())
            + usize::from(self.directory.is_some())
            + usize::from(self.comment.is_some())
            + usize::from(self.policy.is_some())
    }
}

/// The two forms of a stage's URL, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageUrl {
    /// `URL = 'location'`.
    Location(String),
    /// `URL = "endpoint"='host[/bucket[/prefix]]'`, the original document's form.
    Endpoint(String),
}

impl StageUrl {
    /// The location or endpoint as typed.
    pub fn text(&self) -> &str {
        match self {
            Self::Location(text) | Self::Endpoint(text) => text,
        }
    }
}

/// `ALTER STAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterStage {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The stage's name.
    pub name: Name,
    /// What is done to it.
    pub action: AlterStageAction,
}

/// What ALTER STAGE does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterStageAction {
    /// `SET …`, any number of options, also none.
    Set(StageOptions),
    /// `RENAME TO name`.
    Rename(Name),
    /// `ROLLBACK TO VERSION n`.
    Rollback(Spanned<u64>),
    /// `REFRESH [SUBPATH = 'p']`.
    Refresh {
        /// The part of the stage to look at.
        subpath: Option<Spanned<String>>,
    },
}

/// `DROP STAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropStage {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The stage's name.
    pub name: Name,
    /// `CASCADE`: its sub-stages, too.
    pub cascade: bool,
}
