//! Drafts stay out of sight until published; publication is one step and replaces nothing unasked; all that is
//! done from a plan can be done again.

use std::io::Write;

use stagedoor_storage::Token;

use crate::{
    ErrorKind, Published, folder_store, memory_store, names, open, path, planned, renamed,
    replacing, sweep,
};
use stagedoor_storage::Policy;

#[tokio::test]
async fn a_published_file_is_whole_and_nothing_else_remains() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path()).await;
    let draft = planned(&store, "e1", b"hello", "a/b/c.csv").await;
    assert!(!folder.path().join("a").exists());
    assert_eq!(store.publish(&draft).await.unwrap(), Published::Now);
    sweep(&store, "e1").await;
    assert_eq!(names(folder.path()), ["a", "a/b", "a/b/c.csv"]);
    assert_eq!(
        std::fs::read(folder.path().join("a/b/c.csv")).unwrap(),
        b"hello"
    );
}

#[tokio::test]
async fn an_existing_target_is_refused_or_replaced_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    for store in [folder_store(folder.path()).await, memory_store().await] {
        let target = path("user.csv");
        assert!(!store.exists(&target).await.unwrap());
        let first = planned(&store, "e1", b"old", "user.csv").await;
        store.publish(&first).await.unwrap();
        assert!(store.exists(&target).await.unwrap());
        let second = planned(&store, "e2", b"new", "user.csv").await;
        let error = store.publish(&second).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::AlreadyExists, "file user.csv already exists")
        );
        assert!(store.has_draft(&second.token).await.unwrap());
        assert_eq!(store.read(&target).await.unwrap(), "old");
        store.publish(&replacing(&second)).await.unwrap();
        assert_eq!(store.read(&target).await.unwrap(), "new");
        // The first one's file is not there any more: what has the name now is not taken for it.
        assert_eq!(
            store.publish(&first).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
        store.delete(&target).await.unwrap();
        store.delete(&target).await.unwrap();
    }
}

/// The same bytes are not the same file: a second export of them is refused like any other.
#[tokio::test]
async fn equal_bytes_do_not_make_a_second_export_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path()).await;
    let first = planned(&store, "e1", b"same", "a.csv").await;
    let second = planned(&store, "e2", b"same", "a.csv").await;
    store.publish(&first).await.unwrap();
    assert_eq!(
        store.publish(&second).await.unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
}

/// Publishing, withdrawing and discarding again changes nothing and says so.
#[tokio::test]
async fn each_step_of_a_plan_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path()).await;
    let file = planned(&store, "e1", b"hello", "a.csv").await;
    assert_eq!(store.publish(&file).await.unwrap(), Published::Now);
    assert_eq!(store.publish(&file).await.unwrap(), Published::Before);
    // A place whose files get another identity with time: told by their bytes.
    let moved = folder.path().join("moved");
    std::fs::copy(folder.path().join("a.csv"), &moved).unwrap();
    std::fs::rename(&moved, folder.path().join("a.csv")).unwrap();
    assert_eq!(store.publish(&file).await.unwrap(), Published::Before);
    sweep(&store, "e1").await;
    // That one is not withdrawn: it may be anybody's.
    store.withdraw(&file).await.unwrap();
    assert_eq!(names(folder.path()), ["a.csv"]);

    let file = planned(&store, "e2", b"other", "b.csv").await;
    store.publish(&file).await.unwrap();
    sweep(&store, "e2").await;
    store.withdraw(&file).await.unwrap();
    store.withdraw(&file).await.unwrap();
    assert_eq!(names(folder.path()), ["a.csv"]);
    // Nothing is there that a lost draft would have left: it may be another place, without its disk.
    let elsewhere = store.publish(&file).await.unwrap_err();
    assert_eq!(elsewhere.kind(), ErrorKind::Io);
    let work = folder.path().join(".stagedoor").join("e2");
    std::fs::create_dir_all(work).unwrap();
    assert_eq!(
        store.publish(&file).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    store.discard(&file.token).await.unwrap();
}

#[tokio::test]
async fn a_dropped_or_discarded_draft_is_gone_and_its_siblings_stay() {
    let folder = tempfile::tempdir().unwrap();
    for (store, is_folder) in [
        (folder_store(folder.path()).await, true),
        (memory_store().await, false),
    ] {
        let target = path("a.csv");
        let mut half = store.draft("e1", 1, &target).await.unwrap();
        half.write_all(b"half").unwrap();
        let sibling = planned(&store, "e1", b"sibling", "a.csv").await;
        let third = store
            .draft("e1", 2, &path("c.csv"))
            .await
            .unwrap()
            .finish()
            .unwrap();
        drop(half);
        store.discard(&third.token).await.unwrap();
        store.discard(&third.token).await.unwrap();
        assert!(!store.has_draft(&third.token).await.unwrap());
        assert!(store.has_draft(&sibling.token).await.unwrap());
        store.publish(&sibling).await.unwrap();
        assert_eq!(store.read(&target).await.unwrap(), "sibling");
        sweep(&store, "e1").await;
        if is_folder {
            assert_eq!(names(folder.path()), ["a.csv"]);
        }
        store.delete(&target).await.unwrap();
    }
}

