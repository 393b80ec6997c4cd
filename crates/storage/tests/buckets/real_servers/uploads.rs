//! Multipart uploads and small objects: invisible until complete, then whole, and never over another.

use std::time::SystemTime;

use stagedoor_storage::{
    BucketErrorKind, BucketResult, ObjectOptions, OnExisting, PartTag, UploadId, Uploads,
};

use crate::place::{Place, bytes, on_both, open_uploads};

/// Above the least length of a part that is not the last, at both stores.
const PART: usize = 5 << 20;

fn options() -> ObjectOptions {
    ObjectOptions {
        content_type: Some("text/csv".to_owned()),
    }
}

async fn begun(uploads: &Uploads, key: &str, seed: u8) -> (UploadId, Vec<PartTag>) {
    let id = uploads.create(key, &options()).await.unwrap();
    let tag = uploads
        .put_part(key, &id, 1, bytes(1000, seed))
        .await
        .unwrap();
    (id, vec![tag])
}

on_both!(an_object_appears_when_its_upload_is_completed, appears);
async fn appears(place: Place) {
    let bucket = place.open().await;
    let uploads = bucket.uploads();
    let key = "d/a b+\u{e9}.csv";
    let id = uploads.create(key, &options()).await.unwrap();
    let (first, last) = (bytes(PART, 1), bytes(70_001, 2));
    let second = uploads.put_part(key, &id, 2, last.clone()).await.unwrap();
    // The same number again replaces it.
    uploads.put_part(key, &id, 1, bytes(PART, 9)).await.unwrap();
    let first_tag = uploads.put_part(key, &id, 1, first.clone()).await.unwrap();
    assert!(
        first_tag.verified && second.verified,
        "{first_tag:?} {second:?}"
    );
    let error = uploads.head(key).await.unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::NotFound);

    let open = open_uploads(&bucket).await;
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].key.as_str(), &open[0].id), (key, &id));
    assert!(open[0].initiated.unwrap() <= SystemTime::now() + std::time::Duration::from_secs(5));

    let parts = [first_tag, second];
    let completed = uploads
        .complete(key, &id, &parts, OnExisting::Refuse)
        .await
        .unwrap();
    let whole = [first, last].concat();
    let head = uploads.head(key).await.unwrap();
    assert_eq!(head.bytes, whole.len() as u64);
    assert_eq!(head.etag, completed.etag);
    assert_eq!(head.crc, Some(completed.crc));
    assert!(open_uploads(&bucket).await.is_empty());
    assert_eq!(bucket.operator().read(key).await.unwrap().to_vec(), whole);
    let metadata = bucket.operator().stat(key).await.unwrap();
    assert_eq!(metadata.content_type(), Some("text/csv"));

    // Done before: there is nothing left to complete, and nothing to abort.
    let again = uploads
        .complete(key, &id, &parts, OnExisting::Replace)
        .await;
    if let Err(error) = again {
        assert_eq!(*error.kind(), BucketErrorKind::NoSuchUpload, "{error}");
    }
    uploads.abort(key, &id).await.unwrap();
}

on_both!(a_second_complete_is_refused, second_complete);
async fn second_complete(place: Place) {
    let bucket = place.open().await;
    let uploads = bucket.uploads();
    let (first, first_parts) = begun(uploads, "k", 1).await;
    let (second, second_parts) = begun(uploads, "k", 2).await;
    uploads
        .complete("k", &first, &first_parts, OnExisting::Refuse)
        .await
        .unwrap();
    let error = uploads
        .complete("k", &second, &second_parts, OnExisting::Refuse)
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::AlreadyExists, "{error}");
    assert_eq!(
        bucket.operator().read("k").await.unwrap().to_vec(),
        bytes(1000, 1)
    );
    uploads
        .complete("k", &second, &second_parts, OnExisting::Replace)
        .await
        .unwrap();
    assert_eq!(
        bucket.operator().read("k").await.unwrap().to_vec(),
        bytes(1000, 2)
    );
}

/// SeaweedFS looks first and completes then, so that several win there; the double does as OSS does.
#[tokio::test]
async fn of_sixteen_completed_at_once_one_wins() {
    let bucket = Place::oss("race").open().await;
    let uploads = bucket.uploads();
    let mut ready = Vec::new();
    for seed in 0..16 {
        let (id, parts) = begun(uploads, "k", seed).await;
        ready.push((seed, id, parts));
    }
    let all = ready.into_iter().map(|(seed, id, parts)| async move {
        let done = uploads.complete("k", &id, &parts, OnExisting::Refuse).await;
        if done.is_err() {
            uploads.abort("k", &id).await.unwrap();
        }
        (seed, done.map(drop))
    });
    let winner = one_winner(futures::future::join_all(all).await);
    let read = bucket.operator().read("k").await.unwrap().to_vec();
    assert_eq!(read, bytes(1000, winner));
    assert!(open_uploads(&bucket).await.is_empty());
}

