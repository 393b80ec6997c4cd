//! Nothing outside the folder is read, listed or written, whatever links lie in it.

use std::os::unix::fs::symlink;

use stagedoor_storage::{ErrorKind, Location, OnExisting, Policy, Store};

use crate::{finished, folder_store, names, path};

#[tokio::test]
async fn links_are_neither_read_nor_written_through() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), b"s").unwrap();
    let folder = tempfile::tempdir().unwrap();
    symlink(outside.path(), folder.path().join("dir")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("file")).unwrap();
    symlink(outside.path().join("new"), folder.path().join("dangling")).unwrap();
    std::fs::write(folder.path().join("good"), b"g").unwrap();
    let store = folder_store(folder.path());

    assert_eq!(
        store.read(&path("file")).await.unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        store.read(&path("dir/secret")).await.unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        store.exists(&path("dir/secret")).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let listed: Vec<String> = store
        .list("")
        .await
        .unwrap()
        .into_iter()
        .map(|file| file.path.to_string())
        .collect();
    assert_eq!(listed, ["good"]);

    let draft = finished(&store, "e1", b"x");
    for target in ["dir/new.csv", "dir/secret", "file", "dangling"] {
        assert!(
            store
                .publish(&draft, &path(target), OnExisting::Refuse)
                .is_err(),
            "{target}"
        );
    }
    // Replacing replaces the link itself, never what it points at.
    store
        .publish(&draft, &path("file"), OnExisting::Replace)
        .unwrap();
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"s");
    assert_eq!(names(outside.path()), ["secret"]);
}

#[test]
fn a_reserved_folder_that_is_a_link_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    symlink(outside.path(), folder.path().join(".stagedoor")).unwrap();
    let store = folder_store(folder.path());
    assert!(store.draft("e1", 0).is_err());
    assert_eq!(names(outside.path()), Vec::<String>::new());
}

#[tokio::test]
async fn the_policy_holds_for_the_root_and_for_what_is_below_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("key"), b"k").unwrap();
    let policy = Policy::default().deny(&data);
    let open = |root: &std::path::Path| {
        Store::open(&Location::parse(root.to_str().unwrap()).unwrap(), &policy)
    };
    assert_eq!(open(&data).unwrap_err().kind(), ErrorKind::PermissionDenied);
    let store = open(folder.path()).unwrap();
    assert_eq!(
        store.read(&path("data/key")).await.unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert!(store.list("").await.unwrap().is_empty());
    let draft = finished(&store, "e1", b"x");
    let error = store
        .publish(&draft, &path("data/x"), OnExisting::Refuse)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(open(std::path::Path::new("/proc/self")).is_err());
}

#[tokio::test]
async fn globs_match_within_the_place() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.csv", "b.csv", "sub/c.csv", "sub/d.parquet"] {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, b"x").unwrap();
    }
    let store = folder_store(folder.path());
    for (pattern, want) in [
        ("*.csv", vec!["a.csv", "b.csv"]),
        ("sub/*", vec!["sub/c.csv", "sub/d.parquet"]),
        ("**/*.csv", vec!["a.csv", "b.csv", "sub/c.csv"]),
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
}

#[tokio::test]
async fn a_sub_place_is_confined_to_its_prefix() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("above"), b"x").unwrap();
    let location = Location::parse(folder.path().to_str().unwrap())
        .unwrap()
        .join(&path("sub"));
    let store = Store::open(&location, &Policy::default()).unwrap();
    let draft = finished(&store, "e1", b"x");
    store
        .publish(&draft, &path("in.csv"), OnExisting::Refuse)
        .unwrap();
    store.discard("e1").unwrap();
    assert_eq!(names(folder.path()), ["above", "sub", "sub/in.csv"]);
    let listed = store.list("").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].path.as_str(), "in.csv");
    assert!(store.read(&path("above")).await.is_err());
}
