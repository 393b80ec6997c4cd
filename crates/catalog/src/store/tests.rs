//! The catalog on a disk that counts, fails and loses power: what was acknowledged is there, and no
//! sync could be left out.

#![expect(clippy::unwrap_used, reason = "tests")]

mod chain;
mod damaged;
mod group;
mod owner;
mod power;
mod references;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::disk::simulated::SimulatedDisk;
use crate::{Actor, Catalog, Error, Expected, OnExists, Options, StageDefinition, StageRecord};

fn options() -> Options {
    let ticks = AtomicU64::new(1000);
    Options {
        clock: Arc::new(move || ticks.fetch_add(1, Ordering::Relaxed)),
        compact_bytes_min: u64::MAX,
        // Nothing is synced behind the tests' back.
        audit_sync_ms: u64::MAX,
        // Pages of a few records, which few changes fill.
        index_page_bytes: 500,
        index_recent_bytes_max: 4_000,
        index_recent_ms: u64::MAX,
        ..Options::default()
    }
}

fn open(disk: &SimulatedDisk, dir: &Path) -> Result<Catalog, Error> {
    Catalog::open_on(Arc::new(disk.clone()), dir, options())
}

fn new() -> (tempfile::TempDir, SimulatedDisk, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimulatedDisk::default();
    let catalog = open(&disk, dir.path()).unwrap();
    (dir, disk, catalog)
}

fn root() -> Actor {
    Actor::new("sys", "root", "moadmin")
}

fn create(catalog: &Catalog, name: &str) -> Result<StageRecord, Error> {
    catalog
        .create_stage(
            &root(),
            name,
            StageDefinition::default(),
            OnExists::Error,
            Expected::Any,
        )
        .map(|created| created.record)
}

fn names(catalog: &Catalog) -> Vec<String> {
    let stages = catalog.stages("sys").unwrap();
    stages.into_iter().map(|stage| stage.name).collect()
}
