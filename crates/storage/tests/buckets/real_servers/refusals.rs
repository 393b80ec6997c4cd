//! What a store refuses: each with its kind, a text that names what to change, and no secret in it.

use stagedoor_storage::{
    BucketError, BucketErrorKind, ErrorKind, ObjectOptions, OnExisting, Uploads,
};
use test_servers::{Oss, OssSettings, Weed};

use crate::place::{Place, QUICK, bytes, local, on_both, resolving};

async fn refused(uploads: &Uploads) -> BucketError {
    let error = uploads
        .create("k", &ObjectOptions::default())
        .await
        .unwrap_err();
    let text = format!("{error} {error:?}");
    for secret in ["planted", test_servers::SECRET, test_servers::KEY] {
        assert!(!text.contains(secret), "{text}");
    }
    error
}

on_both!(a_wrong_secret, wrong_secret);
async fn wrong_secret(place: Place) {
    let bucket = place.with("secret_access_key", "planted").open().await;
    let error = refused(bucket.uploads()).await;
    assert_eq!(*error.kind(), BucketErrorKind::WrongSignature, "{error}");
    assert!(error.to_string().contains("'secret_access_key'"), "{error}");
    let read = bucket.operator().read("k").await.unwrap_err();
    assert_eq!(read.kind(), opendal::ErrorKind::PermissionDenied);
    assert!(read.to_string().contains("'secret_access_key'"), "{read}");
    assert!(!format!("{read:?}").contains("planted"), "{read:?}");
}

on_both!(an_unknown_key, unknown_key);
async fn unknown_key(place: Place) {
    let bucket = place.with("access_key_id", "planted-key").open().await;
    let error = refused(bucket.uploads()).await;
    assert_eq!(*error.kind(), BucketErrorKind::UnknownKey, "{error}");
    assert!(error.to_string().contains("'access_key_id'"), "{error}");
    let stage: stagedoor_storage::Error = error.into();
    assert_eq!(stage.kind(), ErrorKind::Refused);
}

on_both!(a_missing_bucket, missing_bucket);
async fn missing_bucket(place: Place) {
    let scheme = place.url.split("://").next().unwrap().to_owned();
    let bucket = place
        .at(&format!("{scheme}://no-such-bucket/p"))
        .open()
        .await;
    let error = refused(bucket.uploads()).await;
    assert_eq!(*error.kind(), BucketErrorKind::NoSuchBucket, "{error}");
    let list = bucket.operator().list("").await.unwrap_err();
    assert!(list.to_string().contains("no such bucket"), "{list}");
}

#[tokio::test]
async fn a_key_that_may_only_read() {
    let place = Place::s3("may_only_read")
        .with("access_key_id", Weed::READER_KEY)
        .with("secret_access_key", Weed::READER_SECRET);
    let bucket = place.open().await;
    let error = refused(bucket.uploads()).await;
    assert_eq!(*error.kind(), BucketErrorKind::AccessDenied, "{error}");
    let options = ObjectOptions::default();
    let put = bucket
        .uploads()
        .put("k", bytes(9, 1), &options, OnExisting::Refuse);
    let error = put.await.unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::AccessDenied, "{error}");
    assert!(bucket.operator().list("").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_region_of_oss_names_the_right_one() {
    let bucket = Place::oss("wrong_region")
        .with("region", "cn-other")
        .open()
        .await;
    let error = refused(bucket.uploads()).await;
    let right = BucketErrorKind::WrongRegion(Some(Oss::REGION.to_owned()));
    assert_eq!(*error.kind(), right, "{error}");
    assert!(
        error.to_string().contains("'region' = 'cn-test'"),
        "{error}"
    );
}

#[tokio::test]
async fn clocks_that_differ() {
    let oss = Oss::start(&OssSettings {
        clock_ahead: 3600,
        ..OssSettings::default()
    });
    let bucket = Place::in_double(&oss, "skew").open().await;
    let error = refused(bucket.uploads()).await;
    assert_eq!(*error.kind(), BucketErrorKind::ClockSkew, "{error}");
    assert!(error.to_string().contains("clock"), "{error}");
}

/// As buckets made since V1 was given up: what we send without being asked is V4.
#[tokio::test]
async fn v1_only_where_asked_and_taken() {
    let only_v4 = Oss::start(&OssSettings {
        signatures: "v4",
        ..OssSettings::default()
    });
    let place = Place::in_double(&only_v4, "v4");
    let put = |place: Place| async move {
        let bucket = place.open().await;
        let options = ObjectOptions::default();
        let put = bucket
            .uploads()
            .put("k", bytes(9, 1), &options, OnExisting::Replace);
        put.await
    };
    put(place.clone()).await.unwrap();
    let error = put(place.with("signature_version", "v1"))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::AccessDenied, "{error}");
    // One of its own: the log of a shared one is short, and everybody's.
    let both = Oss::start(&OssSettings::default());
    put(Place::in_double(&both, "v1").with("signature_version", "v1"))
        .await
        .unwrap();
    let signed: Vec<String> = both
        .log()
        .iter()
        .filter(|entry| entry["path"] == "/exports/v1/k")
        .map(|entry| entry["signature"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(signed, ["v1"]);
}

/// A bucket before the host, in both signatures; its name resolves to this machine in the test.
#[tokio::test]
async fn a_bucket_before_the_host() {
    let oss = crate::place::shared_oss();
    let host = format!("{}.{}", test_servers::BUCKET, Oss::HOST);
    for version in ["v4", "v1"] {
        let folder = format!("virtual_{version}");
        let place = Place::oss(&folder)
            .with("endpoint", &oss.virtual_endpoint())
            .with("signature_version", version);
        let transport = resolving(local(), &[&host]);
        let bucket = place.open_with(&transport, QUICK).await.unwrap();
        let uploads = bucket.uploads();
        let options = ObjectOptions::default();
        let id = uploads.create("a b", &options).await.unwrap();
        let part = uploads.put_part("a b", &id, 1, bytes(99, 1)).await.unwrap();
        assert_eq!(crate::place::open_uploads(&bucket).await.len(), 1);
        uploads
            .complete("a b", &id, &[part], OnExisting::Refuse)
            .await
            .unwrap();
        let listed = bucket.operator().list("").await.unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
        let read = bucket.operator().read("a b").await.unwrap().to_vec();
        assert_eq!(read, bytes(99, 1));
        bucket.operator().delete("a b").await.unwrap();
    }
}

#[tokio::test]
async fn an_archived_object_is_to_be_restored_first() {
    let bucket = Place::oss("archived")
        .with("storage_class", "Archive")
        .open()
        .await;
    let options = ObjectOptions::default();
    let put = bucket
        .uploads()
        .put("k", bytes(9, 1), &options, OnExisting::Replace);
    put.await.unwrap();
    let head = bucket.uploads().head("k").await.unwrap();
    assert_eq!(head.storage_class.as_deref(), Some("Archive"));
    let error = bucket.operator().read("k").await.unwrap_err();
    assert!(error.to_string().contains("restore it first"), "{error}");
}
