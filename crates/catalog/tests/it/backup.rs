//! Backup, restore, check and rebuild: what is restored is what was, and every damage is named.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use stagedoor_catalog::{
    Catalog, ErrorKind, Expected, NewTable, OnExists, Options, ProblemPlace, Segment, TableSource,
};

use crate::fixture::{create, new, open, options, root, set_comment};
use crate::model::new_table;

fn alter(catalog: &Catalog, name: &str, comment: &str) {
    let change = set_comment(comment);
    catalog
        .alter_stage(&root(), name, change, Expected::Any)
        .unwrap();
}

/// A catalog of something of everything.
fn sample() -> (tempfile::TempDir, Catalog) {
    let (dir, catalog) = new();
    for name in ["a", "b", "c"] {
        create(&catalog, name, "/tmp");
        alter(&catalog, name, "two");
    }
    catalog
        .drop_stage(&root(), "c", Expected::Any, false)
        .unwrap();
    catalog
        .create_database(&root(), "db", OnExists::Error)
        .unwrap();
    let segment = Segment {
        id: 0,
        file: "f".into(),
        rows: 1,
        bytes: 1,
        sha256: String::new(),
        checksums: stagedoor_catalog::Checksums::default(),
    };
    let table = NewTable {
        source: TableSource::Segments(vec![segment]),
        ..new_table("t")
    };
    catalog
        .create_table(&root(), table, OnExists::Error)
        .unwrap();
    (dir, catalog)
}

fn backup(catalog: &Catalog) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    catalog.backup(to.path()).unwrap();
    to
}

#[test]
fn what_is_restored_is_what_was() {
    let (_dir, catalog) = sample();
    let to = tempfile::tempdir().unwrap();
    let made = catalog.backup(&to.path().join("new")).unwrap();
    assert_eq!(made.last_seq, catalog.last_seq());
    alter(&catalog, "a", "after");

    let restored = to.path().join("restored");
    assert_eq!(
        Catalog::restore(&to.path().join("new"), &restored).unwrap(),
        made
    );
    let second = open(&restored);
    assert_eq!(second.last_seq(), made.last_seq);
    for name in ["a", "b", "c"] {
        let mut before = catalog.stage_history("sys", name).unwrap();
        before.retain(|record| record.definition.comment != "after");
        assert_eq!(second.stage_history("sys", name).unwrap(), before);
    }
    assert_eq!(
        second.table("sys", "db", "t").unwrap(),
        catalog.table("sys", "db", "t").unwrap()
    );
    let check = second.verify_audit().unwrap();
    assert_eq!((check.last, check.bad), (made.audit_number, None));
    let hash: String = check.head_hash.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hash, made.audit_head);
    // It goes on from there.
    alter(&second, "a", "other");
    drop(second);
    assert_eq!(Catalog::check(&restored).unwrap().problems, []);
}

#[test]
fn a_backup_while_changes_go_on_is_of_one_moment() {
    let (_dir, catalog) = new();
    create(&catalog, "a", "/tmp");
    create(&catalog, "b", "/tmp");
    let going = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while going.load(Ordering::Relaxed) {
                // b always follows a.
                alter(&catalog, "a", &format!("{number}"));
                alter(&catalog, "b", &format!("{number}"));
                number += 1;
            }
        });
        for _ in 0..5 {
            let to = backup(&catalog);
            let restored = tempfile::tempdir().unwrap();
            let report = Catalog::restore(to.path(), restored.path()).unwrap();
            let second = open(restored.path());
            assert_eq!(second.last_seq(), report.last_seq);
            let version = |name| second.stage("sys", name).unwrap().unwrap().version;
            let (a, b) = (version("a"), version("b"));
            assert!(a == b || a == b + 1, "{a} and {b}");
            assert_eq!(2 + (a - 1) + (b - 1), report.last_seq);
        }
        going.store(false, Ordering::Relaxed);
    });
}

