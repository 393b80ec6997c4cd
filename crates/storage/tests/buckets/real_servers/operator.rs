//! Reading, listing and deleting through OpenDAL, signed by us.

use std::time::Duration;

use futures::TryStreamExt;
use stagedoor_storage::{ObjectOptions, OnExisting};

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

on_both!(a_presigned_url_reads_without_a_key, presigned);
async fn presigned(place: Place) {
    let bucket = place.open().await;
    let options = ObjectOptions::default();
    let put = bucket
        .uploads()
        .put("a b.csv", bytes(1000, 4), &options, OnExisting::Refuse);
    put.await.unwrap();
    let url = bucket
        .uploads()
        .presign_read("a b.csv", Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(get(&place, &url), (200, bytes(1000, 4).to_vec()));
    let other = url.replace("a%20b.csv", "a%20c.csv");
    assert_eq!(get(&place, &other).0, 403);
}

/// The status and the body that anyone gets.
fn get(place: &Place, url: &str) -> (u16, Vec<u8>) {
    use std::io::{Read, Write};

    let (_, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", place.upstream)).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    (status, answer[end + 4..].to_vec())
}
