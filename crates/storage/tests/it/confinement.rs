//! Nothing outside the folder is read, listed or written, whatever links lie in it.

use std::os::unix::fs::symlink;

use futures::TryStreamExt;
use stagedoor_storage::{ErrorKind, FileInfo, Location, Policy, Store};

use crate::{folder_store, names, open, path, planned, renamed, replacing, sweep};

async fn listed(store: &Store) -> Vec<String> {
    let all: Vec<FileInfo> = store.list(None).try_collect().await.unwrap();
    all.into_iter().map(|file| file.path.to_string()).collect()
}

#[tokio::test]
async fn links_are_neither_read_nor_written_through() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), b"s").unwrap();
    let folder = tempfile::tempdir().unwrap();
    symlink(outside.path(), folder.path().join("dir")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("file")).unwrap();
    symlink(outside.path().join("new"), folder.path().join("dangling")).unwrap();
    std::fs::write(folder.path().join("good"), b"g").unwrap();
    let store = folder_store(folder.path()).await;

    for link in ["file", "dir/secret"] {
        let error = store.read(&path(link)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.to_string().contains("symbolic link"), "{error}");
        let error = store.stat(&path(link)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    }
    assert_eq!(
        store.exists(&path("dir/secret")).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert_eq!(listed(&store).await, ["good"]);

    let draft = planned(&store, "e1", b"x", "new").await;
    for target in ["dir/new.csv", "dir/secret", "file", "dangling"] {
        for draft in [renamed(&draft, target), replacing(&renamed(&draft, target))] {
            assert!(store.publish(&draft).await.is_err(), "{target}");
        }
    }
    assert!(store.delete(&path("file")).await.is_err());
    assert!(store.delete(&path("dir/secret")).await.is_err());
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"s");
    assert_eq!(names(outside.path()), ["secret"]);
}

/// A folder that becomes a link while a place is open and files are being read: a reader sees the file it opened,
/// or an error, never what the link leads to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_swapped_for_a_link_leads_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("file"), b"secret").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (dir, aside) = (folder.path().join("dir"), folder.path().join("aside"));
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("file"), b"public").unwrap();
    let store = folder_store(folder.path()).await;
    let swaps = std::thread::spawn({
        let outside = outside.path().to_owned();
        move || {
            for _ in 0..2_000 {
                std::fs::rename(&dir, &aside).unwrap();
                symlink(&outside, &dir).unwrap();
                std::fs::remove_file(&dir).unwrap();
                std::fs::rename(&aside, &dir).unwrap();
            }
        }
    });
    let mut read = 0;
    while !swaps.is_finished() {
        if let Ok(bytes) = store.read(&path("dir/file")).await {
            assert_eq!(bytes, "public");
            read += 1;
        }
    }
    swaps.join().unwrap();
    assert!(read > 0);
}

#[tokio::test]
async fn a_reserved_folder_that_is_a_link_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    symlink(outside.path(), folder.path().join(".stagedoor")).unwrap();
    let store = folder_store(folder.path()).await;
    assert!(store.draft("e1", 0, &path("a")).await.is_err());
    assert_eq!(names(outside.path()), Vec::<String>::new());
}

/// A place within another one: the outer one neither lists, reads nor replaces the drafts of the inner one, and a
/// draft that somebody on the machine has changed is not published as what was digested.
#[tokio::test]
async fn drafts_are_nobodys_but_their_places() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("inner")).unwrap();
    let outer = folder_store(folder.path()).await;
    let inner = folder_store(&folder.path().join("inner")).await;
    let draft = planned(&inner, "e1", b"good", "a.csv").await;
    assert_eq!(listed(&outer).await, Vec::<String>::new());
    let hidden = folder.path().join("inner/.stagedoor/e1/0");
    let reserved = Location::Folder {
        root: folder.path().join("inner/.stagedoor/e1"),
        prefix: None,
    };
    let error = Store::open(&reserved, None, &Policy::default())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("is reserved"), "{error}");

    std::fs::write(&hidden, b"evil").unwrap();
    let error = inner.publish(&draft).await.unwrap_err();
    assert!(error.to_string().contains("changed"), "{error}");
    std::fs::remove_file(&hidden).unwrap();
    std::fs::write(&hidden, b"evil").unwrap();
    assert!(inner.publish(&draft).await.is_err());
    assert!(!folder.path().join("inner/a.csv").exists());

    // The same bytes under another identity, as after a restore of the disk: they are what was digested.
    std::fs::write(&hidden, b"good").unwrap();
    inner.publish(&draft).await.unwrap();
    assert_eq!(
        std::fs::read(folder.path().join("inner/a.csv")).unwrap(),
        b"good"
    );
}