#[tokio::test]
async fn a_failed_publication_leaves_no_new_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path()).await;
    std::fs::create_dir_all(folder.path().join("a")).unwrap();
    std::fs::write(folder.path().join("a/file"), b"x").unwrap();
    let draft = planned(&store, "e1", b"hello", "a/file/b.csv").await;
    let error = store.publish(&draft).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    // A draft that is gone by the last step, after the folders have been made: publishing fails, they go.
    let many = renamed(&draft, "new/deep/er.csv");
    std::fs::create_dir_all(folder.path().join("other")).unwrap();
    std::fs::write(folder.path().join("other/er.csv"), b"x").unwrap();
    let taken = renamed(&draft, "other/er.csv");
    assert_eq!(
        store.publish(&taken).await.unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    // What has the name is a folder, which only the renaming itself finds out.
    std::fs::create_dir_all(folder.path().join("new/deep/er.csv/x")).unwrap();
    assert!(store.publish(&replacing(&many)).await.is_err());
    sweep(&store, "e1").await;
    assert!(
        !names(folder.path())
            .iter()
            .any(|name| name.contains(".stagedoor"))
    );
}

#[tokio::test]
async fn only_files_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path()).await;
    std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
    std::fs::create_dir(folder.path().join("dir")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    for name in ["link", "dir", "socket"] {
        let draft = replacing(&planned(&store, "e1", b"x", name).await);
        let error = store.publish(&draft).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}: {error}");
        assert!(error.to_string().contains("not a file"), "{error}");
        sweep(&store, "e1").await;
    }
    assert_eq!(names(folder.path()), ["dir", "link", "socket"]);
}

#[tokio::test]
async fn what_a_crash_left_can_be_published_or_swept() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder_store(folder.path()).await;
    let file = planned(&first, "e1", b"hello", "x.csv").await;
    std::mem::forget(first.draft("e2", 0, &path("y.csv")).await.unwrap());
    std::mem::forget(first.draft("e3", 7, &path("z.csv")).await.unwrap());
    let kept = file.token.to_bytes();
    drop(first);

    let second = folder_store(folder.path()).await;
    let mut recorded = file.clone();
    recorded.token = Token::from_bytes(&kept).unwrap();
    second.publish(&recorded).await.unwrap();
    sweep(&second, "e1").await;
    sweep(&second, "e2").await;
    sweep(&second, "e2").await;
    assert_eq!(
        names(folder.path()),
        [".stagedoor", ".stagedoor/e3", ".stagedoor/e3/7", "x.csv"]
    );
    second.sweep_all().await.unwrap();
    assert_eq!(names(folder.path()), ["x.csv"]);

    // As versions before tokens recorded it: by its number.
    let old = planned(&second, "e4", b"old", "old.csv").await;
    let mut by_number = old.clone();
    by_number.token = Token::of_file("e4", 0);
    second.publish(&by_number).await.unwrap();
    assert_eq!(second.publish(&by_number).await.unwrap(), Published::Before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_exports_at_once_share_the_reserved_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path()).await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..50 {
                    let id = format!("e-{task}-{round}");
                    let file = planned(&store, &id, b"x", &format!("{id}.csv")).await;
                    store.publish(&file).await.unwrap();
                    sweep(&store, &id).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(names(folder.path()).len(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_racing_for_a_name_wins() {
    let folder = tempfile::tempdir().unwrap();
    for (store, rounds) in [
        (folder_store(folder.path()).await, 20),
        (memory_store().await, 200),
    ] {
        for round in 0..rounds {
            let target = format!("same-{round}.csv");
            let racers: Vec<_> = (0..8)
                .map(|n| {
                    let (store, target) = (store.clone(), target.clone());
                    tokio::spawn(async move {
                        let file = planned(&store, &format!("e{n}"), b"x", &target).await;
                        store.publish(&file).await.is_ok()
                    })
                })
                .collect();
            let mut won = 0;
            for racer in racers {
                won += usize::from(racer.await.unwrap());
            }
            assert_eq!(won, 1);
            for n in 0..8 {
                sweep(&store, &format!("e{n}")).await;
            }
        }
    }
}

#[tokio::test]
async fn two_openings_of_one_memory_are_one_place() {
    let (first, second) = (super::memory_of("one").await, super::memory_of("one").await);
    let file = planned(&first, "two", b"x", "two.csv").await;
    second.publish(&file).await.unwrap();
    assert_eq!(first.read(&path("two.csv")).await.unwrap(), "x");
    first.delete(&path("two.csv")).await.unwrap();
}

#[tokio::test]
async fn a_missing_or_read_only_or_false_folder_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(&folder.path().join("missing"), &Policy::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .to_string()
            .ends_with("missing': no such file or directory; it is not made by itself, for it may be on a disk that is not mounted: mount that, or make the folder"),
        "{error}"
    );
    std::fs::write(folder.path().join("file"), b"").unwrap();
    assert_eq!(
        open(&folder.path().join("file"), &Policy::default())
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Invalid
    );
}
