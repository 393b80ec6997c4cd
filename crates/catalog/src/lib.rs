//! The catalog: durable, versioned records of accounts, users, stages, databases, tables and exports.
//! Sync, one concrete type, no knowledge of SQL, storage or the network.
#![doc = include_str!("../README.md")]

mod accounts;
mod answers;
mod counters;
mod databases;
mod error;
mod exports;
mod format;
mod grants;
mod index;
mod journal;
mod keys;
mod lock;
mod names;
mod options;
mod roles;
mod secrets;
mod stages;
mod store;
mod tables;
mod tokens;
mod users;

pub use accounts::{
    AccountChange, AccountRecord, DroppedAccount, NewAccount, ROOT_USER, SYS_ACCOUNT,
};
pub use answers::Altered;
pub use databases::{DatabaseRecord, DroppedDatabase};
pub use error::{Error, ErrorKind};
pub use exports::{ExportFile, ExportRecord, ExportState, NewExport};
pub use grants::{Grant, Granted, Privilege, PrivilegeSet, Revoked, Securable};
pub use names::NAME_CHARS_MAX;
pub use options::{
    Actor, Clock, CreateOutcome, Created, Expected, OnExists, Options, system_clock,
};
pub use roles::{NewRole, PUBLIC_ROLE, RoleRecord, admin_role};
pub use secrets::{
    CREDENTIAL_NAME_BYTES_MAX, CREDENTIAL_VALUE_BYTES_MAX, CREDENTIALS_MAX, Credential,
    CredentialKind, CredentialValue, Credentials, Fingerprint, KeyId, KeyRing, OpenValue,
    RotationReport, RotationState, SealedSecret, ServerKey,
};
pub use stages::{StageChangeKind, StageChanges, StageDefinition, StageRecord};
pub use store::Recovery;
pub use tables::{Column, NewTable, Segment, TableRecord, TableSource};
pub use tokens::{NewToken, TokenRecord, TokenState};
pub use users::{NewUser, PasswordHash, UserChange, UserRecord};

use std::path::Path;

/// An open catalog: the records of one directory, which no other process can have open.
///
/// Every mutation takes who acts, and is durable when it answers. Shared by `Arc`; writers wait for
/// each other, readers wait for nobody but the moment in which a mutation becomes visible.
#[derive(Debug)]
pub struct Catalog {
    store: store::Store,
    secrets: secrets::Secrets,
}

impl Catalog {
    /// Opens the catalog in `dir`, or makes a new one there; repairs what a crash left.
    ///
    /// Errors: `Locked` when it is open already, `Corrupt` when the journal is damaged other than by
    /// an unfinished append, `Unsupported` when it is of a newer format, `KeyMissing` when server keys are
    /// given but not those that its secrets are sealed by, `Io`.
    pub fn open(dir: &Path, options: Options) -> Result<Catalog, Error> {
        let store = store::Store::open(dir, &options)?;
        let secrets = secrets::Secrets::open(&store, options.keys)?;
        Ok(Catalog { store, secrets })
    }

    /// What opening had to repair.
    pub fn recovery(&self) -> &Recovery {
        self.store.recovery()
    }

    /// Why every mutation is refused from now on (a write to the disk, or a read from it, has failed);
    /// `None` while all is well. Reads go on as far as the index can still be read.
    pub fn read_only_reason(&self) -> Option<String> {
        self.store.read_only_reason()
    }

    /// The number of the last mutation, from 1; 0 in a new catalog.
    pub fn last_seq(&self) -> u64 {
        self.store.position().0
    }

    /// How long the journal is.
    pub fn journal_bytes(&self) -> u64 {
        self.store.position().1
    }
}
