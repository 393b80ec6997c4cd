//! Group commit: many changes share a sync, each is decided on those before it, and all that saw a
//! failed one fail with it.

use std::sync::Barrier;
use std::thread;

use super::{create, names, new, open, root};
use crate::disk::simulated::Call;
use crate::{
    AuditEvent, AuditOutcome, ErrorKind, Expected, OnExists, StageChanges, StageDefinition,
};

const THREADS: usize = 16;
const EACH: usize = 20;

#[test]
fn many_changes_share_a_sync() {
    let (dir, disk, catalog) = new();
    let before = disk.count(Call::SyncData);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let catalog = &catalog;
            scope.spawn(move || {
                for number in 0..EACH {
                    create(catalog, &format!("s{thread:02}-{number:02}")).unwrap();
                }
            });
        }
    });
    let changes = THREADS * EACH;
    let syncs = disk.count(Call::SyncData) - before;
    assert!(syncs * 2 < changes, "{syncs} syncs for {changes} changes");
    let all = names(&catalog);
    assert_eq!(all.len(), changes);
    let mut ids: Vec<u64> = catalog
        .stages("sys")
        .unwrap()
        .iter()
        .map(|s| s.id)
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=changes as u64).collect::<Vec<_>>());
    drop(catalog);
    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    let catalog = open(&disk, dir.path()).unwrap();
    assert_eq!(names(&catalog), all);
    let audit = catalog.verify_audit().unwrap();
    assert_eq!((audit.last, audit.bad), (changes as u64, None));
}

#[test]
fn one_change_is_one_sync() {
    let (_dir, disk, catalog) = new();
    for number in 0..10 {
        let before = (disk.count(Call::Write), disk.count(Call::SyncData));
        create(&catalog, &format!("s{number}")).unwrap();
        let after = (disk.count(Call::Write), disk.count(Call::SyncData));
        assert_eq!(after, (before.0 + 1, before.1 + 1));
    }
    // What changes nothing needs none.
    let before = disk.calls().len();
    let kept = StageDefinition::default();
    catalog
        .create_stage(&root(), "s0", kept, OnExists::Keep, Expected::Any)
        .unwrap();
    create(&catalog, "s0").unwrap_err();
    assert_eq!(disk.calls().len(), before);
}

#[test]
fn changes_cost_the_index_no_write_and_no_flush_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let disk = std::sync::Arc::new(crate::disk::simulated::SimulatedDisk::default());
    // The latest changes stay in memory, as they do by default.
    let options = || crate::Options {
        index_recent_bytes_max: crate::Options::default().index_recent_bytes_max,
        ..super::options()
    };
    let open = || crate::Catalog::open_on(disk.clone(), dir.path(), options()).unwrap();
    let catalog = open();
    // Making it is one write, and the one flush.
    assert_eq!(catalog.store.index.written(), (1, 1));
    for number in 0..50 {
        create(&catalog, &format!("s{number}")).unwrap();
    }
    assert_eq!(catalog.store.index.written(), (1, 1));
    // One before the copy, with what it is of, and one that says where the journal's end is now.
    catalog.compact().unwrap();
    assert_eq!(catalog.store.index.written(), (3, 1));
    create(&catalog, "last").unwrap();
    drop(catalog);
    // Closing put the last one into its pages; nothing is left to be caught up with.
    let catalog = open();
    assert_eq!(catalog.store.index.written(), (0, 0));
    assert_eq!(catalog.recovery().replayed, 0);
    assert_eq!(names(&catalog).len(), 51);
    drop(catalog);
    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    // A rebuild flushes once, at its end.
    let catalog = open();
    assert_eq!(catalog.store.index.written().1, 1);
}

#[test]
fn the_index_has_the_latest_changes_soon() {
    let dir = tempfile::tempdir().unwrap();
    let disk = std::sync::Arc::new(crate::disk::simulated::SimulatedDisk::default());
    let soon = crate::Options {
        index_recent_ms: 20,
        ..super::options()
    };
    let catalog = crate::Catalog::open_on(disk, dir.path(), soon).unwrap();
    let before = catalog.store.index.written().0;
    create(&catalog, "s").unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while catalog.store.index.written().0 == before {
        assert!(std::time::Instant::now() < deadline, "it is never written");
        thread::yield_now();
    }
}

