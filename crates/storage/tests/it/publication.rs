//! Drafts stay out of sight until published; publication is one step and replaces nothing unasked.

use std::io::Write;

use stagedoor_storage::{ErrorKind, Location, OnExisting, Policy, Store};

use crate::{finished, folder_store, memory_store, names, path};

#[test]
fn a_published_file_is_whole_and_nothing_else_remains() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path());
    let draft = finished(&store, "e1", b"hello");
    assert!(!folder.path().join("a").exists());
    store
        .publish(&draft, &path("a/b/c.csv"), OnExisting::Refuse)
        .unwrap();
    store.discard("e1").unwrap();
    assert_eq!(names(folder.path()), ["a", "a/b", "a/b/c.csv"]);
    assert_eq!(
        std::fs::read(folder.path().join("a/b/c.csv")).unwrap(),
        b"hello"
    );
}

#[test]
fn an_existing_target_is_refused_or_replaced_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    for store in [folder_store(folder.path()), memory_store()] {
        let target = path("user.csv");
        assert!(!store.exists(&target).unwrap());
        store
            .publish(&finished(&store, "e1", b"old"), &target, OnExisting::Refuse)
            .unwrap();
        assert!(store.exists(&target).unwrap());
        let second = finished(&store, "e2", b"new");
        let error = store
            .publish(&second, &target, OnExisting::Refuse)
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::AlreadyExists, "file user.csv already exists")
        );
        let read =
            || futures::executor::block_on(async { tokio_free_read(&store, "user.csv").await });
        assert_eq!(read(), b"old");
        store
            .publish(&second, &target, OnExisting::Replace)
            .unwrap();
        assert_eq!(read(), b"new");
    }
}

async fn tokio_free_read(store: &Store, name: &str) -> Vec<u8> {
    // The folder's layers need a runtime's clock.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(store.read(&path(name))).unwrap().to_vec()
}

#[test]
fn a_dropped_draft_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path());
    let mut draft = store.draft("e1", 0).unwrap();
    draft.write_all(b"half").unwrap();
    assert_eq!(store.draft_ids().unwrap(), ["e1"]);
    drop(draft);
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn a_failed_publication_leaves_no_new_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path());
    std::fs::create_dir_all(folder.path().join("a")).unwrap();
    std::fs::write(folder.path().join("a/file"), b"x").unwrap();
    let draft = finished(&store, "e1", b"hello");
    let error = store
        .publish(&draft, &path("a/file/b.csv"), OnExisting::Refuse)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let too_long = format!("new/{}", "n".repeat(255));
    std::fs::create_dir(folder.path().join("new2")).unwrap();
    // A name that the file system itself refuses only at the last step.
    std::fs::create_dir_all(folder.path().join(&too_long)).unwrap();
    assert!(
        store
            .publish(&draft, &path(&too_long), OnExisting::Replace)
            .is_err()
    );
    store.discard("e1").unwrap();
    assert!(
        !names(folder.path())
            .iter()
            .any(|name| name.contains(".stagedoor"))
    );
}

#[test]
fn what_a_crash_left_can_be_found_published_or_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder_store(folder.path());
    let draft = finished(&first, "e1", b"hello");
    std::mem::forget(first.draft("e2", 0).unwrap());
    let second = folder_store(folder.path());
    let mut ids = second.draft_ids().unwrap();
    ids.sort();
    assert_eq!(ids, ["e1", "e2"]);
    let recorded = stagedoor_storage::Finished::recorded("e1", 0, draft.bytes);
    second
        .publish(&recorded, &path("x.csv"), OnExisting::Refuse)
        .unwrap();
    second.discard("e1").unwrap();
    second.discard("e2").unwrap();
    second.discard("e2").unwrap();
    assert_eq!(names(folder.path()), ["x.csv"]);
}

#[test]
fn many_exports_at_once_share_the_reserved_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = store.clone();
            scope.spawn(move || {
                for round in 0..50 {
                    let id = format!("e-{thread}-{round}");
                    let draft = finished(&store, &id, b"x");
                    store
                        .publish(&draft, &path(&format!("{id}.csv")), OnExisting::Refuse)
                        .unwrap();
                    store.discard(&id).unwrap();
                }
            });
        }
    });
    assert_eq!(names(folder.path()).len(), 400);
}

#[test]
fn one_of_many_racing_for_a_name_wins() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path());
    let won: usize = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|n| {
                let store = store.clone();
                scope.spawn(move || {
                    let draft = finished(&store, &format!("e{n}"), b"x");
                    store
                        .publish(&draft, &path("same.csv"), OnExisting::Refuse)
                        .is_ok() as usize
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(won, 1);
}

#[test]
fn a_missing_or_read_only_or_false_folder_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &std::path::Path| {
        Store::open(
            &Location::parse(path.to_str().unwrap()).unwrap(),
            &Policy::default(),
        )
    };
    let error = open(&folder.path().join("missing")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .to_string()
            .ends_with("missing': no such file or directory"),
        "{error}"
    );
    std::fs::write(folder.path().join("file"), b"").unwrap();
    assert_eq!(
        open(&folder.path().join("file")).unwrap_err().kind(),
        ErrorKind::Invalid
    );
}
