//! What the tests share: a catalog in a new directory with a clock that ticks.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stagedoor_catalog::{
    Actor, Catalog, Error, ErrorKind, Expected, OnExists, Options, StageChanges, StageDefinition,
    StageRecord,
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