#[test]
fn a_race_for_a_name_has_one_winner() {
    let (_dir, _disk, catalog) = new();
    for round in 0..10 {
        let name = format!("s{round}");
        let barrier = Barrier::new(8);
        let won: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        match create(&catalog, &name) {
                            Ok(_) => 1,
                            Err(e) => {
                                assert_eq!(e.kind(), ErrorKind::AlreadyExists);
                                // What it lost against is there for everybody.
                                assert!(catalog.stage("sys", &name).unwrap().is_some());
                                0
                            }
                        }
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!(won, 1);
    }
}

#[test]
fn an_expected_version_is_won_once() {
    let (_dir, _disk, catalog) = new();
    create(&catalog, "s").unwrap();
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (catalog, barrier) = (&catalog, &barrier);
            scope.spawn(move || {
                barrier.wait();
                let change = StageChanges {
                    comment: Some(format!("{thread}")),
                    ..StageChanges::default()
                };
                let _ = catalog.alter_stage(&root(), "s", change, Expected::Version(1));
            });
        }
    });
    assert_eq!(catalog.stage("sys", "s").unwrap().unwrap().version, 2);
}

#[test]
fn a_failed_sync_fails_all_that_wait_and_stops() {
    // The write and the sync.
    for after in [0, 1] {
        let (dir, disk, catalog) = new();
        create(&catalog, "before").unwrap();
        disk.fail(after, 1);
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for thread in 0..8 {
                let (catalog, barrier) = (&catalog, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let error = create(catalog, &format!("s{thread}")).unwrap_err();
                    assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::ReadOnly));
                });
            }
        });
        let why = catalog.read_only_reason().unwrap();
        let call = ["append to", "sync"][after];
        assert!(
            why.starts_with(&format!("failed to {call} the journal")),
            "{why}"
        );
        assert_eq!(names(&catalog), ["before"]);
        assert_eq!(
            create(&catalog, "after").unwrap_err().kind(),
            ErrorKind::ReadOnly
        );
        drop(catalog);
        // None of them was acknowledged; each may be there, in the order of the decisions.
        let catalog = open(&disk, dir.path()).unwrap();
        assert!(names(&catalog).contains(&"before".to_owned()));
        assert_eq!(catalog.read_only_reason(), None);
        assert_eq!(catalog.verify_audit().unwrap().bad, None);
    }
}

#[test]
fn an_answer_that_rests_on_a_failed_change_fails() {
    let (_dir, disk, catalog) = new();
    let event = AuditEvent {
        actor: root(),
        operation: "log in".into(),
        target: String::new(),
        stage_version: None,
        outcome: AuditOutcome::Refused,
        reason: "wrong password".into(),
    };
    catalog.record(event).unwrap();
    // Nothing is written yet, so the failure meets the first that needs it.
    disk.fail(0, 1);
    let error = catalog.audit_last("sys", 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let kept = StageDefinition::default();
    let error = catalog
        .create_stage(&root(), "s", kept, OnExists::Keep, Expected::Any)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
}

#[test]
fn an_event_waits_for_no_sync_and_is_durable_soon() {
    let dir = tempfile::tempdir().unwrap();
    let disk = crate::disk::simulated::SimulatedDisk::default();
    let soon = crate::Options {
        audit_sync_ms: 20,
        ..super::options()
    };
    let catalog =
        crate::Catalog::open_on(std::sync::Arc::new(disk.clone()), dir.path(), soon).unwrap();
    let before = disk.count(Call::SyncData);
    let event = AuditEvent {
        actor: root(),
        operation: "log in".into(),
        target: "root".into(),
        stage_version: None,
        outcome: AuditOutcome::Done,
        reason: String::new(),
    };
    catalog.record(event).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while disk.count(Call::SyncData) == before || catalog.last_seq() == 0 {
        assert!(std::time::Instant::now() < deadline, "it is never synced");
        thread::yield_now();
    }
    assert_eq!(disk.count(Call::SyncData), before + 1);
    assert_eq!(catalog.audit_last("sys", 9).unwrap().len(), 1);
}
