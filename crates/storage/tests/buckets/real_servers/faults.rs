//! Connections cut, hanging and answered wrongly at every step: a typed error or a repair, and nothing left.

use stagedoor_storage::{
    BucketError, BucketErrorKind, BucketResult, Completed, ObjectOptions, OnExisting, Retry,
};
use test_servers::{Fault, Oss, OssSettings, Proxy};

use crate::place::{Place, QUICK, bytes, impatient, on_both, open_uploads, transport};

/// A step of an upload and what its request's head has.
const STEPS: [(&str, &str); 3] = [
    ("create", "?uploads"),
    ("part", "partNumber=1"),
    ("complete", "?uploadId="),
];

const ONCE: Retry = Retry { tries: 1, ..QUICK };

/// The place, reached through a proxy.
fn broken(place: &Place) -> (Proxy, Place) {
    let proxy = Proxy::start(([127, 0, 0, 1], place.upstream).into());
    let place = place.clone().with("endpoint", &proxy.endpoint());
    (proxy, place)
}

/// One upload of one part.
async fn upload(bucket: &stagedoor_storage::Bucket, key: &str) -> BucketResult<Completed> {
    let uploads = bucket.uploads();
    let id = uploads.create(key, &ObjectOptions::default()).await?;
    let part = uploads.put_part(key, &id, 1, bytes(200_000, 1)).await?;
    uploads
        .complete(key, &id, &[part], OnExisting::Refuse)
        .await
}

async fn sweep(bucket: &stagedoor_storage::Bucket) {
    for open in open_uploads(bucket).await {
        bucket.uploads().abort(&open.key, &open.id).await.unwrap();
    }
    assert!(open_uploads(bucket).await.is_empty());
}

on_both!(
    a_connection_cut_anywhere_is_a_typed_error_and_nothing_is_left,
    cut
);
async fn cut(place: Place) {
    let straight = place.open().await;
    let (proxy, place) = broken(&place);
    let bucket = place.open_with(&transport(), ONCE).await.unwrap();
    for (step, needle) in STEPS {
        for fault in [
            Fault::CutBefore,
            Fault::CutRequest,
            Fault::CutAnswer,
            Fault::CutInAnswer,
        ] {
            let key = format!("{step}-{fault:?}");
            let before = proxy.fired();
            proxy.arm(needle, fault, 1);
            let error: BucketError = upload(&bucket, &key).await.unwrap_err();
            assert_eq!(proxy.fired(), before + 1, "{key}: {error}");
            proxy.disarm();
            let want = if step == "complete" {
                BucketErrorKind::Ambiguous
            } else {
                BucketErrorKind::Interrupted
            };
            assert_eq!(*error.kind(), want, "{key}: {error}");
            assert!(error.to_string().contains(&key), "{key}: {error}");
            // Whole or not at all.
            match straight.uploads().head(&key).await {
                Ok(head) => {
                    assert_eq!(step, "complete", "{key}");
                    assert_eq!(head.bytes, 200_000);
                }
                Err(error) => assert_eq!(*error.kind(), BucketErrorKind::NotFound, "{key}"),
            }
            sweep(&straight).await;
        }
    }
}

on_both!(what_is_cut_once_is_repaired_where_that_is_safe, repaired);
async fn repaired(place: Place) {
    let straight = place.open().await;
    let (proxy, place) = broken(&place);
    let bucket = place.open_with(&transport(), QUICK).await.unwrap();
    for (step, needle) in &STEPS[..2] {
        for fault in [Fault::CutRequest, Fault::CutAnswer] {
            let key = format!("{step}-{fault:?}");
            proxy.arm(needle, fault, 2);
            upload(&bucket, &key).await.unwrap();
            assert_eq!(straight.uploads().head(&key).await.unwrap().bytes, 200_000);
        }
    }
    assert_eq!(proxy.fired(), 8);
    sweep(&straight).await;
}

on_both!(what_hangs_is_given_up, hanging);
async fn hanging(place: Place) {
    let straight = place.open().await;
    let (proxy, place) = broken(&place);
    let bucket = place.open_with(&impatient(), ONCE).await.unwrap();
    for (step, needle) in STEPS {
        let key = format!("{step}-hanging");
        proxy.arm(needle, Fault::Hang, 1);
        let error = upload(&bucket, &key).await.unwrap_err();
        let want = if step == "complete" {
            BucketErrorKind::Ambiguous
        } else {
            BucketErrorKind::TimedOut
        };
        assert_eq!(*error.kind(), want, "{key}: {error}");
        assert!(error.to_string().contains("nothing came"), "{error}");
        sweep(&straight).await;
    }
}

const SLOW_DOWN: &str = "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 42\r\nConnection: close\r\n\r\n<Error><Code>SlowDown</Code>      </Error>";
const HIDDEN: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 42\r\nConnection: close\r\n\r\n<Error><Code>InternalError</Code> </Error>";

on_both!(a_storm_of_503_is_waited_out_or_told, storm);
async fn storm(place: Place) {
    let (proxy, place) = broken(&place);
    let bucket = place.open_with(&transport(), QUICK).await.unwrap();
    for (step, needle) in STEPS {
        proxy.arm(needle, Fault::Answer(SLOW_DOWN), 3);
        upload(&bucket, &format!("{step}-storm")).await.unwrap();
    }
    proxy.arm("?uploads", Fault::Answer(SLOW_DOWN), 99);
    let error = upload(&bucket, "k").await.unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::SlowDown);
    assert!(error.to_string().ends_with("4 times"), "{error}");
    assert_eq!(proxy.fired(), 9 + 4);
}

#[tokio::test]
async fn an_error_hidden_in_the_answer_to_complete_is_found() {
    let place = Place::s3("hidden_error");
    let straight = place.open().await;
    let (proxy, place) = broken(&place);
    let bucket = place.open_with(&transport(), QUICK).await.unwrap();
    proxy.arm("?uploadId=", Fault::Answer(HIDDEN), 1);
    let error = upload(&bucket, "k").await.unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::Ambiguous, "{error}");
    sweep(&straight).await;
}

/// The double does it and answers nothing; the next try finds its own work.
#[tokio::test]
async fn a_lost_answer_is_ambiguous_and_the_object_tells() {
    let oss = Oss::start(&OssSettings::default());
    let bucket = Place::in_double(&oss, "lost").open().await;
    oss.lose_answer("CompleteMultipartUpload", 1);
    let error = upload(&bucket, "k").await.unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::Ambiguous, "{error}");
    let head = bucket.uploads().head("k").await.unwrap();
    assert_eq!(head.bytes, 200_000);
    oss.fail("UploadPart", 503, "ServiceUnavailable", 2);
    upload(&bucket, "k2").await.unwrap();
    oss.fail("CompleteMultipartUpload", 409, "OperationAborted", 1);
    let error = upload(&bucket, "k3").await.unwrap_err();
    assert_eq!(*error.kind(), BucketErrorKind::Conflict, "{error}");
    sweep(&bucket).await;
}