#[tokio::test]
async fn names_of_works_cannot_leave_the_reserved_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder_store(folder.path()).await;
    for work in ["a/b", "..", "", "../x", "/x"] {
        assert!(store.draft(work, 0, &path("a")).await.is_err(), "{work}");
        assert!(store.sweep(work).await.is_err(), "{work}");
    }
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn the_policy_holds_for_the_root_and_for_what_is_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("key"), b"k").unwrap();
    let policy = Policy::default().deny(&data);
    assert_eq!(
        open(&data, &policy).await.unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    let store = open(folder.path(), &policy).await.unwrap();
    assert_eq!(
        store.read(&path("data/key")).await.unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        store.delete(&path("data/key")).await.unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(listed(&store).await, Vec::<String>::new());
    let draft = planned(&store, "e1", b"x", "data/x").await;
    let error = store.publish(&draft).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(
        open(std::path::Path::new("/proc/self"), &policy)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn globs_match_within_the_place() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "a.csv",
        "b.csv",
        "sub/c.csv",
        "sub/d.parquet",
        "sub-1/e.csv",
    ] {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, b"xyz").unwrap();
    }
    let store = folder_store(folder.path()).await;
    for (pattern, want) in [
        ("*.csv", vec!["a.csv", "b.csv"]),
        ("sub/*", vec!["sub/c.csv", "sub/d.parquet"]),
        (
            "**/*.csv",
            vec!["a.csv", "b.csv", "sub-1/e.csv", "sub/c.csv"],
        ),
        ("s*/c.csv", vec!["sub/c.csv"]),
        ("a.csv", vec!["a.csv"]),
        ("missing.csv", vec![]),
        ("missing/*.csv", vec![]),
    ] {
        let found = store.glob(pattern).await.unwrap();
        let found: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(found, want, "{pattern}");
    }
    assert!(store.glob("../*").await.is_err());
    assert!(store.glob("[").await.is_err());
    // In the byte order of whole paths, and with what looking at each file tells.
    assert_eq!(
        listed(&store).await,
        [
            "a.csv",
            "b.csv",
            "sub-1/e.csv",
            "sub/c.csv",
            "sub/d.parquet"
        ]
    );
    let all: Vec<FileInfo> = store.list(None).try_collect().await.unwrap();
    for file in all {
        assert_eq!(file.bytes, 3);
        assert!(file.modified.is_some() && file.etag.is_some());
        assert_eq!(store.stat(&file.path).await.unwrap(), file);
    }
}

#[tokio::test]
async fn a_place_that_is_gone_is_not_listed_as_empty() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("disk");
    std::fs::create_dir(&root).unwrap();
    let store = folder_store(&root).await;
    std::fs::remove_dir(&root).unwrap();
    assert!(store.list(None).try_collect::<Vec<_>>().await.is_err());
}

#[tokio::test]
async fn ranges_are_cut_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f"), b"0123456789").unwrap();
    let store = folder_store(folder.path()).await;
    for (range, want) in [(0..3, "012"), (8..100, "89"), (10..12, ""), (50..60, "")] {
        let read = store.read_range(&path("f"), range.clone()).await.unwrap();
        assert_eq!(read, want, "{range:?}");
    }
    assert_eq!(
        store
            .read_range(&path("no"), 0..1)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn a_sub_place_is_confined_to_its_prefix() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("above"), b"x").unwrap();
    let location = Location::parse(folder.path().to_str().unwrap())
        .unwrap()
        .join(&path("sub"));
    let store = Store::open(&location, None, &Policy::default())
        .await
        .unwrap();
    let draft = planned(&store, "e1", b"x", "in.csv").await;
    store.publish(&draft).await.unwrap();
    sweep(&store, "e1").await;
    assert_eq!(names(folder.path()), ["above", "sub", "sub/in.csv"]);
    assert_eq!(listed(&store).await, ["in.csv"]);
    assert!(store.read(&path("above")).await.is_err());
}
