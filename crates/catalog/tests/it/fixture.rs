//! What the tests share: a catalog in a new directory with a clock that ticks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stagedoor_catalog::{
    Actor, Catalog, Credentials, Error, ErrorKind, Expected, NewAccount, NewRole, NewUser,
    OnExists, Options, PasswordHash, RoleRecord, StageChanges, StageDefinition, StageRecord,
    UserRecord,
};

/// Options with a clock that gives 1000, 1001, …
pub(crate) fn options() -> Options {
    let ticks = AtomicU64::new(1000);
    Options {
        clock: Arc::new(move || ticks.fetch_add(1, Ordering::Relaxed)),
        ..Options::default()
    }
}

pub(crate) fn open(dir: &Path) -> Catalog {
    Catalog::open(dir, options()).unwrap()
}

pub(crate) fn new() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = open(dir.path());
    (dir, catalog)
}

/// As [`new`], bootstrapped, so that there is the account `sys` with its user `root`.
pub(crate) fn bootstrapped() -> (tempfile::TempDir, Catalog) {
    let (dir, catalog) = new();
    assert!(
        catalog
            .bootstrap(&root(), Some(PasswordHash::new("root's")))
            .unwrap()
    );
    (dir, catalog)
}

/// The admin of the account `acme`, see [`with_acme`].
pub(crate) fn ann() -> Actor {
    Actor::new("acme", "ann", "accountadmin")
}

pub(crate) fn new_account(name: &str) -> NewAccount {
    NewAccount {
        name: name.into(),
        admin_name: "ann".into(),
        admin_password: PasswordHash::new("ann's"),
        comment: "c".into(),
        default_database: Some("db".into()),
    }
}

/// As [`bootstrapped`], with the account `acme` and its admin `ann`.
pub(crate) fn with_acme() -> (tempfile::TempDir, Catalog) {
    let (dir, catalog) = bootstrapped();
    catalog
        .create_account(&root(), new_account("acme"), OnExists::Error)
        .unwrap();
    (dir, catalog)
}

pub(crate) fn create_user(catalog: &Catalog, actor: &Actor, name: &str) -> UserRecord {
    let new = NewUser {
        name: name.into(),
        password: Some(PasswordHash::new(format!("{name}'s"))),
        default_role: None,
        comment: String::new(),
    };
    catalog
        .create_user(actor, new, OnExists::Error)
        .unwrap()
        .record
}

pub(crate) fn new_role(name: &str) -> NewRole {
    NewRole {
        name: name.into(),
        comment: String::new(),
    }
}

pub(crate) fn create_role(catalog: &Catalog, actor: &Actor, name: &str) -> RoleRecord {
    catalog
        .create_role(actor, new_role(name), OnExists::Error)
        .unwrap()
        .record
}

pub(crate) fn root() -> Actor {
    Actor::new("sys", "root", "moadmin")
}

pub(crate) fn at(url: &str) -> StageDefinition {
    StageDefinition {
        url: Some(url.to_owned()),
        ..StageDefinition::default()
    }
}

pub(crate) fn set_url(url: Option<String>) -> StageChanges {
    StageChanges {
        url: Some(url),
        ..StageChanges::default()
    }
}

pub(crate) fn set_enabled(enabled: bool) -> StageChanges {
    StageChanges {
        enabled: Some(enabled),
        ..StageChanges::default()
    }
}

pub(crate) fn set_directory(directory: bool) -> StageChanges {
    StageChanges {
        directory: Some(directory),
        ..StageChanges::default()
    }
}

pub(crate) fn set_comment(comment: impl Into<String>) -> StageChanges {
    StageChanges {
        comment: Some(comment.into()),
        ..StageChanges::default()
    }
}

pub(crate) fn set_credentials(credentials: Credentials) -> StageChanges {
    StageChanges {
        credentials: Some(credentials),
        ..StageChanges::default()
    }
}

pub(crate) fn create(catalog: &Catalog, name: &str, url: &str) -> StageRecord {
    catalog
        .create_stage(&root(), name, at(url), OnExists::Error, Expected::Any)
        .unwrap()
        .record
}

/// Asserts kind and exact message.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    result: Result<T, Error>,
    kind: ErrorKind,
    message: &str,
) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
}
