//! Reading, listing and deleting through OpenDAL, signed by us.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use stagedoor_storage::{ErrorKind, ObjectOptions, ObjectPath, OnExisting, PresignedAccess, Store};
use test_servers::fetch;

use crate::place::{Place, bytes, on_both};

on_both!(what_is_written_is_listed_read_and_removed, all);
async fn all(place: Place) {
    let bucket = place.open().await;
    let keys = ["a b+&\u{e9}.csv", "d/e/f.csv", "d/g.csv"];
    for (seed, key) in (0..).zip(keys) {
        let options = ObjectOptions::default();
        let put = bucket
            .uploads()
            .put(key, bytes(1000, seed), &options, OnExisting::Refuse);
        put.await.unwrap();
    }
    let operator = bucket.operator();
    let lister = operator.lister_with("").recursive(true).await.unwrap();
    let entries: Vec<_> = lister.try_collect().await.unwrap();
    let mut found: Vec<(&str, u64)> = entries
        .iter()
        .filter(|entry| entry.metadata().is_file())
        .map(|entry| (entry.path(), entry.metadata().content_length()))
        .collect();
    found.sort_unstable();
    assert_eq!(found, keys.map(|key| (key, 1000)));
    let top = operator.list("").await.unwrap();
    assert!(top.iter().any(|entry| entry.path() == "d/"), "{top:?}");

    let read = operator.read_with("d/g.csv").range(10..20).await.unwrap();
    assert_eq!(read.to_vec(), bytes(1000, 2)[10..20]);
    assert!(operator.exists(keys[0]).await.unwrap());
    assert!(!operator.exists("none").await.unwrap());
    let missing = operator.read("none").await.unwrap_err();
    assert_eq!(missing.kind(), opendal::ErrorKind::NotFound);
    operator.delete("none").await.unwrap();
    for key in keys {
        operator.delete(key).await.unwrap();
        assert!(!operator.exists(key).await.unwrap());
    }
}

on_both!(
    a_presigned_request_reads_or_writes_one_object_without_a_key,
    presigned
);
async fn presigned(place: Place) {
    let bucket = place.open().await;
    let store = Store::from_backend(Arc::new(bucket.clone()));
    let (path, minute) = (
        ObjectPath::parse("a b+\u{e9}.csv").unwrap(),
        Duration::from_secs(60),
    );
    let write = store
        .presign(PresignedAccess::Write, &path, minute)
        .await
        .unwrap();
    assert_eq!(write.method, "PUT");
    let body = bytes(1000, 4);
    let put = |url: &str| fetch("PUT", url, &write.headers, &body).status;
    assert_eq!(put(&write.url), 200);
    // For another object, and for reading, it is worth nothing.
    assert_eq!(put(&write.url.replace("a%20b", "a%20c")), 403);
    assert_eq!(fetch("GET", &write.url, &[], b"").status, 403);

    let read = store
        .presign(PresignedAccess::Read, &path, minute)
        .await
        .unwrap();
    assert_eq!((read.method, read.headers.len()), ("GET", 0));
    let got = fetch("GET", &read.url, &[], b"");
    assert_eq!((got.status, got.body), (200, body.to_vec()));
    let other = read.url.replace("a%20b", "a%20c");
    assert_ne!(other, read.url);
    assert_eq!(fetch("GET", &other, &[], b"").status, 403);
    assert_eq!(put(&read.url), 403);

    // It ends.
    let brief = store.presign(PresignedAccess::Read, &path, Duration::from_secs(1));
    let url = brief.await.unwrap().url;
    let ended = Instant::now() + Duration::from_secs(20);
    while fetch("GET", &url, &[], b"").status != 403 {
        assert!(Instant::now() < ended, "the URL does not expire");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for wrong in [Duration::ZERO, Duration::from_secs(7 * 86_400 + 1)] {
        let error = store
            .presign(PresignedAccess::Read, &path, wrong)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

on_both!(many_objects_are_removed_at_once, removed_at_once);
async fn removed_at_once(place: Place) {
    let bucket = place.open().await;
    let names: Vec<String> = (0..12).map(|n| format!("d/{n}+ &\u{e9}.csv")).collect();
    let options = ObjectOptions::default();
    for name in &names {
        let uploads = bucket.uploads();
        let put = uploads.put(name, bytes(10, 1), &options, OnExisting::Refuse);
        put.await.unwrap();
    }
    let store = Store::from_backend(Arc::new(bucket));
    let paths: Vec<ObjectPath> = names
        .iter()
        .skip(1)
        .map(|name| ObjectPath::parse(name).unwrap())
        .collect();
    assert!(store.delete_all(&paths).await.unwrap().is_empty());
    // What is not there is no error.
    assert!(store.delete_all(&paths).await.unwrap().is_empty());
    let left: Vec<_> = store.list(None).try_collect().await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].path.as_str(), names[0]);
}

on_both!(an_object_is_read_as_one_version, one_version);
async fn one_version(place: Place) {
    let bucket = place.open().await;
    let options = ObjectOptions::default();
    let put = async |seed| {
        let uploads = bucket.uploads();
        let put = uploads.put("a", bytes(3_000_000, seed), &options, OnExisting::Replace);
        put.await.unwrap();
    };
    put(1).await;
    let store = Store::from_backend(Arc::new(bucket.clone()));
    let path = ObjectPath::parse("a").unwrap();
    let reading = store.open_file(&path, 2_999_990, None).await.unwrap();
    let etag = reading.info.etag.clone().unwrap();
    let read: Vec<_> = reading.bytes.try_collect().await.unwrap();
    assert_eq!(read.concat(), bytes(3_000_000, 1)[2_999_990..]);
    put(2).await;
    let error = store.open_file(&path, 10, Some(&etag)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed, "{error}");
}
