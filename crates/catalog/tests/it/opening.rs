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
        "the catalog directory {} is already open in this process; close it first",
        dir.path().display(),
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

/// A closed catalog whose journal lacks the last of two changes, which its index has.
fn cut() -> tempfile::TempDir {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    let journal = dir.path().join("journal");
    let old = fs::read(&journal).unwrap();
    alter(&catalog, "s", "two");
    drop(catalog);
    fs::write(&journal, old).unwrap();
    dir
}

#[test]
fn a_journal_that_lacks_changes_is_refused() {
    let dir = cut();
    let journal = fs::read(dir.path().join("journal")).unwrap();
    for _ in 0..2 {
        let error = Catalog::open(dir.path(), options()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Behind);
        let path = dir.path().join("journal");
        let expected = format!(
            "1 acknowledged change is missing: the index had record 2 where the journal ends with record 1; the journal {} was last written ",
            path.display()
        );
        assert!(error.message().starts_with(&expected), "{error}");
        let ways = "bring back the right journal, or accept the loss by a rebuild, which keeps the index beside as index.ahead";
        assert!(error.message().ends_with(ways), "{error}");
        assert_eq!(fs::read(path).unwrap(), journal);
    }
}

#[test]
fn a_loss_that_is_accepted_is_told_and_kept_beside() {
    let dir = cut();
    fs::create_dir(dir.path().join("index.ahead")).unwrap();
    let accepting = Options {
        accept_cut: true,
        ..options()
    };
    let catalog = Catalog::open(dir.path(), accepting).unwrap();
    let recovery = catalog.recovery();
    assert_eq!((recovery.ahead, recovery.replayed), (1, 1));
    assert_eq!(
        recovery.rebuilt.as_deref(),
        Some("the index had record 2 where the journal ends with record 1")
    );
    assert_eq!(catalog.stage("sys", "s").unwrap().unwrap().version, 1);
    // The one that was there before is kept, too.
    assert!(dir.path().join("index.ahead.1").is_dir());
    drop(catalog);
    assert_eq!(
        open(dir.path()).recovery(),
        &stagedoor_catalog::Recovery::default()
    );
}

#[test]
fn a_cut_anywhere_that_loses_a_change_is_refused() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    let first = catalog.journal_bytes() as usize;
    alter(&catalog, "s", "two");
    drop(catalog);
    let path = dir.path().join("journal");
    let whole = fs::read(&path).unwrap();
    for length in (16..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        let error = Catalog::open(dir.path(), options()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Behind, "{length}: {error}");
        let missing = if length < first {
            "2 acknowledged changes are"
        } else {
            "1 acknowledged change is"
        };
        assert!(error.message().starts_with(missing), "{length}: {error}");
        assert_eq!(fs::read(&path).unwrap().len(), length, "nothing is cut");
    }
    // One bit in the last record, which the journal alone could take for an unfinished append.
    for at in (first..whole.len()).step_by(11) {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        fs::write(&path, &damaged).unwrap();
        let error = Catalog::open(dir.path(), options()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Behind, "{at}: {error}");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(
        open(dir.path()).stage("sys", "s").unwrap().unwrap().version,
        2
    );
}

#[test]
fn the_journal_of_another_catalog_is_refused() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    drop(catalog);
    let (other, catalog) = new();
    create(&catalog, "other", "/tmp");
    create(&catalog, "more", "/tmp");
    drop(catalog);
    fs::copy(other.path().join("journal"), dir.path().join("journal")).unwrap();
    let error = Catalog::open(dir.path(), options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Behind);
    assert!(
        error
            .message()
            .contains("another record 1 than the journal"),
        "{error}"
    );
}

#[test]
fn a_removed_lock_lets_no_second_one_in() {
    let (dir, catalog) = new();
    create(&catalog, "s", "/tmp");
    fs::remove_file(dir.path().join("LOCK")).unwrap();
    let error = Catalog::open(dir.path(), options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(
        error.message().contains("although its LOCK is gone"),
        "{error}"
    );
    create(&catalog, "goes-on", "/tmp");
}

#[test]
fn only_the_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made/before");
    fs::create_dir_all(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    drop(open(&path));
    let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(""), mode("journal"), mode("index"), mode("LOCK")),
        (0o700, 0o600, 0o700, 0o600)
    );
    // Also a journal that an older version has left open to all.
    fs::set_permissions(path.join("journal"), fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&path));
    assert_eq!(mode("journal"), 0o600);
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
        database: None,
        statement: pad.clone(),
        stage: None,
        stage_parents: Vec::new(),
        target: String::new(),
        key: None,
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

    let catalog = open(dir.path());
    catalog.compact().unwrap();
    assert!(
        catalog.journal_bytes() * 10 < bytes,
        "{} of {bytes}",
        catalog.journal_bytes()
    );
    assert_eq!(
        (histories(&catalog), catalog.last_seq()),
        (before.clone(), seq)
    );
    // The index knows where its record is now: nothing is read again.
    drop(catalog);
    let catalog = open(dir.path());
    assert_eq!(catalog.recovery(), &stagedoor_catalog::Recovery::default());
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
fn a_journal_past_its_limits_is_compacted_while_it_grows() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options {
        compact_bytes_min: 30_000,
        compact_ratio_min: 2,
        ..options()
    };
    let catalog = Catalog::open(dir.path(), small).unwrap();
    let id = "0192f0c1-2345-7abc-8def-0123456789ab";
    let export = stagedoor_catalog::NewExport {
        id: id.into(),
        database: None,
        statement: "x".repeat(2000),
        stage: None,
        stage_parents: Vec::new(),
        target: String::new(),
        key: None,
    };
    catalog.create_export(&root(), export).unwrap();
    let mut written = 0;
    let mut rows = 0;
    // Until it has shrunk three times; a limit that is far beyond stands for never.
    let mut shrunk = 0;
    while shrunk < 3 {
        let before = catalog.journal_bytes();
        catalog
            .update_export(&root(), id, |export| export.rows = rows)
            .unwrap();
        rows += 1;
        shrunk += u64::from(catalog.journal_bytes() < before);
        written += 2000;
        assert!(written < 200_000_000, "{:?}", catalog.compaction_failure());
    }
    assert_eq!(catalog.compaction_failure(), None);
    drop(catalog);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let catalog = open(dir.path());
    assert_eq!(catalog.last_seq(), rows + 1);
    assert_eq!(catalog.export("sys", id).unwrap().unwrap().rows, rows - 1);
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
    catalog.compact().unwrap();
    drop(catalog);
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
