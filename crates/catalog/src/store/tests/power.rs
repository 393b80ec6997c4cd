//! Power cuts and a full disk at every call: nothing that was acknowledged is lost. Leaving out any
//! one sync makes one of these fail.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{create, names, new, open, root};
use crate::disk::simulated::{Call, SimulatedDisk};
use crate::{AuditEvent, AuditOutcome, Catalog, Error, Expected, OnExists, StageDefinition};

/// What is left of the catalog when the power goes now; the index, which is not on this disk, is gone.
fn after_power_cut(dir: &std::path::Path, disk: &SimulatedDisk, catalog: Catalog) -> Catalog {
    // As in a crash: what still waits is not written.
    catalog.store.queue().abandon();
    drop(catalog);
    disk.cut_power(dir);
    fs::remove_dir_all(dir.join("index")).unwrap();
    open(disk, dir).unwrap()
}

#[test]
fn a_new_catalog_survives() {
    let (dir, disk, catalog) = new();
    let catalog = after_power_cut(dir.path(), &disk, catalog);
    assert_eq!(catalog.last_seq(), 0);
    // The directory above has the catalog's name.
    let parent = dir.path().join("catalog");
    let disk = SimulatedDisk::default();
    drop(open(&disk, &parent).unwrap());
    assert_eq!(disk.count(Call::SyncDirectory), 2);
}

#[test]
fn a_change_survives() {
    let (dir, disk, catalog) = new();
    create(&catalog, "a").unwrap();
    let catalog = after_power_cut(dir.path(), &disk, catalog);
    assert_eq!(names(&catalog), ["a"]);
    create(&catalog, "b").unwrap();
    let catalog = after_power_cut(dir.path(), &disk, catalog);
    assert_eq!(names(&catalog), ["a", "b"]);
}

#[test]
fn a_transaction_survives_whole_or_not_at_all() {
    let two = |catalog: &Catalog| {
        catalog.transaction(&root(), |all| {
            for name in ["a", "b"] {
                let new = StageDefinition::default();
                all.create_stage(name, new, OnExists::Error, Expected::Any)?;
            }
            Ok::<_, Error>(())
        })
    };
    let (dir, disk, catalog) = new();
    let before = (disk.count(Call::Write), disk.count(Call::SyncData));
    two(&catalog).unwrap();
    let after = (disk.count(Call::Write), disk.count(Call::SyncData));
    assert_eq!(after, (before.0 + 1, before.1 + 1));
    let catalog = after_power_cut(dir.path(), &disk, catalog);
    assert_eq!(names(&catalog), ["a", "b"]);
    let audit = catalog.verify_audit().unwrap();
    assert_eq!((audit.last, audit.bad), (2, None));
    // A frame that is cut short anywhere is no frame: neither of the two is there.
    let (dir, _disk, catalog) = new();
    create(&catalog, "0").unwrap();
    let start = catalog.journal_bytes();
    two(&catalog).unwrap();
    let end = catalog.journal_bytes();
    drop(catalog);
    let path = dir.path().join(crate::journal::FILE_NAME);
    let journal = fs::read(&path).unwrap();
    for length in (start..end).step_by(31).chain([end - 1]) {
        let dir = tempfile::tempdir().unwrap();
        let cut = &journal[..usize::try_from(length).unwrap()];
        fs::write(dir.path().join(crate::journal::FILE_NAME), cut).unwrap();
        let catalog = open(&SimulatedDisk::default(), dir.path()).unwrap();
        assert_eq!(names(&catalog), ["0"], "cut at {length}");
    }
}

#[test]
fn an_event_survives_once_it_was_read() {
    let (dir, disk, catalog) = new();
    let event = AuditEvent {
        actor: root(),
        operation: "log in".into(),
        target: "root".into(),
        stage_version: None,
        outcome: AuditOutcome::Done,
        reason: String::new(),
    };
    catalog.record(event.clone()).unwrap();
    assert_eq!(catalog.audit_last("sys", 9).unwrap().len(), 1);
    let catalog = after_power_cut(dir.path(), &disk, catalog);
    assert_eq!(catalog.audit_last("sys", 9).unwrap().len(), 1);
    // And once the catalog is closed.
    catalog.record(event).unwrap();
    drop(catalog);
    disk.cut_power(dir.path());
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let catalog = open(&disk, dir.path()).unwrap();
    assert_eq!(catalog.audit_last("sys", 9).unwrap().len(), 2);
}

#[test]
fn a_compacted_journal_survives_with_what_comes_after() {
    let (dir, disk, catalog) = new();
    create(&catalog, "a").unwrap();
    catalog.compact().unwrap();
    let catalog = after_power_cut(dir.path(), &disk, catalog);
    assert_eq!(names(&catalog), ["a"]);
    catalog.compact().unwrap();
    create(&catalog, "b").unwrap();
    let catalog = after_power_cut(dir.path(), &disk, catalog);
    assert_eq!(names(&catalog), ["a", "b"]);
}

#[test]
fn what_is_changed_during_a_compaction_survives_it() {
    let (dir, disk, catalog) = new();
    create(&catalog, "before").unwrap();
    let catalog = Arc::new(catalog);
    let changing = Arc::clone(&catalog);
    let (sender, changed) = std::sync::mpsc::channel();
    // The first sync is that of the copy, in which changes do not wait.
    disk.during_sync_all(move || {
        let (done, made) = std::sync::mpsc::channel();
        thread::spawn(move || {
            create(&changing, "during").unwrap();
            drop(changing);
            done.send(()).unwrap();
        });
        let made = made.recv_timeout(std::time::Duration::from_secs(30));
        sender.send(made.is_ok()).unwrap();
    });
    let before = disk.count(Call::SyncAll);
    catalog.compact().unwrap();
    assert!(changed.recv().unwrap(), "a change waited for the copy");
    // The second has what came meanwhile, in the pause.
    assert_eq!(disk.count(Call::SyncAll), before + 2);
    let catalog = Arc::into_inner(catalog).unwrap();
    let catalog = after_power_cut(dir.path(), &disk, catalog);
    assert_eq!(names(&catalog), ["before", "during"]);
}