#[test]
fn every_flipped_bit_of_a_backup_is_named() {
    let (_dir, catalog) = sample();
    let from = backup(&catalog);
    for name in ["journal", "backup.json"] {
        let path = from.path().join(name);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(5) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 7);
            fs::write(&path, &damaged).unwrap();
            let to = tempfile::tempdir().unwrap();
            let result = Catalog::restore(from.path(), &to.path().join("x"));
            let Err(error) = result else {
                // White space between two values says nothing.
                assert!(whole[at].is_ascii_whitespace(), "{name}, byte {at}");
                continue;
            };
            assert_eq!(
                error.kind(),
                ErrorKind::Corrupt,
                "{name}, byte {at}: {error}"
            );
            assert!(error.message().contains(name), "{error}");
            assert!(!to.path().join("x/journal").exists());
        }
        fs::write(&path, &whole).unwrap();
    }
    let to = tempfile::tempdir().unwrap();
    Catalog::restore(from.path(), to.path()).unwrap();
}

#[test]
fn only_an_empty_directory_is_taken_and_only_a_finished_backup() {
    let (dir, catalog) = sample();
    let from = backup(&catalog);
    for refused in [
        catalog.backup(from.path()).unwrap_err(),
        catalog.backup(dir.path()).unwrap_err(),
        Catalog::restore(from.path(), dir.path()).unwrap_err(),
        Catalog::restore(from.path(), from.path()).unwrap_err(),
    ] {
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists, "{refused}");
        assert!(refused.message().contains("is not empty"), "{refused}");
    }
    fs::remove_file(from.path().join("backup.json")).unwrap();
    let to = tempfile::tempdir().unwrap();
    let error = Catalog::restore(from.path(), to.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("was not finished"), "{error}");
}

fn problems(dir: &Path) -> Vec<(ProblemPlace, String)> {
    let report = Catalog::check(dir).unwrap();
    report
        .problems
        .into_iter()
        .map(|problem| (problem.place, problem.what))
        .collect()
}

#[test]
fn a_check_finds_what_is_wrong_and_changes_nothing() {
    let (dir, catalog) = sample();
    assert_eq!(
        Catalog::check(dir.path()).unwrap_err().kind(),
        ErrorKind::Locked
    );
    let last_seq = catalog.last_seq();
    drop(catalog);
    let report = Catalog::check(dir.path()).unwrap();
    assert_eq!(report.problems, []);
    assert_eq!(
        (report.last_seq, report.index_seq),
        (last_seq, Some(last_seq))
    );
    assert_eq!(report.journal_records, last_seq);
    assert_eq!(report.audit.unwrap().bad, None);

    let path = dir.path().join("journal");
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let found = problems(dir.path());
    assert_eq!(found[0].0, ProblemPlace::Journal);
    assert!(found[0].1.contains("is damaged at byte 16"), "{found:?}");

    fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    let report = Catalog::check(dir.path()).unwrap();
    assert!(report.torn_bytes > 0);
    assert_eq!(report.problems[0].place, ProblemPlace::Journal);
    assert_eq!(
        report.problems[0].what,
        format!(
            "the index has record {last_seq} where the journal ends with record {}",
            last_seq - 1
        )
    );
    assert_eq!(fs::read(&path).unwrap().len(), whole.len() - 30);

    fs::write(&path, &whole).unwrap();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    assert_eq!(Catalog::check(dir.path()).unwrap().index_seq, None);
    assert!(!dir.path().join("index").exists());

    let empty = tempfile::tempdir().unwrap();
    let error = Catalog::check(empty.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn a_rebuild_keeps_what_the_journal_has_and_says_what_is_lost() {
    let (dir, catalog) = sample();
    let last_seq = catalog.last_seq();
    drop(catalog);
    let recovery = Catalog::rebuild(dir.path(), options()).unwrap();
    assert_eq!(
        (recovery.rebuilt.as_deref(), recovery.ahead),
        (Some("it was asked for"), 0)
    );
    assert!(!dir.path().join("index.ahead").exists());
    let path = dir.path().join("journal");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    let error = Catalog::open(dir.path(), options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Behind);
    let error = Catalog::rebuild(dir.path(), options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Behind);
    assert!(!dir.path().join("index.ahead").exists());
    let accepting = Options {
        accept_cut: true,
        ..options()
    };
    let recovery = Catalog::rebuild(dir.path(), accepting).unwrap();
    assert_eq!(recovery.ahead, 1);
    assert!(recovery.torn_bytes > 0);
    assert!(dir.path().join("index.ahead").is_dir());
    let catalog = open(dir.path());
    assert_eq!(catalog.last_seq(), last_seq - 1);
    assert_eq!(catalog.table("sys", "db", "t").unwrap(), None);
    drop(catalog);
    assert_eq!(problems(dir.path()), []);
}
