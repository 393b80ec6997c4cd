//! Opening: the lock, catching up, rebuilding, compaction, and what crashes between its steps leave.

use std::fs;
use std::path::Path;

use stagedoor_catalog::{Catalog, ErrorKind, Expected, Options, StageRecord};

use crate::fixture::{create, new, open, options, root, set_comment};

fn alter(catalog: &Catalog, name: &str, comment: &str) {
    catalog
        .alter_stage(&root(), name, set_comment(comment), Expected::Any)
        .unwrap();
}

fn histories(catalog: &Catalog) -> Vec<Vec<StageRecord>> {
    catalog
        .stages("sys")
        .unwrap()
        .iter()
        .map(|s| catalog.stage_history("sys", &s.name).unwrap())
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_second_open_is_locked() {
    let (dir, catalog) = new();
    let error = Catalog::open(dir.path(), options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let expected = format!(
        "the catalog directory {} is in use: another process (pid {}) has it open",
        dir.path().display(),
        std::process::id()
    );
    assert_eq!(error.to_string(), expected);
    drop(catalog);
    open(dir.path());
}

#[test]
fn a_clean_reopen_repairs_nothing() {
    let (dir, catalog) = new();
    assert_eq!(catalog.recovery(), &stagedoor_catalog::Recovery::default());
    create(&catalog, "s", "/tmp");
    drop(catalog);
    for _ in 0..20 {
        assert_eq!(
            open(dir.path()).recovery(),
            &stagedoor_catalog::Recovery::default()
        );
    }
}

#[test]
fn an_old_index_catches_up() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    drop(catalog);
    let old = tempfile::tempdir().unwrap();
    copy(&dir.path().join("index"), old.path());
    let catalog = open(dir.path());
    alter(&catalog, "s", "two");
    alter(&catalog, "s", "three");
    let before = histories(&catalog);
    drop(catalog);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    copy(old.path(), &dir.path().join("index"));
    let catalog = open(dir.path());
    assert_eq!(
        (catalog.recovery().replayed, &catalog.recovery().rebuilt),
        (2, &None)
    );
    assert_eq!(histories(&catalog), before);
}

#[test]
fn an_index_that_is_ahead_is_set_aside() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    let journal = dir.path().join("journal");
    let old = fs::read(&journal).unwrap();
    alter(&catalog, "s", "two");
    drop(catalog);
    fs::write(&journal, old).unwrap();
    let catalog = open(dir.path());
    let recovery = catalog.recovery();
    assert_eq!((recovery.ahead, recovery.replayed), (1, 1));
    assert_eq!(
        recovery.rebuilt.as_deref(),
        Some("the index had record 2 where the journal ends with record 1")
    );
    assert_eq!(catalog.stage("sys", "s").unwrap().unwrap().version, 1);
    assert!(dir.path().join("index.ahead").is_dir());
}

#[test]
fn a_lost_journal_is_not_an_empty_catalog() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    drop(catalog);
    fs::remove_file(dir.path().join("journal")).unwrap();
    assert_eq!(
        Catalog::open(dir.path(), options()).unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}

#[test]
fn compaction_keeps_everything_and_shrinks_the_journal() {
    let (dir, catalog) = new();
    let pad = "x".repeat(2000);
    for name in ["a", "b", "c"] {
        create(&catalog, name, &format!("/{pad}"));
    }
    for name in ["a", "b"] {
        for _ in 0..3 {
            alter(&catalog, name, &pad);
        }
    }
    catalog
        .drop_stage(&root(), "c", Expected::Any, false)
        .unwrap();
    // Exports are rewritten in place, so their old states are what compaction leaves out.
    let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    let export = stagedoor_catalog::NewExport {
        id: id.into(),
        statement: pad.clone(),
        stage: None,
        stage_parents: Vec::new(),
        target: String::new(),
        temp_files: Vec::new(),
    };
    catalog.create_export(&root(), export).unwrap();
    for rows in 0..500 {
        catalog
            .update_export(&root(), id, |export| export.rows = rows)
            .unwrap();
    }
    let (before, seq, bytes) = (
        histories(&catalog),
        catalog.last_seq(),
        catalog.journal_bytes(),
    );
    drop(catalog);

    let small = || Options {
        compact_bytes_min: 100_000,
        ..options()
    };
    // Too small a journal, and too small a ratio, leave it as it is.
    assert!(!open(dir.path()).recovery().compacted);
    let ratio = Options {
        compact_ratio_min: 1000,
        ..small()
    };
    assert!(
        !Catalog::open(dir.path(), ratio)
            .unwrap()
            .recovery()
            .compacted
    );

    let catalog = Catalog::open(dir.path(), small()).unwrap();
    assert!(catalog.recovery().compacted);
    assert!(
        catalog.journal_bytes() * 10 < bytes,
        "{} of {bytes}",
        catalog.journal_bytes()
    );
    assert_eq!(
        (histories(&catalog), catalog.last_seq()),
        (before.clone(), seq)
    );
    alter(&catalog, "a", "after");
    drop(catalog);

    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let catalog = open(dir.path());
    assert!(catalog.recovery().rebuilt.is_some());
    assert_eq!(catalog.last_seq(), seq + 1);
    let mut after = histories(&catalog);
    assert_eq!(after[0].pop().unwrap().definition.comment, "after");
    assert_eq!(after, before);
    assert_eq!(catalog.dropped_stages("sys").unwrap().len(), 1);
    assert_eq!(catalog.export("sys", id).unwrap().unwrap().rows, 499);
}

#[test]
fn an_index_older_than_the_snapshot_is_rebuilt() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    drop(catalog);
    let old = tempfile::tempdir().unwrap();
    copy(&dir.path().join("index"), old.path());
    let catalog = open(dir.path());
    catalog
        .drop_stage(&root(), "s", Expected::Any, false)
        .unwrap();
    drop(catalog);
    let always = Options {
        compact_bytes_min: 0,
        compact_ratio_min: 0,
        ..options()
    };
    assert!(
        Catalog::open(dir.path(), always)
            .unwrap()
            .recovery()
            .compacted
    );
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    copy(old.path(), &dir.path().join("index"));
    let catalog = open(dir.path());
    let why = "the index was older than the snapshot in the journal";
    assert_eq!(catalog.recovery().rebuilt.as_deref(), Some(why));
    assert_eq!(catalog.stage("sys", "s").unwrap(), None);
    assert_eq!(catalog.stage_history("sys", "s").unwrap().len(), 2);
}

#[test]
fn what_a_crash_during_compaction_leaves_is_removed() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    drop(catalog);
    let left = dir.path().join("journal.new");
    fs::write(&left, b"half a journal").unwrap();
    let catalog = open(dir.path());
    assert!(!left.exists());
    assert_eq!(catalog.stages("sys").unwrap().len(), 1);
}

#[test]
fn a_crash_before_the_first_journal_leaves_a_new_catalog() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("LOCK"), b"123\n").unwrap();
    fs::write(dir.path().join("journal.new"), b"SD").unwrap();
    let catalog = open(dir.path());
    assert_eq!(catalog.last_seq(), 0);
    create(&catalog, "s", "/tmp");
}

#[test]
fn a_directory_that_cannot_be_is_an_io_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Catalog::open(&file.join("catalog"), options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("file/catalog"), "{error}");
}