#[test]
fn a_torn_end_that_was_cut_stays_cut() {
    let (dir, disk, catalog) = new();
    create(&catalog, "a").unwrap();
    drop(catalog);
    let path = dir.path().join("journal");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"SDJF torn");
    fs::write(&path, bytes).unwrap();
    let before = disk.count(Call::SyncAll);
    let catalog = open(&disk, dir.path()).unwrap();
    assert_eq!(catalog.recovery().torn_bytes, 9);
    assert_eq!(disk.count(Call::SyncAll), before + 1);
    let catalog = after_power_cut(dir.path(), &disk, catalog);
    assert_eq!(
        (names(&catalog).len(), catalog.recovery().torn_bytes),
        (1, 0)
    );
}

/// Changes and compactions, until something fails; gives the stages that were acknowledged.
fn work(disk: &SimulatedDisk, dir: &std::path::Path) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let Ok(catalog) = open(disk, dir) else {
        return acknowledged;
    };
    for number in 0..6 {
        let name = format!("s{number}");
        if create(&catalog, &name).is_ok() {
            acknowledged.push(name);
        }
        if number % 2 == 1 {
            let failed = catalog.compact().is_err();
            assert!(failed || catalog.read_only_reason().is_none());
        }
    }
    acknowledged
}

#[test]
fn a_disk_that_is_full_at_any_call_loses_nothing() {
    let disk = SimulatedDisk::default();
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(work(&disk, dir.path()).len(), 6);
    let calls = disk.calls().len();
    assert!(calls > 30, "{calls}");
    for after in 0..calls {
        for count in [1, usize::MAX / 2] {
            let disk = SimulatedDisk::default();
            let dir = tempfile::tempdir().unwrap();
            disk.fail(after, count);
            let acknowledged = work(&disk, dir.path());
            let failed = disk.calls().get(after).copied();
            disk.fail(0, 0);
            let catalog = open(&disk, dir.path()).unwrap();
            let found = names(&catalog);
            assert!(
                acknowledged.iter().all(|name| found.contains(name)),
                "call {after} ({failed:?}): {acknowledged:?} became {found:?}"
            );
            assert_eq!(catalog.verify_audit().unwrap().bad, None);
            create(&catalog, "goes-on").unwrap();
        }
    }
}

#[test]
fn the_power_may_go_at_any_call() {
    let disk = SimulatedDisk::default();
    let dir = tempfile::tempdir().unwrap();
    work(&disk, dir.path());
    let calls = disk.calls().len();
    for after in 0..calls {
        let disk = SimulatedDisk::default();
        let dir = tempfile::tempdir().unwrap();
        disk.fail(after, usize::MAX / 2);
        let acknowledged = work(&disk, dir.path());
        disk.fail(0, 0);
        disk.cut_power(dir.path());
        let _ = fs::remove_dir_all(dir.path().join("index"));
        let catalog = open(&disk, dir.path()).unwrap();
        let found = names(&catalog);
        assert!(
            acknowledged.iter().all(|name| found.contains(name)),
            "call {after}: {acknowledged:?} became {found:?}"
        );
    }
}

#[test]
fn a_compaction_while_changes_go_on_has_them_all() {
    let (dir, disk, catalog) = new();
    let compacting = AtomicBool::new(true);
    let made = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|thread| {
                let (catalog, compacting) = (&catalog, &compacting);
                scope.spawn(move || {
                    let mut made = 0;
                    while made < 5 || compacting.load(Ordering::Relaxed) {
                        create(catalog, &format!("s{thread}-{made}")).unwrap();
                        if made % 3 == 2 {
                            let gone = format!("s{thread}-{}", made - 1);
                            catalog
                                .drop_stage(&root(), &gone, crate::Expected::Any, false)
                                .unwrap();
                        }
                        made += 1;
                    }
                    made
                })
            })
            .collect();
        for _ in 0..10 {
            catalog.compact().unwrap();
        }
        compacting.store(false, Ordering::Relaxed);
        writers
            .into_iter()
            .map(|w| w.join().unwrap())
            .sum::<usize>()
    });
    let before = names(&catalog);
    let seq = catalog.last_seq();
    assert!(before.len() < made);
    assert_eq!(catalog.scrub().unwrap().index_damage, None);
    let catalog = after_power_cut(dir.path(), &disk, catalog);
    assert_eq!((names(&catalog), catalog.last_seq()), (before, seq));
    assert_eq!(catalog.verify_audit().unwrap().bad, None);
}

#[test]
fn a_backup_and_what_is_restored_survive() {
    let (dir, disk, catalog) = new();
    create(&catalog, "a").unwrap();
    let to = dir.path().join("backup");
    let report = catalog.backup(&to).unwrap();
    disk.cut_power(&to);
    let restored = dir.path().join("restored");
    assert_eq!(
        crate::backup::restore_on(&disk, &to, &restored).unwrap(),
        report
    );
    disk.cut_power(&restored);
    let second = open(&disk, &restored).unwrap();
    assert_eq!(names(&second), ["a"]);
    // And the directories have their names in the one above.
    let synced = disk.synced_directories();
    assert!(synced.iter().filter(|&d| d == dir.path()).count() >= 2);
}
