//! Files that are there: read as one version, removed, and nothing but files.

use std::os::unix::fs::symlink;
use std::time::Duration;

use futures::TryStreamExt;
use stagedoor_storage::{PresignedAccess, Store};

use crate::{
    ErrorKind, Result, folder_store, memory_of, memory_store, names, path, planned, replacing,
    sweep,
};

async fn published(store: &Store, work: &str, body: &[u8], target: &str) {
    let file = planned(store, work, body, target).await;
    store.publish(&replacing(&file)).await.unwrap();
    sweep(store, work).await;
}

async fn rest(store: &Store, name: &str, from: u64, etag: Option<&str>) -> Result<Vec<u8>> {
    let reading = store.open_file(&path(name), from, etag).await?;
    let pieces: Vec<_> = reading.bytes.try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn a_file_is_read_from_any_byte_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than a piece.
    let body: Vec<u8> = (0..5_000_001u32).map(|n| (n / 7) as u8).collect();
    for store in [folder_store(folder.path()).await, memory_store().await] {
        published(&store, "read", &body, "a/b.bin").await;
        let info = store.stat(&path("a/b.bin")).await.unwrap();
        let etag = info.etag.as_deref();
        for from in [0, 1, 4_999_999, 5_000_000, 5_000_001] {
            let read = rest(&store, "a/b.bin", from, etag).await.unwrap();
            assert!(read == body[from as usize..], "from {from}");
        }
        let error = rest(&store, "a/b.bin", 5_000_002, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        let error = rest(&store, "a", 0, None).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound),
            "{error}"
        );
        let error = rest(&store, "none", 0, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}

#[tokio::test]
async fn two_versions_are_never_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path()).await;
    published(&store, "one", &[1; 3_000_000], "a.bin").await;
    let first = store.stat(&path("a.bin")).await.unwrap().etag;
    let reading = store.open_file(&path("a.bin"), 0, None).await.unwrap();
    let mut bytes = reading.bytes;
    bytes.try_next().await.unwrap().unwrap();
    published(&store, "two", &[2; 3_000_000], "a.bin").await;
    // What is read on is the old file's, and the end says that it is gone.
    let error = loop {
        match bytes.try_next().await {
            Ok(Some(piece)) => assert!(piece.iter().all(|byte| *byte == 1)),
            Ok(None) => panic!("the end of a version that is gone"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Changed, "{error}");
    let error = rest(&store, "a.bin", 10, first.as_deref())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed, "{error}");
}

#[tokio::test]
async fn only_files_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path()).await;
    for name in ["a.csv", "d/b.csv", "d/c.csv"] {
        published(&store, "remove", b"x", name).await;
    }
    symlink(folder.path().join("a.csv"), folder.path().join("link")).unwrap();
    symlink(folder.path().join("d"), folder.path().join("way")).unwrap();
    for refused in ["link", "way/b.csv", "d"] {
        let error = store.delete(&path(refused)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{refused}: {error}");
    }
    let all = ["d/b.csv", "none", "d/none", "none/x", "d/c.csv"].map(path);
    assert!(store.delete_all(&all).await.unwrap().is_empty());
    published(&store, "remove", b"x", "d/again.csv").await;
    let left = store.delete_all(&["link", "d/again.csv"].map(path)).await;
    let left: Vec<_> = left.unwrap().into_iter().map(|left| left.path).collect();
    assert_eq!(left, [path("link")]);
    assert!(!store.exists(&path("d/again.csv")).await.unwrap());
    // Folders stay.
    assert_eq!(names(folder.path()), ["a.csv", "d", "link", "way"]);

    let memory = memory_store().await;
    published(&memory, "remove", b"x", "removed/a").await;
    published(&memory, "remove", b"x", "removed/b").await;
    memory
        .delete_all(&[path("removed/a"), path("none")])
        .await
        .unwrap();
    assert!(!memory.exists(&path("removed/a")).await.unwrap());
    assert!(memory.exists(&path("removed/b")).await.unwrap());
}

#[tokio::test]
async fn no_url_leads_to_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for store in [folder_store(folder.path()).await, memory_store().await] {
        for access in [PresignedAccess::Read, PresignedAccess::Write] {
            let path = path("a");
            let presigned = store.presign(access, &path, Duration::from_secs(60));
            let error = presigned.await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }
}

async fn found(store: &Store, what: &str, after: Option<&str>) -> Vec<String> {
    let after = after.map(path);
    let files = store.find(what, after.as_ref()).await.unwrap();
    let files: Vec<_> = files.try_collect().await.unwrap();
    files.iter().map(|file| file.path.to_string()).collect()
}

#[tokio::test]
async fn a_path_finds_a_file_a_folder_or_a_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let all = ["a", "b-c", "b.csv", "b/1.csv", "b/2.csv", "b/c/3.csv", "c"];
    for store in [folder_store(folder.path()).await, memory_of("find").await] {
        for name in all {
            published(&store, "find", b"x", name).await;
        }
        assert_eq!(found(&store, "", None).await, all);
        assert_eq!(found(&store, "b.csv", None).await, ["b.csv"]);
        for same in ["b", "b/"] {
            assert_eq!(
                found(&store, same, None).await,
                ["b/1.csv", "b/2.csv", "b/c/3.csv"]
            );
        }
        assert_eq!(found(&store, "b/*.csv", None).await, all[3..5]);
        assert_eq!(found(&store, "**/*.csv", None).await, all[2..6]);
        for nothing in ["none", "none/", "b.csv/", "none/*"] {
            assert_eq!(found(&store, nothing, None).await, [""; 0], "{nothing}");
        }
        // From behind any of them on, also one that is gone.
        for (at, name) in all.iter().enumerate() {
            assert_eq!(found(&store, "", Some(name)).await, all[at + 1..], "{name}");
        }
        assert_eq!(found(&store, "", Some("b/1")).await, all[3..]);
        assert_eq!(found(&store, "", Some("b/c/9")).await, all[6..]);
        assert_eq!(found(&store, "b", Some("b/1.csv")).await, all[4..6]);
        assert_eq!(found(&store, "**/*.csv", Some("b/1.csv")).await, all[4..6]);
        assert_eq!(found(&store, "a", Some("a")).await, [""; 0]);
    }
}
