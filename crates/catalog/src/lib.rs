//! The catalog: durable, versioned records of accounts, users, stages, databases, tables and exports.
//! Sync, one concrete type, no knowledge of SQL, storage or the network.
#![doc = include_str!("../README.md")]

mod accounts;
mod answers;
mod audit;
mod backup;
mod check;
mod counters;
mod databases;
mod directory;
mod disk;
mod error;
mod exports;
mod format;
#[doc(hidden)]
pub mod fuzzing;
mod grants;
mod index;
mod journal;
mod keys;
mod lock;
mod names;
mod options;
mod remains;
mod requests;
mod retention;
mod roles;
mod secrets;
mod stages;
mod store;
mod tables;
mod tokens;
mod transaction;
mod users;

pub use accounts::{
    AccountChange, AccountRecord, DroppedAccount, NewAccount, ROOT_USER, SYS_ACCOUNT,
};
pub use answers::Altered;
pub use audit::{
    AUDIT_TEXT_BYTES_MAX, AuditCheck, AuditDamage, AuditEvent, AuditOutcome, AuditPruned,
    AuditRecord,
};
pub use backup::{BackupFile, BackupReport};
pub use check::{CheckReport, ListedSegment, Problem, ProblemPlace};
pub use databases::{DatabaseRecord, DroppedDatabase};
pub use directory::{DirectoryFile, FileChange, RefreshId, Refreshed, StageFiles};
pub use error::{Error, ErrorKind};
pub use exports::{
    Admission, ExportFile, ExportKey, ExportRecord, ExportState, FileRole, NewExport, PlannedFile,
};
pub use grants::{Grant, Granted, Privilege, PrivilegeSet, Revoked, Securable};
pub use names::{NAME_CHARS_MAX, check_stage_name};
pub use options::{
    Actor, Clock, CreateOutcome, Created, Expected, OnExists, Options, Request, system_clock,
};
pub use remains::Remains;
pub use retention::Pruned;
pub use roles::{NewRole, PUBLIC_ROLE, RoleRecord, admin_role};
pub use secrets::{
    CREDENTIAL_NAME_BYTES_MAX, CREDENTIAL_VALUE_BYTES_MAX, CREDENTIALS_MAX, Credential,
    CredentialKind, CredentialValue, Credentials, Fingerprint, KeyId, KeyRing, OpenValue,
    RotationReport, RotationState, SealedSecret, ServerKey,
};
pub use stages::{
    StageCapabilities, StageChangeKind, StageChanges, StageDefinition, StagePolicy, StageRecord,
};
pub use store::{Recovery, Scrubbed};
pub use tables::{
    Checksums, Column, LoadedFile, NewTable, PRIMARY, RowChange, Segment, TableKey, TableRecord,
    TableSource, ViewQuery,
};
pub use tokens::{NewToken, TokenRecord, TokenState};
pub use transaction::Transaction;
pub use users::{NewUser, PasswordHash, UserChange, UserRecord};

use std::path::Path;
use std::sync::Arc;

use disk::{Disk, RealDisk};
use store::Anew;

/// An open catalog: the records of one directory, which no other process can have open.
///
/// Every mutation takes who acts, and is durable when it answers. Shared by `Arc`; mutations that come
/// at the same time share one sync, readers wait for nobody but the moment in which mutations become
/// visible. Dropping it makes durable what still waits, and waits no more than some seconds for the
/// index to close.
#[derive(Debug)]
pub struct Catalog {
    // Stops first, while the store is still there.
    _keeper: store::Keeper,
    store: Arc<store::Store>,
    secrets: secrets::Secrets,
    refreshes: directory::Refreshes,
}

impl Catalog {
    /// Opens the catalog in `dir`, or makes a new one there; repairs what a crash left, and says so in
    /// [`Catalog::recovery`].
    ///
    /// Errors: `Locked` when it is open already; `Corrupt` when the journal is damaged other than by
    /// an unfinished append; `Behind` when the journal lacks changes that were acknowledged;
    /// `Unsupported` when it is of a newer format; `KeyMissing` when server keys are given but not those
    /// that its secrets are sealed by; `Io`. None of them changes anything in the directory.
    pub fn open(dir: &Path, options: Options) -> Result<Catalog, Error> {
        Catalog::open_on(Arc::new(RealDisk), dir, options)
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        mut options: Options,
    ) -> Result<Catalog, Error> {
        // The store has no use for them, and would keep them beyond their rotation.
        let keys = options.keys.take();
        let store = Arc::new(store::Store::open(disk, dir, options, Anew::IfNeeded)?);
        let secrets = secrets::Secrets::open(&store, keys)?;
        Ok(Catalog {
            _keeper: store::Keeper::start(&store)?,
            store,
            secrets,
            refreshes: directory::Refreshes::default(),
        })
    }

    /// Makes the index of the catalog in `dir`, which nobody has open, anew from its journal; says what
    /// it did. An index that has changes which the journal lacks is kept beside, as `index.ahead`.
    ///
    /// Errors: those of [`Catalog::open`]; `Behind` unless the options accept it.
    pub fn rebuild(dir: &Path, options: Options) -> Result<Recovery, Error> {
        let disk = Arc::new(RealDisk);
        let store = store::Store::open(disk, dir, options, Anew::Always)?;
        Ok(store.recovery().clone())
    }

    /// Whether an index that had more than the journal is kept beside, as [`Catalog::rebuild`] leaves it where a loss is
    /// accepted: it may name what no other record names any more.
    pub fn has_index_aside(&self) -> Result<bool, Error> {
        self.store.has_index_aside()
    }

    /// What opening had to repair.
    pub fn recovery(&self) -> &Recovery {
        self.store.recovery()
    }

    /// Why every mutation is refused from now on (a write to the disk has failed, or
    /// [`Catalog::scrub`] found damage); `None` while all is well. Reads go on as far as the index can
    /// still be read.
    pub fn read_only_reason(&self) -> Option<String> {
        self.store.read_only_reason()
    }

    /// Writes the journal anew without what is no longer live, while reads and changes go on. It happens
    /// by itself when the journal has grown past the limits in [`Options`].
    ///
    /// Errors: `Io`, `ReadOnly`; `Corrupt` when the index turns out to be damaged. The journal stays as
    /// it was.
    pub fn compact(&self) -> Result<(), Error> {
        self.store.compact()
    }

    /// Why the last compaction in the background came to nothing; `None` when it did not.
    pub fn compaction_failure(&self) -> Option<String> {
        self.store.compaction_failure()
    }

    /// Reads all of the journal and all of the index and checks them, while reads and changes go on. To
    /// be run in a thread of its own after opening, which reads only the end of the journal, and of a
    /// large index only its state.
    ///
    /// Damage is the answer, and makes the catalog read-only with it as the reason. Errors: `Io`.
    pub fn scrub(&self) -> Result<Scrubbed, Error> {
        self.store.scrub()
    }

    /// How often the journal was made durable since it was opened; one flush is for all changes that waited for it.
    pub fn flushes(&self) -> u64 {
        self.store.flushes()
    }

    /// The number of the last durable mutation, from 1; 0 in a new catalog.
    pub fn last_seq(&self) -> u64 {
        self.store.position().0
    }

    /// How long the journal is.
    pub fn journal_bytes(&self) -> u64 {
        self.store.position().1
    }
}