on_both!(of_sixteen_put_at_once_one_wins, put_race);
async fn put_race(place: Place) {
    let bucket = place.open().await;
    let uploads = bucket.uploads();
    let all = (0..16).map(|seed| async move {
        let options = options();
        let put = uploads.put("k", bytes(1000, seed), &options, OnExisting::Refuse);
        (seed, put.await.map(drop))
    });
    let winner = one_winner(futures::future::join_all(all).await);
    let read = bucket.operator().read("k").await.unwrap().to_vec();
    assert_eq!(read, bytes(1000, winner));
}

fn one_winner(all: Vec<(u8, BucketResult<()>)>) -> u8 {
    let mut winners = Vec::new();
    for (seed, done) in all {
        match done {
            Ok(()) => winners.push(seed),
            Err(error) => {
                let refused = [BucketErrorKind::AlreadyExists, BucketErrorKind::Conflict];
                assert!(refused.contains(error.kind()), "{error}");
            }
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    winners[0]
}

on_both!(an_aborted_upload_leaves_nothing, aborted);
async fn aborted(place: Place) {
    let bucket = place.open().await;
    let uploads = bucket.uploads();
    let (id, parts) = begun(uploads, "k", 1).await;
    uploads.abort("k", &id).await.unwrap();
    uploads.abort("k", &id).await.unwrap();
    assert!(open_uploads(&bucket).await.is_empty());
    let error = uploads
        .complete("k", &id, &parts, OnExisting::Refuse)
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::NoSuchUpload, "{error}");
    let error = uploads
        .put_part("k", &id, 2, bytes(10, 1))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::NoSuchUpload, "{error}");
}

on_both!(a_small_object_is_put_once, put_once);
async fn put_once(place: Place) {
    let bucket = place.open().await;
    let uploads = bucket.uploads();
    let put = |seed, on_existing| {
        let uploads = uploads.clone();
        async move {
            uploads
                .put("m.json", bytes(500, seed), &options(), on_existing)
                .await
        }
    };
    let done = put(1, OnExisting::Refuse).await.unwrap();
    assert!(done.verified, "{done:?}");
    let error = put(2, OnExisting::Refuse).await.unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::AlreadyExists, "{error}");
    put(3, OnExisting::Replace).await.unwrap();
    let read = bucket.operator().read("m.json").await.unwrap().to_vec();
    assert_eq!(read, bytes(500, 3));
}

on_both!(parts_that_are_none_are_refused, wrong_parts);
async fn wrong_parts(place: Place) {
    let bucket = place.open().await;
    let uploads = bucket.uploads();
    let (id, parts) = begun(uploads, "k", 1).await;
    let mut wrong = parts.clone();
    wrong[0].etag = "\"00000000000000000000000000000000\"".to_owned();
    for parts in [Vec::new(), wrong, [parts.clone(), parts.clone()].concat()] {
        let done = uploads.complete("k", &id, &parts, OnExisting::Refuse).await;
        assert_eq!(
            *done.unwrap_err().kind(),
            BucketErrorKind::Invalid,
            "{parts:?}"
        );
    }
    uploads.abort("k", &id).await.unwrap();
}

on_both!(a_list_of_uploads_is_of_the_place_alone, own_uploads);
async fn own_uploads(place: Place) {
    let beside = format!("{}-beside", place.url);
    let beside = place.clone().at(&beside).open().await;
    let bucket = place.open().await;
    let (beside_id, _) = begun(beside.uploads(), "k", 1).await;
    let mut keys = Vec::new();
    for number in 0..7 {
        let key = format!("x/{number} +&\u{e9}");
        begun(bucket.uploads(), &key, 1).await;
        keys.push(key);
    }
    let mut found: Vec<String> = Vec::new();
    for open in open_uploads(&bucket).await {
        found.push(open.key.clone());
        bucket.uploads().abort(&open.key, &open.id).await.unwrap();
    }
    found.sort();
    assert_eq!(found, keys);
    let left = open_uploads(&beside).await;
    assert_eq!(left.len(), 1);
    beside.uploads().abort("k", &beside_id).await.unwrap();
}
